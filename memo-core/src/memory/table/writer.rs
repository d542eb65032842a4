//! The writer's side: entries come, go, and take each other's place.

use std::ptr::{self, NonNull};

use super::storage::{slots_layout, ENTRY, SLOTS, SLOTS_AND_ENTRIES, SLOTS_AT};
use super::{tag, Place, Reader, Table, GONE, TAG};
use crate::key::Hashes;
use crate::memory::entry::{Entry, Ref, View};
use crate::platform::sync::atomic::Ordering;
use crate::reclaim::{Garbage, Retired, DUE_BYTES};

/// Who has it may change the table it belongs to.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) entries: usize,
    bytes: usize,
    pub(super) garbage: Garbage,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { entries: 0, bytes: 0, garbage: Garbage::new() }
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Stored bytes, keys included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The slots, which only the writer replaces.
    pub(super) fn slots<'t>(&self, table: &'t Table) -> Option<Reader<'t>> {
        // Relaxed: it was this writer, or one before it under the same lock, who stored it.
        let slots = NonNull::new(table.slots.load(Ordering::Relaxed))?;
        Some(Reader { slots, pin: std::marker::PhantomData })
    }

    /// Looks without a pin: the entry, and where it is.
    pub(crate) fn locate<'t>(
        &self,
        table: &'t Table,
        hashes: Hashes,
        is_it: impl Fn(View<'t>) -> bool,
    ) -> Option<(Place<'t>, View<'t>)> {
        let slots = self.slots(table)?;
        slots.position(hashes.of(slots.is_thorough()), is_it)
    }

    pub(crate) fn each<'t>(&self, table: &'t Table) -> impl Iterator<Item = NonNull<Entry>> + 't {
        self.slots(table).into_iter().flat_map(Reader::arrays).flat_map(Reader::entries)
    }

    /// Links an entry whose key is not in the table.
    pub(crate) fn link(&mut self, table: &Table, entry: Ref) {
        let view = entry.view();
        let (hashes, bytes) = (view.hashes(), view.entry.bytes());
        let hash = self.hash_to_link(table, hashes);
        self.put(table, hash, entry.into_raw());
        self.entries += 1;
        self.bytes += bytes;
    }

    /// Puts an entry where there is room for it.
    pub(super) fn put(&mut self, table: &Table, hash: u64, entry: NonNull<Entry>) {
        let slots = self.slots_with_room(table, hash);
        let mask = slots.head().mask;
        let mut index = hash as usize & mask;
        loop {
            let there = slots.slot(index).load(Ordering::Relaxed);
            if there.is_null() || there == GONE {
                slots.use_more(usize::from(there.is_null()));
                break;
            }
            index = (index + 1) & mask;
        }
        let tagged = entry.as_ptr().map_addr(|addr| addr | tag(hash));
        // Release publishes the entry's bytes.
        slots.slot(index).store(tagged, Ordering::Release);
    }

    /// Puts an entry in the place of one with the same key, so that no reader misses both.
    pub(crate) fn replace(&mut self, place: Place<'_>, entry: Ref) {
        let Place { slots, index } = place;
        let view = entry.view();
        self.bytes += view.entry.bytes();
        let hash = view.hashes().of(slots.is_thorough());
        let tagged = entry.into_raw().as_ptr().map_addr(|addr| addr | tag(hash));
        // Release publishes the entry's bytes.
        let old = slots.slot(index).swap(tagged, Ordering::Release);
        self.retire(old);
    }

    /// Unlinks the entry that was located there.
    pub(crate) fn unlink(&mut self, place: Place<'_>) {
        let Place { slots, index } = place;
        // Behind the last of a run of entries nothing is probed for: the slot can be empty again.
        let next = slots.slot((index + 1) & slots.head().mask).load(Ordering::Relaxed);
        let left = if next.is_null() { ptr::null_mut() } else { GONE };
        slots.use_less(usize::from(left.is_null()));
        self.entries -= 1;
        // Relaxed: there is nothing to publish.
        let old = slots.slot(index).swap(left, Ordering::Relaxed);
        self.retire(old);
    }

    /// Unlinks everything at once, however much it is.
    pub(crate) fn clear(&mut self, table: &Table) {
        let Some(root) = self.slots(table) else { return };
        // Relaxed: there is nothing to publish.
        table.slots.store(ptr::null_mut(), Ordering::Relaxed);
        for array in root.arrays() {
            array.begin_to_free();
            let bytes = slots_layout(array.count(), 0).size();
            // SAFETY: unlinked by the store above, and this was the only pointer to it, be it the
            // table's or its directory's.
            unsafe { self.garbage.retire(array.slots.cast(), bytes, &SLOTS_AND_ENTRIES) };
        }
        if root.head().segments > 0 {
            self.retire_slots(root);
        }
        // Entries are not counted one by one: what is large is to be freed soon.
        self.garbage.add_bytes(self.bytes);
        (self.entries, self.bytes) = (0, 0);
    }

    /// What can be freed by now; to be [freed](crate::reclaim::free) outside the lock. `at_once`: even
    /// if it is little.
    pub(crate) fn collect(&mut self, at_once: bool) -> Vec<Retired> {
        if at_once || self.garbage.is_due() {
            self.garbage.collect()
        } else {
            Vec::new()
        }
    }

    /// What was unlinked, for who has more to be freed.
    pub(crate) fn garbage(&mut self) -> &mut Garbage {
        &mut self.garbage
    }

    /// Whether nothing waits to be freed.
    pub(crate) fn is_clean(&self) -> bool {
        self.garbage.is_empty()
    }

    /// Takes what was in a slot.
    fn retire(&mut self, tagged: *mut Entry) {
        let entry = NonNull::new(tagged.map_addr(|addr| addr & !TAG));
        let entry = entry.unwrap_or_else(|| unreachable!("a located slot has an entry"));
        // SAFETY: the table's ownership of it is what is retired, so it is alive.
        let view = unsafe { View::new(entry) };
        let bytes = view.entry.bytes();
        self.bytes -= bytes;
        // How much more is not known, and may be all there is: it does not wait for others.
        let weight = if view.owns_more() { DUE_BYTES } else { bytes };
        // SAFETY: callers have just unlinked it; the ownership it was linked with is given up.
        unsafe { self.garbage.retire(entry.cast(), weight, &ENTRY) };
    }

    /// Takes slots whose entries are others' to own.
    pub(super) fn retire_slots(&mut self, slots: Reader<'_>) {
        let bytes = SLOTS_AT + slots.count() * size_of::<usize>();
        // SAFETY: callers have just unlinked them.
        unsafe { self.garbage.retire(slots.slots.cast(), bytes, &SLOTS) };
    }
}
