//! The memory of a table: how its slots are allocated, and how what is retired ends.

use std::alloc::{self, Layout};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{seed, Reader, Slot};
use crate::key::Seed;
use crate::memory::entry::{Ref, View};
use crate::platform::sync::atomic::Ordering;
use crate::reclaim::{IsHeld, Kind, Quota, Rescue};

/// The head of an allocation in which `mask + 1` slots follow, and `segments` links.
#[derive(Debug)]
pub(super) struct Slots {
    /// A copy, so that it lies beside the slots.
    pub(super) seed: Seed,
    pub(super) mask: usize,
    /// It has one slot and no entries, but segments; so many, a power of two.
    pub(super) is_directory: bool,
    pub(super) segments: usize,
    /// How many of their segment bits a segment's entries have in common: the lowest.
    pub(super) depth: u32,
    /// Whether it is the thorough hash that says where an entry is.
    pub(super) thorough: bool,
    /// The writer's: slots that are not empty, entries and the gone ones between them; once it is
    /// retired with its entries, those before this one are freed.
    used: AtomicUsize,
}

pub(super) const SLOTS_AT: usize = size_of::<Slots>();

pub(super) fn slots_layout(count: usize, segments: usize) -> Layout {
    const { assert!(size_of::<Slot>() == size_of::<usize>()) };
    let words = Layout::array::<Slot>(count + segments);
    let (layout, at) = Layout::new::<Slots>()
        .extend(words.expect("a table is smaller than the address space"))
        .expect("a table is smaller than the address space");
    debug_assert_eq!(at, SLOTS_AT);
    layout
}

pub(super) fn allocate_slots(
    count: usize,
    segments: usize,
    depth: u32,
    thorough: bool,
) -> NonNull<Slots> {
    let layout = slots_layout(count, segments);
    // SAFETY: the head makes the size positive. Zeroed slots are null pointers.
    let start = unsafe { alloc::alloc_zeroed(layout) };
    let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
    let slots = start.cast::<Slots>();
    let used = AtomicUsize::new(0);
    let (seed, is_directory) = (*seed(), segments > 0);
    let head = Slots { seed, mask: count - 1, is_directory, segments, depth, thorough, used };
    // SAFETY: allocated with the layout of a head.
    unsafe { slots.write(head) };
    slots
}

impl Reader<'_> {
    // Relaxed, here and below: it is read and written under the cache's lock, or by who alone has it.
    pub(super) fn used(self) -> usize {
        self.head().used.load(Relaxed)
    }

    pub(super) fn use_more(self, slots: usize) {
        self.head().used.store(self.used() + slots, Relaxed);
    }

    pub(super) fn use_less(self, slots: usize) {
        self.head().used.store(self.used() - slots, Relaxed);
    }

    /// Of what is to be retired with its entries nothing is freed yet.
    pub(super) fn begin_to_free(self) {
        self.head().used.store(0, Relaxed);
    }
}

/// What is retired, and how it ends.
pub(super) static ENTRY: Kind = Kind { free: free_entry, rescue: None };
pub(super) static SLOTS: Kind = Kind { free: free_slots, rescue: None };
pub(super) static SLOTS_AND_ENTRIES: Kind = Kind {
    free: free_slots_and_entries,
    rescue: Some(Rescue { share: share_held, part: &ENTRY, rest: &REST_OF_SLOTS }),
};
/// The same, when those of its entries that are held are shared.
static REST_OF_SLOTS: Kind = Kind { free: free_slots_and_entries, rescue: None };

/// # Safety
/// As for [`free_slots_and_entries`].
unsafe fn share_held(slots: NonNull<u8>, is_held: IsHeld<'_>) -> Vec<NonNull<u8>> {
    let reader = Reader { slots: slots.cast(), pin: PhantomData };
    let held = reader.entries().filter(|entry| is_held(entry.cast()));
    // SAFETY: it was linked in these slots, which own it.
    held.map(|entry| unsafe { View::new(entry) }.share().into_raw().cast()).collect()
}

/// # Safety
/// `entry` was linked in a table, and no reader can reach it.
unsafe fn free_entry(entry: NonNull<u8>, quota: &mut Quota) -> bool {
    // SAFETY: as the caller says; `insert` linked it with `into_raw`.
    let entry = unsafe { Ref::from_raw(entry.cast()) };
    quota.spend(entry.view().entry.bytes());
    true
}

/// # Safety
/// `slots` were a table's, and no reader can reach them.
unsafe fn free_slots(slots: NonNull<u8>, quota: &mut Quota) -> bool {
    // SAFETY: as the caller says, alive until here.
    let head = unsafe { slots.cast::<Slots>().as_ref() };
    let layout = slots_layout(head.mask + 1, head.segments);
    quota.spend(layout.size());
    // SAFETY: allocated with this layout.
    unsafe { alloc::dealloc(slots.as_ptr(), layout) };
    true
}

/// # Safety
/// As for `free_slots`, and the entries in them are reachable no other way.
unsafe fn free_slots_and_entries(slots: NonNull<u8>, quota: &mut Quota) -> bool {
    let reader = Reader { slots: slots.cast(), pin: PhantomData };
    while reader.used() < reader.count() {
        if quota.is_spent() {
            return false;
        }
        let index = reader.used();
        reader.use_more(1);
        // Relaxed: whoever handed them on did so through a lock.
        let tagged = reader.slot(index).swap(ptr::null_mut(), Ordering::Relaxed);
        if let Some(entry) = NonNull::new(tagged.map_addr(|addr| addr & !super::TAG)) {
            // SAFETY: it was linked in these slots alone.
            unsafe { free_entry(entry.cast(), quota) };
        }
    }
    // SAFETY: as the caller says.
    unsafe { free_slots(slots, quota) }
}
