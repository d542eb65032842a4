//! One function's results in memory, within their bounds.
//!
//! Policy without locks: who has a `Memory` holds its cache's lock. It says what enters the table,
//! in what order it would be evicted or expires, and what goes for it.

use std::ptr::NonNull;

use crate::clock::{Clock, Tick, REAL};
use crate::function::causes::{Cause, Causes};
use crate::key::tags::TagHash;
use crate::memory::agenda::NEVER;
use crate::memory::ages::{Ages, Aging};
use crate::memory::budget;
use crate::memory::depending::DependingEntries;
use crate::memory::entry::{born, Builder, Entry, Ref, View};
use crate::memory::eviction::Queues;
use crate::memory::gone::Gone;
use crate::memory::list::NOWHERE;
use crate::memory::table::{same_key, same_key_as, Place, Table, Writer};
use crate::memory::tagged::TaggedEntries;
use crate::platform::sync::atomic::Ordering;
use crate::reclaim::Retired;

mod past;
mod used;

/// What a function may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    /// Bytes of keys and values.
    pub(crate) bytes: usize,
}

impl Bounds {
    pub(crate) const NONE: Self = Self { entries: usize::MAX, bytes: usize::MAX };

    fn is_none(self) -> bool {
        self.entries == usize::MAX && self.bytes == usize::MAX
    }
}

#[derive(Debug)]
pub(crate) struct Memory {
    writer: Writer,
    /// In the order of eviction, once there is a bound.
    queues: Option<Box<Queues<NonNull<Entry>>>>,
    /// In the order of expiry, once something expires.
    ages: Option<Box<Ages<NonNull<Entry>>>>,
    /// By what computed them, once there is something with `depends`.
    depending: Option<Box<DependingEntries>>,
    /// By their tags, once something has any.
    tagged: Option<Box<TaggedEntries>>,
    evictions: u64,
    expirations: u64,
    /// Why what is not there is not, as far as that is remembered.
    pub(crate) causes: Causes,
    /// What the observer is to be told has gone.
    gone: Vec<Gone>,
    /// What ages are told by.
    pub(crate) clock: &'static Clock,
    /// Its bytes count in the budget of all functions.
    is_budgeted: bool,
    /// The numbers with which its cache is in the agendas of expiries and of the oldest entries;
    /// [`NEVER`] where it is not.
    pub(crate) expiry_listed: u64,
    pub(crate) oldest_listed: u64,
}

// SAFETY: the pointers are to entries that the table owns, and are followed under its cache's lock.
unsafe impl Send for Memory {}

impl Memory {
    pub(crate) const fn new(is_budgeted: bool) -> Self {
        Self {
            writer: Writer::new(),
            queues: None,
            ages: None,
            depending: None,
            tagged: None,
            evictions: 0,
            expirations: 0,
            causes: Causes::new(),
            gone: Vec::new(),
            clock: &REAL,
            is_budgeted,
            expiry_listed: NEVER,
            oldest_listed: NEVER,
        }
    }

    fn give_back(&self, bytes: usize) {
        if self.is_budgeted {
            budget::release(bytes);
        }
    }

    pub(crate) fn entries(&self) -> usize {
        self.writer.entries()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    pub(crate) fn expirations(&self) -> u64 {
        self.expirations
    }

    /// Begins to count anew.
    pub(crate) fn forget_counts(&mut self) {
        (self.evictions, self.expirations) = (0, 0);
        self.causes = Causes::new();
    }

    /// The entry with this key; not if it has expired, which is then the end of it.
    pub(crate) fn find<'t>(&mut self, table: &'t Table, key: &Builder) -> Option<View<'t>> {
        let place = self.writer.locate(table, key.hashes(), same_key(key));
        self.served(place)
    }

    /// The entry that has the key of another, likewise.
    pub(crate) fn find_same<'t>(&mut self, table: &'t Table, other: View<'_>) -> Option<View<'t>> {
        let place = self.writer.locate(table, other.hashes(), same_key_as(other));
        self.served(place)
    }

    fn served<'t>(&mut self, place: Option<(Place<'t>, View<'t>)>) -> Option<View<'t>> {
        let (place, view) = place?;
        let now = self.clock.now();
        if view.expiry().is_none_or(|expiry| expiry > now) {
            return Some(view);
        }
        if view.end().is_some_and(|end| end <= now) {
            self.expired(view);
            self.unlink(place, view);
        }
        None
    }

    /// The entry with this key, though it may have expired: what is kept of it.
    pub(crate) fn kept<'t>(&self, table: &'t Table, key: &Builder) -> Option<View<'t>> {
        let view = self.peek(table, key)?;
        view.end().is_none_or(|end| end > self.clock.now()).then_some(view)
    }

    /// The entry with this key, whether or not it has expired.
    pub(crate) fn peek<'t>(&self, table: &'t Table, key: &Builder) -> Option<View<'t>> {
        self.writer.locate(table, key.hashes(), same_key(key)).map(|(_, view)| view)
    }

    /// Stores an entry, in the place of one with its key, and within the bounds at every moment.
    ///
    /// Its bytes are [taken](budget::take) in the budget by the caller, and are the caller's again
    /// if it is not stored. It was made just now.
    ///
    /// # Errors
    /// It is larger than all there may be: nobody makes room for it.
    pub(crate) fn insert_at(
        &mut self,
        table: &Table,
        bounds: Bounds,
        entry: Ref,
        at: Tick,
    ) -> Result<(), Ref> {
        // Relaxed: it is read under the cache's lock alone.
        entry.view().entry.queued.store(born(at), Ordering::Relaxed);
        self.insert(table, bounds, entry)
    }

    fn insert(&mut self, table: &Table, bounds: Bounds, entry: Ref) -> Result<(), Ref> {
        let (hashes, bytes) = (entry.view().hashes(), entry.view().entry.bytes());
        if bytes > bounds.bytes || bounds.entries == 0 {
            return Err(entry);
        }
        self.queue_all(table, bounds);
        let old = self.writer.locate(table, hashes, same_key_as(entry.view()));
        if let (Some((place, view)), true) = (old, bounds.is_none()) {
            let freed = self.dequeue(view);
            self.enqueue(&entry);
            self.writer.replace(place, entry);
            self.give_back(freed);
            return Ok(());
        }
        if let Some((place, view)) = old {
            self.unlink(place, view);
        }
        while self.entries() + 1 > bounds.entries || self.bytes() + bytes > bounds.bytes {
            if !self.evict(table) {
                return Err(entry);
            }
        }
        self.enqueue(&entry);
        self.writer.link(table, entry);
        Ok(())
    }

    /// Whether there was one, which had not expired.
    pub(crate) fn remove(&mut self, table: &Table, key: &Builder) -> bool {
        let Some((place, view)) = self.writer.locate(table, key.hashes(), same_key(key)) else {
            return false;
        };
        let now = self.clock.now();
        // What is kept and not served goes as well.
        let is_served = view.expiry().is_none_or(|expiry| expiry > now);
        if view.end().is_some_and(|end| end <= now) {
            self.expired(view);
        } else {
            self.note(view, if is_served { Cause::Removed } else { Cause::Expired });
        }
        self.unlink(place, view);
        is_served
    }

    /// Removes the entry that has the key of another.
    pub(crate) fn remove_same(&mut self, table: &Table, other: View<'_>) -> bool {
        let place = self.writer.locate(table, other.hashes(), same_key_as(other));
        place.is_some_and(|(place, view)| self.unlink(place, view))
    }

    /// Removes this very entry, if it is still there.
    pub(crate) fn remove_this(&mut self, table: &Table, view: View<'_>) -> bool {
        let is_it = |other: View<'_>| std::ptr::eq(other.entry, view.entry);
        let place = self.writer.locate(table, view.hashes(), is_it);
        place.is_some_and(|(place, view)| self.unlink(place, view))
    }

    /// Removes every entry that is meant.
    pub(crate) fn remove_if(&mut self, table: &Table, is_meant: impl Fn(View<'_>) -> bool) {
        // SAFETY: linked, so alive until it is unlinked below.
        let view = |entry: &NonNull<Entry>| unsafe { View::new(*entry) };
        let meant: Vec<_> = self.writer.each(table).filter(|entry| is_meant(view(entry))).collect();
        for entry in &meant {
            self.remove_for(table, view(entry), Cause::Removed);
        }
    }

    /// Removes every entry with a tag, but no more than so many at once; whether that was all.
    pub(crate) fn remove_tagged(&mut self, table: &Table, tag: TagHash, at_most: usize) -> bool {
        for _ in 0..at_most {
            let Some(entry) = self.tagged.as_mut().and_then(|tagged| tagged.pop(tag)) else {
                return true;
            };
            // SAFETY: what is noted there is linked in the table.
            self.remove_for(table, unsafe { View::new(entry) }, Cause::Cleared);
        }
        false
    }

    /// Unlinks everything at once, however much it is. In the budget its bytes are free from here on,
    /// as they are in the statistics; their memory is freed in slices, by whoever comes by.
    pub(crate) fn clear(&mut self, table: &Table) {
        self.give_back(self.bytes());
        self.writer.clear(table);
        if let Some(queues) = self.queues.take() {
            queues.retire(self.writer.garbage());
        }
        if let Some(ages) = self.ages.take() {
            ages.retire(self.writer.garbage());
        }
        if let Some(tagged) = self.tagged.take() {
            tagged.retire(self.writer.garbage());
        }
        if let Some(depending) = self.depending.take() {
            depending.retire(self.writer.garbage());
        }
    }

    /// Gives up what has expired, the oldest first, but no more than so many at once. When the
    /// next one expires.
    pub(crate) fn expire(&mut self, table: &Table, now: Tick, at_most: usize) -> Option<Tick> {
        let mut left = at_most;
        loop {
            let (due, first) = self.ages.as_ref()?.first()?;
            if due > now || left == 0 {
                return Some(due);
            }
            left -= 1;
            // SAFETY: what is queued is linked in the table.
            let view = unsafe { View::new(first) };
            if view.end().is_some_and(|end| end > now) {
                self.put_off(first);
                continue;
            }
            self.expired(view);
            self.remove_this(table, view);
        }
    }

    /// An entry was used since it was queued for expiry: it is looked at again when it would expire by
    /// now.
    fn put_off(&mut self, entry: NonNull<Entry>) {
        // SAFETY: what is queued is linked in the table.
        let view = unsafe { View::new(entry) };
        if let (Some(ages), Some(watch)) = (&mut self.ages, view.watch()) {
            ages.remove(entry);
            watch.put_off();
            ages.push(entry);
        }
    }

    /// When the entry that would be evicted next was queued; nothing if there is none.
    pub(crate) fn oldest_stamp(&mut self, table: &Table) -> Option<u64> {
        self.queue_all(table, Bounds { entries: usize::MAX, bytes: 0 });
        self.queues.as_mut()?.victim().map(|(_, _, stamp)| stamp)
    }

    /// What has gone since the last time that somebody asked.
    pub(crate) fn take_gone(&mut self) -> Vec<Gone> {
        std::mem::take(&mut self.gone)
    }

    /// Gives up the least valuable entry; false if there is none.
    pub(crate) fn evict(&mut self, table: &Table) -> bool {
        let Some(queues) = &mut self.queues else { return false };
        let Some((place, victim, _)) = queues.victim() else { return false };
        queues.evict(place);
        // SAFETY: what is queued is linked in the table.
        let view = unsafe { View::new(victim) };
        view.entry.queued.store(NOWHERE, Ordering::Relaxed);
        self.remove_for(table, view, Cause::Evicted);
        self.evictions += 1;
        true
    }

    pub(crate) fn collect(&mut self, at_once: bool) -> Vec<Retired> {
        self.writer.collect(at_once)
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.writer.is_clean()
    }

    /// From the first bound on, entries are queued for eviction; those there were are now.
    fn queue_all(&mut self, table: &Table, bounds: Bounds) {
        if self.queues.is_some() || (bounds.is_none() && !(self.is_budgeted && budget::is_set())) {
            return;
        }
        let mut queues = Box::new(Queues::new());
        for entry in self.writer.each(table) {
            // SAFETY: linked in the table.
            let view = unsafe { View::new(entry) };
            view.entry.queued.store(queues.push(entry), Ordering::Relaxed);
        }
        self.queues = Some(queues);
    }

    /// Takes a place for an entry that is about to be linked.
    fn enqueue(&mut self, entry: &Ref) {
        let view = entry.view();
        // Relaxed, here and below: places are read and written under the cache's lock alone.
        if let Some(queues) = &mut self.queues {
            view.entry.queued.store(queues.push(entry.pointer()), Ordering::Relaxed);
        }
        if view.expiry().is_some() {
            let ages = self.ages.get_or_insert_with(|| Box::new(Ages::new()));
            ages.push(entry.pointer());
        }
        if view.tags().len() > 0 {
            self.tagged.get_or_insert_default().add(view);
        }
    }

    /// Gives an entry's places back; its bytes.
    fn dequeue(&mut self, view: View<'_>) -> usize {
        let queued = view.entry.queued.swap(NOWHERE, Ordering::Relaxed);
        if let (Some(queues), true) = (&mut self.queues, queued != NOWHERE) {
            queues.remove(queued);
        }
        if let (Some(ages), Some(_)) = (&mut self.ages, view.expiry()) {
            if view.pointer().seat() != NOWHERE {
                ages.remove(view.pointer());
            }
        }
        if let Some(tagged) = &mut self.tagged {
            tagged.remove(view);
        }
        if let Some(depending) = &mut self.depending {
            depending.remove(view);
        }
        view.entry.bytes()
    }

    fn unlink(&mut self, place: Place<'_>, view: View<'_>) -> bool {
        let freed = self.dequeue(view);
        self.give_back(freed);
        self.writer.unlink(place);
        true
    }
}

#[cfg(test)]
mod tests;
