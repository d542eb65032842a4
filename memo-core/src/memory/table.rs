//! Where a cache's entries are found: a hash table read without locks, changed by one at a time.
//!
//! Open addressing, linear probing, a power of two of slots. A slot is one word: the address of
//! an entry, four bits of its hash in the bits that alignment leaves free. Readers hold a pin (see
//! [`reclaim`](crate::reclaim)) and only load; the [`Writer`] is behind its cache's lock, and what
//! it unlinks is retired.
//!
//! A small table is one array. A large one is many of [`SEGMENT`] slots, found by other bits of the
//! hash through a directory, and grows by [splitting](growth) one of them: nobody waits for more.

mod growth;
mod storage;
mod writer;

use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use crate::key::Seed;
use crate::memory::entry::{self, Builder, Entry, View};
use crate::platform::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use crate::reclaim::Pin;
use storage::{Slots, SLOTS_AT};
pub(crate) use writer::Writer;

type Slot = AtomicPtr<Entry>;

/// The hash bits in a slot's low bits.
const TAG: usize = entry::ALIGN - 1;

/// A slot whose entry was removed: probes go on behind it.
const GONE: *mut Entry = ptr::without_provenance_mut(GONE_TAG);
const GONE_TAG: usize = 1;

/// The slots of an array that is split when it is full, instead of doubled: to go through them, and to
/// ask each entry for its hash, is the longest that growth keeps anyone waiting (half a millisecond,
/// where no entry is in a processor's cache). The interpreter has less time, and is to see splits.
const SEGMENT: usize = if cfg!(any(miri, all(test, memo_shuttle))) { 8 } else { 8192 };

/// The bits of a hash that choose a segment: neither those of the slot in it, nor those of the tag.
#[cfg_attr(not(debug_assertions), inline(always))]
fn segment_bits(hash: u64) -> usize {
    (hash >> 32) as usize & SEGMENT_BITS
}
const SEGMENT_BITS: usize = (1 << MAX_DEPTH) - 1;
/// So many of them at most.
const MAX_DEPTH: u32 = 28;

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

#[derive(Clone, Copy, Debug)]
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
    fn position(
        self,
        hash: u64,
        is_it: impl Fn(View<'p>) -> bool,
    ) -> Option<(Place<'p>, View<'p>)> {
        let slots = self.array(hash);
        let mask = slots.head().mask;
        let mut index = hash as usize & mask;
        loop {
            // Acquire pairs with the Release that linked the entry: its bytes are written.
            let tagged = slots.slot(index).load(Ordering::Acquire);
            if tagged.is_null() {
                // There always is one: three quarters is as full as an array gets.
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
                    return Some((Place { slots, index }, view));
                }
            }
            index = (index + 1) & mask;
        }
    }

    /// Where an entry of that hash is, if there is one: in a segment, if there are any.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn array(self, hash: u64) -> Self {
        // (Asked like this it is two instructions of a hit; an `Option` of a segment is six.)
        let mut array = self;
        if self.head().is_directory {
            array = self.segment_at(segment_bits(hash) & (self.head().segments - 1));
        }
        array
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn segment_at(self, number: usize) -> Self {
        // Acquire pairs with the Release that published the segment: its head and slots are written.
        let slots = self.link(number).load(Ordering::Acquire);
        // SAFETY: a directory is published when all its links are set, and none is ever taken back.
        Self { slots: unsafe { NonNull::new_unchecked(slots) }, pin: self.pin }
    }

    /// Where a directory says which segment is the one of that number.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn link(self, number: usize) -> &'p AtomicPtr<Slots> {
        // SAFETY: `segments` links follow a directory's only slot, and every caller's number is less.
        unsafe { self.slots.byte_add(SLOTS_AT).cast::<AtomicPtr<Slots>>().add(1 + number).as_ref() }
    }

    fn count(self) -> usize {
        self.head().mask + 1
    }

    /// The arrays that have the entries: each segment, or the one there is.
    fn arrays(self) -> impl Iterator<Item = Self> {
        let segments = self.head().segments;
        let each = (0..segments).filter_map(move |number| {
            let segment = self.segment_at(number);
            // It has as many numbers as end in the bits that its entries have in common.
            (number >> segment.head().depth == 0).then_some(segment)
        });
        (segments == 0).then_some(self).into_iter().chain(each)
    }

    /// All entries, as far as they are not being changed right now; some twice, where the table grows.
    pub(crate) fn each(self) -> impl Iterator<Item = View<'p>> {
        self.arrays().flat_map(|array| {
            (0..array.count()).filter_map(move |index| {
                // Acquire pairs with the Release that linked the entry: its bytes are written.
                let tagged = array.slot(index).load(Ordering::Acquire);
                let entry = NonNull::new(tagged.map_addr(|addr| addr & !TAG))?;
                // SAFETY: linked when it was loaded, and the pin keeps it for `'p`.
                Some(unsafe { View::new(entry) })
            })
        })
    }

    /// The entries of one array.
    fn entries(self) -> impl Iterator<Item = NonNull<Entry>> + 'p {
        (0..self.count()).filter_map(move |index| {
            let tagged = self.slot(index).load(Ordering::Relaxed);
            NonNull::new(tagged.map_addr(|addr| addr & !TAG))
        })
    }
}

/// Where an entry was found, for as long as nothing is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'t> {
    slots: Reader<'t>,
    index: usize,
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
