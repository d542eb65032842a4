//! How a table grows, an array at a time.
//!
//! An array that is full is doubled while it is small, and split in two from [`SEGMENT`] slots on, by
//! the first bit of its entries' [segment bits](segment_bits) that they do not have in common. The
//! directory has a link for each value of as many bits as the segment with the most has in common: a
//! segment of fewer has several. All of it is replaced, never changed: who reads what was goes on.

use super::storage::allocate_slots;
use super::{segment_bits, tag, Reader, Table, Writer, MAX_DEPTH, SEGMENT};
use crate::key::Hashes;
use crate::memory::entry::{Entry, View};
use crate::platform::sync::atomic::Ordering;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// So many keys of the same samples make a table thorough.
pub(super) const ALIKE: usize = 4;

impl<'p> Reader<'p> {
    /// New slots, which are nobody else's yet.
    fn new(count: usize, segments: usize, depth: u32, thorough: bool) -> Self {
        Self { slots: allocate_slots(count, segments, depth, thorough), pin: PhantomData }
    }

    /// The entries of one array, with their hashes.
    fn hashed(self) -> impl Iterator<Item = (u64, NonNull<Entry>)> + 'p {
        let thorough = self.is_thorough();
        // SAFETY: linked, so alive.
        let hash = move |entry| unsafe { View::new(entry) }.hashes().of(thorough);
        self.entries().map(move |entry| (hash(entry), entry))
    }

    /// Puts an entry into slots that are nobody else's yet, and have room.
    fn fill(self, hash: u64, entry: NonNull<Entry>) {
        let mask = self.head().mask;
        let mut index = hash as usize & mask;
        while !self.slot(index).load(Ordering::Relaxed).is_null() {
            index = (index + 1) & mask;
        }
        let tagged = entry.as_ptr().map_addr(|addr| addr | tag(hash));
        self.slot(index).store(tagged, Ordering::Relaxed);
        self.use_more(1);
    }
}

impl Writer {
    /// The hash by which an entry is to be linked.
    pub(super) fn hash_to_link(&mut self, table: &Table, hashes: Hashes) -> u64 {
        let root = self.slots(table);
        let mut is_thorough = root.is_some_and(Reader::is_thorough);
        if hashes.quick != hashes.thorough
            && root.is_some_and(|root| samples_are_alike(root, hashes.quick))
        {
            self.make_thorough(table);
            is_thorough = true;
        }
        hashes.of(is_thorough)
    }

    /// The array for a hash, replaced by more (or by one without the gone entries) when three quarters
    /// are used.
    pub(super) fn slots_with_room<'t>(&mut self, table: &'t Table, hash: u64) -> Reader<'t> {
        loop {
            let Some(root) = self.slots(table) else {
                self.publish(table, Reader::new(8, 0, 0, false));
                continue;
            };
            let slots = root.array(hash);
            if (slots.used() + 1) * 4 <= slots.count() * 3 {
                return slots;
            }
            self.grow(table, root, slots, hash);
        }
    }

    fn grow(&mut self, table: &Table, root: Reader<'_>, full: Reader<'_>, hash: u64) {
        let is_large = full.entries().count() * 2 >= full.count();
        let depth = full.head().depth;
        if is_large && full.count() >= SEGMENT && self.may_split(root, depth) {
            return self.split(table, root, full, hash);
        }
        let count = full.count() << u32::from(is_large);
        let new = Reader::new(count, 0, depth, full.is_thorough());
        full.hashed().for_each(|(hash, entry)| new.fill(hash, entry));
        if root.head().segments == 0 {
            self.publish(table, new);
        } else {
            link_segments(root, [new, new], depth, hash);
        }
        self.retire_slots(full);
    }

    /// Whether a segment is to be split: not if hashes have so little in them that the directory would
    /// outgrow the entries.
    fn may_split(&self, root: Reader<'_>, depth: u32) -> bool {
        let segments = root.head().segments.max(1);
        let is_in_directory = segments >> depth > 1;
        is_in_directory || (depth < MAX_DEPTH && self.entries >= segments * SEGMENT / 4)
    }

    /// Puts two arrays in the place of one, which is the root or one of its segments.
    fn split(&mut self, table: &Table, root: Reader<'_>, full: Reader<'_>, hash: u64) {
        let (depth, thorough) = (full.head().depth, full.is_thorough());
        let halves = [(); 2].map(|()| Reader::new(full.count(), 0, depth + 1, thorough));
        for (hash, entry) in full.hashed() {
            halves[segment_bits(hash) >> depth & 1].fill(hash, entry);
        }
        let segments = root.head().segments;
        if segments >> depth > 1 {
            link_segments(root, halves, depth, hash);
        } else {
            let directory = Reader::new(1, 2 << depth, 0, thorough);
            for number in 0..segments * 2 {
                let segment = root.segment_at(number & (segments - 1));
                directory.link(number).store(segment.slots.as_ptr(), Ordering::Relaxed);
            }
            link_segments(directory, halves, depth, hash);
            self.publish(table, directory);
            if segments > 0 {
                self.retire_slots(root);
            }
        }
        self.retire_slots(full);
    }

    /// Hashes by all of each key from now on. This is done at once, however much there is: only keys
    /// that were made alike ask for it, or very long ones, once.
    #[cold]
    fn make_thorough(&mut self, table: &Table) {
        let new = Table::new();
        self.publish(&new, Reader::new(8, 0, 0, true));
        let old = self.slots(table);
        for array in old.into_iter().flat_map(Reader::arrays) {
            for entry in array.entries() {
                // SAFETY: linked, so alive.
                let hash = unsafe { View::new(entry) }.hashes().of(true);
                self.put(&new, hash, entry);
            }
        }
        if let Some(new) = self.slots(&new) {
            self.publish(table, new);
        }
        for old in old.into_iter().flat_map(|old| old.arrays().chain(directory(old))) {
            self.retire_slots(old);
        }
    }

    fn publish(&mut self, table: &Table, root: Reader<'_>) {
        table.thorough.store(root.is_thorough(), Ordering::Relaxed);
        // Release publishes the head, and the slots or links.
        table.slots.store(root.slots.as_ptr(), Ordering::Release);
    }
}

/// The root, if it is no array of entries.
pub(super) fn directory(root: Reader<'_>) -> Option<Reader<'_>> {
    (root.head().segments > 0).then_some(root)
}

/// Links two halves, which may be the same, wherever the segment is that they come from.
fn link_segments(directory: Reader<'_>, halves: [Reader<'_>; 2], depth: u32, hash: u64) {
    let first = segment_bits(hash) & ((1 << depth) - 1);
    for number in (first..directory.head().segments).step_by(1 << depth) {
        let half = halves[number >> depth & 1];
        // Release publishes the head and the slots.
        directory.link(number).store(half.slots.as_ptr(), Ordering::Release);
    }
}

/// Whether as many entries as are too many for chance have the samples of one to be.
#[cold]
fn samples_are_alike(root: Reader<'_>, quick: u64) -> bool {
    let alike = std::cell::Cell::new(0);
    !root.is_thorough()
        && root
            .position(quick, |view| {
                alike.set(alike.get() + usize::from(view.hashes().quick == quick));
                alike.get() == ALIKE
            })
            .is_some()
}
