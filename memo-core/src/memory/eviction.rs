//! Which entry goes when there is no room.
//!
//! S3-FIFO (Yang et al., SOSP 2023), with two changes that loops asked for. New entries pass
//! through a short `cold` queue: who is hit there moves to the long `hot` one, who is not leaves,
//! and is remembered as a ghost. A ghost that comes back goes to `hot`, but only if it was wanted
//! more often than the one it would push out, of which a small sketch of frequencies has an idea:
//! else a loop that is larger than the cache pushes all of itself out. And until the first eviction
//! everything is `hot`. Both queues give an entry that was hit another round.
//!
//! A hit only leaves a mark on its entry. Nothing here is locked: it is behind its cache's lock.

mod history;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory::list::{List, Nodes, Place};
use crate::reclaim::Garbage;
use history::History;

/// What is queued: something with a hash, and marks that hits leave.
pub(crate) trait Item: Copy {
    fn hash(self) -> u64;
    /// When it was stored, in whatever unit, for as long as it is not queued.
    fn born(self) -> u32 {
        0
    }
    /// Takes one mark, if there is one.
    fn take_mark(self) -> bool;
    fn clear_marks(self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Cold,
    Hot,
}

#[derive(Clone, Copy, Debug)]
struct Queued<T> {
    item: T,
    queue: Queue,
    /// When it was queued: smaller is longer ago, in whatever cache.
    stamp: u64,
    /// When it was stored.
    born: u32,
}

/// There is room for that beside the queue.
const _: () = assert!(size_of::<Queued<u64>>() == 24);

#[derive(Debug)]
pub(crate) struct Queues<T> {
    nodes: Nodes<Queued<T>>,
    cold: List,
    hot: List,
    history: History,
    /// Something was evicted since there was nothing.
    is_full: bool,
}

/// One in so many entries is cold.
const COLD_SHARE: usize = 32;

impl<T: Item> Queues<T> {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Nodes::new(),
            cold: List::new(),
            hot: List::new(),
            history: History::new(),
            is_full: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.cold.len() + self.hot.len()
    }

    pub(crate) fn push(&mut self, item: T) -> Place {
        self.history.make_room_for(self.len() + 1);
        let comes_back = self.history.comes_back(item.hash());
        self.history.count(item.hash());
        let is_hot = !self.is_full || (comes_back && self.wins(item.hash()));
        let queue = if is_hot { Queue::Hot } else { Queue::Cold };
        let place = self.nodes.take(Queued { item, queue, stamp: 0, born: item.born() });
        self.link(place, queue);
        place
    }

    /// When what is there was stored.
    pub(crate) fn born(&self, place: Place) -> Option<u32> {
        self.nodes.get(place).map(|queued| queued.born)
    }

    /// Gives its memory up, to be freed in slices.
    pub(crate) fn retire(self, garbage: &mut Garbage) {
        self.nodes.retire(garbage);
        self.history.retire(garbage);
    }

    /// Takes an item out, whose entry left for another reason than room.
    pub(crate) fn remove(&mut self, place: Place) {
        self.unlink(place);
        self.nodes.give_back(place);
    }

    /// The place of the item that is to go next, and when it was queued.
    pub(crate) fn victim(&mut self) -> Option<(Place, T, u64)> {
        loop {
            let is_cold = self.cold.len() * COLD_SHARE >= self.len() || self.hot.len() == 0;
            let place = if is_cold { self.cold.oldest() } else { self.oldest_hot()? };
            let Queued { item, stamp, .. } = self.nodes.get(place)?;
            if !is_cold || !item.take_mark() {
                return Some((place, item, stamp));
            }
            item.clear_marks();
            self.unlink(place);
            self.link(place, Queue::Hot);
        }
    }

    /// Takes out a victim.
    pub(crate) fn evict(&mut self, place: Place) {
        self.is_full = true;
        if let Some(Queued { item, queue: Queue::Cold, .. }) = self.nodes.get(place) {
            self.history.remember(item.hash());
        }
        self.remove(place);
    }

    /// Whether a ghost was wanted more often than the one it would push out.
    fn wins(&mut self, hash: u64) -> bool {
        let oldest = self.oldest_hot().and_then(|place| self.nodes.get(place));
        let Some(oldest) = oldest else { return true };
        self.history.frequency(hash) > self.history.frequency(oldest.item.hash())
    }

    /// The first hot item without a mark; those before it get their round.
    fn oldest_hot(&mut self) -> Option<Place> {
        loop {
            let place = self.hot.oldest();
            let item = self.nodes.get(place)?.item;
            if !item.take_mark() {
                return Some(place);
            }
            self.history.count(item.hash());
            self.unlink(place);
            self.link(place, Queue::Hot);
        }
    }

    fn link(&mut self, place: Place, queue: Queue) {
        static STAMP: AtomicU64 = AtomicU64::new(0);
        if let Some(queued) = self.nodes.get_mut(place) {
            queued.queue = queue;
            // Relaxed: stamps need only be distinct, and about in order between caches.
            queued.stamp = STAMP.fetch_add(1, Ordering::Relaxed);
        }
        match queue {
            Queue::Cold => self.cold.link(&mut self.nodes, place),
            Queue::Hot => self.hot.link(&mut self.nodes, place),
        }
    }

    fn unlink(&mut self, place: Place) {
        match self.nodes.get(place).map(|queued| queued.queue) {
            Some(Queue::Cold) => self.cold.unlink(&mut self.nodes, place),
            Some(Queue::Hot) => self.hot.unlink(&mut self.nodes, place),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
