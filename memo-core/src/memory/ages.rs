//! Which entry of a function expires next, in whatever order they came.
//!
//! An entry that expires no sooner than all in the list is appended to it: where all live equally long
//! that is every one. The others are in a heap, so that each costs a number of steps that grows with
//! the logarithm of how many there are, and none has to wait for a scan. Either takes 16 bytes for an
//! entry, and a seat in the entry itself, which says where it is: so it can leave before its time.

use crate::clock::Tick;
use crate::memory::chunks::Chunks;
use crate::memory::list::{List, Nodes, Place, NOWHERE};
use crate::reclaim::Garbage;

/// What expires, and has room for a seat.
pub(crate) trait Aging: Copy {
    fn expiry(self) -> Tick;
    fn seat(self) -> Place;
    fn set_seat(self, seat: Place);
}

#[derive(Debug)]
pub(crate) struct Ages<T> {
    nodes: Nodes<T>,
    list: List,
    /// When the newest in the list expires; earlier than anything, if there is none.
    newest: Tick,
    /// Each expires no later than its four [children](children).
    heap: Chunks<(Tick, T)>,
}

/// Set in the seat of what is in the heap; the rest is its place there.
const IN_HEAP: Place = 1 << 31;

fn children(place: usize) -> std::ops::Range<usize> {
    place * 4 + 1..place * 4 + 5
}

fn parent(place: usize) -> usize {
    (place - 1) / 4
}

impl<T: Aging> Ages<T> {
    pub(crate) const fn new() -> Self {
        let newest = Tick::from_nanos(0);
        Self { nodes: Nodes::new(), list: List::new(), newest, heap: Chunks::new() }
    }

    /// What expires first.
    pub(crate) fn first(&self) -> Option<(Tick, T)> {
        let listed = self.nodes.get(self.list.oldest()).map(|item| (item.expiry(), item));
        let heaped = self.heap.get(0).copied();
        match (listed, heaped) {
            (Some(listed), Some(heaped)) if heaped.0 < listed.0 => Some(heaped),
            (listed, heaped) => listed.or(heaped),
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        let expiry = item.expiry();
        if self.list.len() == 0 || expiry >= self.newest {
            let place = self.nodes.take(item);
            assert!(place < IN_HEAP, "fewer than two billion entries expire");
            self.list.link(&mut self.nodes, place);
            self.newest = expiry;
            item.set_seat(place);
            return;
        }
        let place = self.heap.len();
        assert!(place < IN_HEAP as usize, "fewer than two billion entries expire");
        self.heap.push((expiry, item));
        self.rise(place);
    }

    /// Takes out what is in there.
    pub(crate) fn remove(&mut self, item: T) {
        let seat = item.seat();
        item.set_seat(NOWHERE);
        if seat & IN_HEAP == 0 {
            self.list.unlink(&mut self.nodes, seat);
            self.nodes.give_back(seat);
            return;
        }
        let place = (seat & !IN_HEAP) as usize;
        let Some(last) = self.heap.pop() else { return };
        if place < self.heap.len() {
            self.heap[place] = last;
            let place = self.rise(place);
            self.sink(place);
        }
    }

    pub(crate) fn retire(self, garbage: &mut Garbage) {
        self.nodes.retire(garbage);
        self.heap.retire(garbage);
    }

    /// Moves what is there up, behind what expires before it.
    fn rise(&mut self, mut place: usize) -> usize {
        let item = self.heap[place];
        while place > 0 && item.0 < self.heap[parent(place)].0 {
            self.put(place, self.heap[parent(place)]);
            place = parent(place);
        }
        self.put(place, item);
        place
    }

    /// Moves what is there down, before what expires after it.
    fn sink(&mut self, mut place: usize) {
        let item = self.heap[place];
        loop {
            let there = children(place).filter(|child| *child < self.heap.len());
            let Some(first) = there.min_by_key(|child| self.heap[*child].0) else { break };
            if self.heap[first].0 >= item.0 {
                break;
            }
            self.put(place, self.heap[first]);
            place = first;
        }
        self.put(place, item);
    }

    fn put(&mut self, place: usize, item: (Tick, T)) {
        self.heap[place] = item;
        item.1.set_seat(place as Place | IN_HEAP);
    }
}

#[cfg(test)]
mod tests;
