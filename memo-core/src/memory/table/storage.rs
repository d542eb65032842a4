//! The memory of a table: how its slots are allocated, and how what is retired ends.

use std::alloc::{self, Layout};
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::{seed, Reader, Slot};
use crate::key::Seed;
use crate::memory::entry::{Ref, View};
use crate::reclaim::{IsHeld, Kind, Rescue};

/// The head of an allocation in which `mask + 1` slots follow.
pub(super) struct Slots {
    /// A copy, so that it lies beside the slots.
    pub(super) seed: Seed,
    pub(super) mask: usize,
    /// Whether it is the thorough hash that says where an entry is.
    pub(super) thorough: bool,
}

pub(super) const SLOTS_AT: usize = size_of::<Slots>();

pub(super) fn slots_layout(count: usize) -> Layout {
    let (layout, at) = Layout::new::<Slots>()
        .extend(Layout::array::<Slot>(count).expect("a table is smaller than the address space"))
        .expect("a table is smaller than the address space");
    debug_assert_eq!(at, SLOTS_AT);
    layout
}

pub(super) fn allocate_slots(count: usize, thorough: bool) -> NonNull<Slots> {
    let layout = slots_layout(count);
    // SAFETY: the head makes the size positive. Zeroed slots are null pointers.
    let start = unsafe { alloc::alloc_zeroed(layout) };
    let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
    let slots = start.cast::<Slots>();
    // SAFETY: allocated with the layout of a head.
    unsafe { slots.write(Slots { seed: *seed(), mask: count - 1, thorough }) };
    slots
}

/// What is retired, and how it ends.
pub(super) static ENTRY: Kind = Kind { free: free_entry, rescue: None };
pub(super) static SLOTS: Kind = Kind { free: free_slots, rescue: None };
pub(super) static SLOTS_AND_ENTRIES: Kind =
    Kind { free: free_slots_and_entries, rescue: Some(Rescue { share: share_held, kind: &ENTRY }) };

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
unsafe fn free_entry(entry: NonNull<u8>) {
    // SAFETY: as the caller says; `insert` linked it with `into_raw`.
    drop(unsafe { Ref::from_raw(entry.cast()) });
}

/// # Safety
/// `slots` were a table's, and no reader can reach them.
unsafe fn free_slots(slots: NonNull<u8>) {
    // SAFETY: as the caller says, alive until here.
    let count = unsafe { slots.cast::<Slots>().as_ref() }.mask + 1;
    // SAFETY: allocated with this layout.
    unsafe { alloc::dealloc(slots.as_ptr(), slots_layout(count)) };
}

/// # Safety
/// As for `free_slots`, and the entries in them are reachable no other way.
unsafe fn free_slots_and_entries(slots: NonNull<u8>) {
    let reader = Reader { slots: slots.cast(), pin: PhantomData };
    for entry in reader.entries() {
        // SAFETY: it was linked in these slots alone.
        unsafe { free_entry(entry.cast()) };
    }
    // SAFETY: as the caller says.
    unsafe { free_slots(slots) };
}
