//! Where a cache's entries are found: a hash table read without locks, changed by one at a time.
//!
//! Open addressing, linear probing, a power of two of slots. A slot is one word: the address of
//! an entry, four bits of its hash in the bits that alignment leaves free. Readers hold a pin (see
//! [`reclaim`](crate::reclaim)) and only load; the [`Writer`] is behind its cache's lock, and what
//! it unlinks is retired.

mod storage;

use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use crate::key::{Hashes, Seed};
use crate::memory::entry::{self, Builder, Entry, Ref, View};
use crate::platform::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use crate::reclaim::{Garbage, Pin, Retired, DUE_BYTES};
use storage::{allocate_slots, slots_layout, Slots, ENTRY, SLOTS, SLOTS_AND_ENTRIES, SLOTS_AT};

type Slot = AtomicPtr<Entry>;

/// The hash bits in a slot's low bits.
const TAG: usize = entry::ALIGN - 1;

/// A slot whose entry was removed: probes go on behind it.
const GONE: *mut Entry = ptr::without_provenance_mut(GONE_TAG);
const GONE_TAG: usize = 1;

/// So many keys of the same samples make a table thorough.
const ALIKE: usize = 4;

/// Never that of a gone entry, so that a slot with the right tag has an entry.
#[cfg_attr(not(debug_assertions), inline(always))]
fn tag(hash: u64) -> usize {
    const { assert!(GONE_TAG & 2 == 0) };
    (hash >> 60) as usize & TAG | 2
}

/// The reader's side.
#[derive(Debug)]
pub(crate) struct Table {
    slots: AtomicPtr<Slots>,
    /// What the slots say of their hashes, for who has no pin; that may have changed since.
    thorough: AtomicBool,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { slots: AtomicPtr::new(ptr::null_mut()), thorough: AtomicBool::new(false) }
    }

    /// The table as it is now; nothing before the first entry.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<'p>(&self, _: &'p Pin) -> Option<Reader<'p>> {
        // Acquire pairs with the Release that published the slots.
        let slots = NonNull::new(self.slots.load(Ordering::Acquire))?;
        Some(Reader { slots, pin: std::marker::PhantomData })
    }
}

impl Table {
    /// Whether its hashes saw all of a long key, a moment ago.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn was_thorough(&self) -> bool {
        // Relaxed: who reads the slots compares.
        self.thorough.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Reader<'p> {
    slots: NonNull<Slots>,
    pin: std::marker::PhantomData<&'p Pin>,
}

impl<'p> Reader<'p> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn head(self) -> &'p Slots {
        // SAFETY: the pin keeps the allocation alive for `'p`; a head is never written again.
        unsafe { self.slots.as_ref() }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn slot(self, index: usize) -> &'p Slot {
        // SAFETY: `mask + 1` slots follow the head, and every caller masks its index.
        unsafe { self.slots.byte_add(SLOTS_AT).cast::<Slot>().add(index).as_ref() }
    }

    /// What keys this table's hashes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn seed(self) -> &'p Seed {
        &self.head().seed
    }

    /// Whether its hashes see all of a long key.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn is_thorough(self) -> bool {
        self.head().thorough
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn find(self, hash: u64, is_it: impl Fn(View<'p>) -> bool) -> Option<View<'p>> {
        self.position(hash, is_it).map(|(_, view)| view)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn position(self, hash: u64, is_it: impl Fn(View<'p>) -> bool) -> Option<(usize, View<'p>)> {
        let mask = self.head().mask;
        let mut index = hash as usize & mask;
        loop {
            // Acquire pairs with the Release that linked the entry: its bytes are written.
            let tagged = self.slot(index).load(Ordering::Acquire);
            if tagged.is_null() {
                // There always is one: three quarters is as full as a table gets.
                return None;
            }
            // Of an entry with the same tag this leaves the address.
            let entry = tagged.wrapping_byte_sub(tag(hash));
            if entry.addr() & TAG == 0 {
                // SAFETY: a slot with this tag is neither empty nor gone, so it has an entry: linked
                // when it was loaded, and the pin keeps it for `'p`. (To ask for null once more takes
                // 0.3 of a hit's 4 ns.)
                let view = unsafe { View::new(NonNull::new_unchecked(entry)) };
                // Its whole hash is not asked for: that is one more question to the right entry,
                // and a wrong one fails the comparison soon.
                if is_it(view) {
                    return Some((index, view));
                }
            }
            index = (index + 1) & mask;
        }
    }

    /// All entries, as far as they are not being changed right now.
    pub(crate) fn each(self) -> impl Iterator<Item = View<'p>> {
        (0..self.count()).filter_map(move |index| {
            // Acquire pairs with the Release that linked the entry: its bytes are written.
            let tagged = self.slot(index).load(Ordering::Acquire);
            let entry = NonNull::new(tagged.map_addr(|addr| addr & !TAG))?;
            // SAFETY: linked when it was loaded, and the pin keeps it for `'p`.
            Some(unsafe { View::new(entry) })
        })
    }

    fn count(self) -> usize {
        self.head().mask + 1
    }

    fn entries(self) -> impl Iterator<Item = NonNull<Entry>> + 'p {
        (0..self.count()).filter_map(move |index| {
            let tagged = self.slot(index).load(Ordering::Relaxed);
            NonNull::new(tagged.map_addr(|addr| addr & !TAG))
        })
    }
}

/// The writer's side: who has it may change the table it belongs to.
#[derive(Debug)]
pub(crate) struct Writer {
    entries: usize,
    /// Slots that are not empty: entries, and the gone ones between them.
    used: usize,
    bytes: usize,
    garbage: Garbage,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { entries: 0, used: 0, bytes: 0, garbage: Garbage::new() }
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Stored bytes, keys included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The slots, which only the writer replaces.
    fn slots<'t>(&self, table: &'t Table) -> Option<Reader<'t>> {
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
    ) -> Option<(usize, View<'t>)> {
        let slots = self.slots(table)?;
        slots.position(hashes.of(slots.is_thorough()), is_it)
    }

    pub(crate) fn each<'t>(&self, table: &'t Table) -> impl Iterator<Item = NonNull<Entry>> + 't {
        self.slots(table).into_iter().flat_map(Reader::entries)
    }

    /// Links an entry whose key is not in the table.
    pub(crate) fn link(&mut self, table: &Table, entry: Ref) {
        let view = entry.view();
        let (hashes, bytes) = (view.hashes(), view.entry.bytes());
        let mut slots = self.slots_with_room(table);
        if hashes.quick != hashes.thorough && self.samples_are_alike(slots, hashes.quick) {
            slots = self.rebuild(table, slots.count(), true);
        }
        let hash = hashes.of(slots.is_thorough());
        let mask = slots.head().mask;
        let mut index = hash as usize & mask;
        loop {
            let there = slots.slot(index).load(Ordering::Relaxed);
            if there.is_null() || there == GONE {
                self.used += usize::from(there.is_null());
                break;
            }
            index = (index + 1) & mask;
        }
        let tagged = entry.into_raw().as_ptr().map_addr(|addr| addr | tag(hash));
        // Release publishes the entry's bytes.
        slots.slot(index).store(tagged, Ordering::Release);
        self.entries += 1;
        self.bytes += bytes;
    }

    /// Puts an entry in the place of one with the same key, so that no reader misses both.
    pub(crate) fn replace(&mut self, table: &Table, index: usize, entry: Ref) {
        let Some(slots) = self.slots(table) else { return };
        let view = entry.view();
        self.bytes += view.entry.bytes();
        let hash = view.hashes().of(slots.is_thorough());
        let tagged = entry.into_raw().as_ptr().map_addr(|addr| addr | tag(hash));
        // Release publishes the entry's bytes.
        let old = slots.slot(index).swap(tagged, Ordering::Release);
        self.retire(old);
    }

    /// Unlinks the entry that was located there.
    pub(crate) fn unlink(&mut self, table: &Table, index: usize) {
        let Some(slots) = self.slots(table) else { return };
        // Behind the last of a run of entries nothing is probed for: the slot can be empty again.
        let next = slots.slot((index + 1) & slots.head().mask).load(Ordering::Relaxed);
        let left = if next.is_null() { ptr::null_mut() } else { GONE };
        self.used -= usize::from(left.is_null());
        self.entries -= 1;
        // Relaxed: there is nothing to publish.
        let old = slots.slot(index).swap(left, Ordering::Relaxed);
        self.retire(old);
    }

    /// Unlinks everything at once, however much it is.
    pub(crate) fn clear(&mut self, table: &Table) {
        let Some(slots) = self.slots(table) else { return };
        // Relaxed: there is nothing to publish.
        table.slots.store(ptr::null_mut(), Ordering::Relaxed);
        let bytes = self.bytes + slots_layout(slots.count()).size();
        // SAFETY: unlinked by the store above, and this was the table's only pointer to it.
        unsafe { self.garbage.retire(slots.slots.cast(), bytes, &SLOTS_AND_ENTRIES) };
        (self.entries, self.used, self.bytes) = (0, 0, 0);
    }

    /// What can be freed by now; to be dropped outside the lock. `at_once`: even if it is little.
    pub(crate) fn collect(&mut self, at_once: bool) -> Vec<Retired> {
        if at_once || self.garbage.is_due() {
            self.garbage.collect()
        } else {
            Vec::new()
        }
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

    /// The slots, replaced by more (or by the same number without the gone ones) when three
    /// quarters are used.
    fn slots_with_room<'t>(&mut self, table: &'t Table) -> Reader<'t> {
        let Some(slots) = self.slots(table) else { return self.rebuild(table, 8, false) };
        if (self.used + 1) * 4 <= slots.count() * 3 {
            return slots;
        }
        let is_large = self.entries * 2 >= slots.count();
        let count = if is_large { slots.count() * 2 } else { slots.count() };
        self.rebuild(table, count, slots.is_thorough())
    }

    /// Whether as many entries as are too many for chance have the samples of one to be.
    #[cold]
    fn samples_are_alike(&self, slots: Reader<'_>, quick: u64) -> bool {
        let alike = std::cell::Cell::new(0);
        !slots.is_thorough()
            && slots
                .position(quick, |view| {
                    alike.set(alike.get() + usize::from(view.hashes().quick == quick));
                    alike.get() == ALIKE
                })
                .is_some()
    }

    /// Puts the entries into so many new slots.
    fn rebuild<'t>(&mut self, table: &'t Table, count: usize, thorough: bool) -> Reader<'t> {
        let new = Reader { slots: allocate_slots(count, thorough), pin: std::marker::PhantomData };
        if let Some(old) = self.slots(table) {
            for entry in old.entries() {
                // SAFETY: linked, so alive.
                let hash = unsafe { View::new(entry) }.hashes().of(thorough);
                let mut index = hash as usize & (count - 1);
                while !new.slot(index).load(Ordering::Relaxed).is_null() {
                    index = (index + 1) & (count - 1);
                }
                let tagged = entry.as_ptr().map_addr(|addr| addr | tag(hash));
                new.slot(index).store(tagged, Ordering::Relaxed);
            }
        }
        table.thorough.store(thorough, Ordering::Relaxed);
        // Release publishes the head and the slots.
        let old = table.slots.swap(new.slots.as_ptr(), Ordering::Release);
        self.used = self.entries;
        if let Some(old) = NonNull::new(old) {
            // SAFETY: unlinked by the swap; its entries are now the new slots' to own.
            unsafe { self.garbage.retire(old.cast(), SLOTS_AT + count * 4, &SLOTS) };
        }
        new
    }
}

/// Whether an entry has the key of one to be.
pub(crate) fn same_key(key: &Builder) -> impl Fn(View<'_>) -> bool + '_ {
    |view| view.entry.has_digest_key() == key.has_digest_key() && view.key() == key.key()
}

/// Whether an entry has the key of another.
pub(crate) fn same_key_as(other: View<'_>) -> impl Fn(View<'_>) -> bool + '_ {
    move |view| {
        view.entry.has_digest_key() == other.entry.has_digest_key() && view.key() == other.key()
    }
}

/// One for all tables of a process, so that nobody outside it can prepare colliding keys. (Tests that
/// make a schedule again need the same tables for it.)
pub(crate) fn seed() -> &'static Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    SEED.get_or_init(|| match cfg!(all(test, memo_shuttle)) {
        true => Seed::of([1, 2, 3]),
        false => Seed::random(),
    })
}

#[cfg(test)]
mod tests;
