//! Which entries were computed by what: those of functions with `depends`.
//!
//! A tree, as that grows without ever having to move all there is.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::function::dependents::Dependent;
use crate::memory::entry::{Entry, View};
use crate::reclaim::{Garbage, Kind, Quota};

#[derive(Debug, Default)]
pub(crate) struct DependingEntries(BTreeMap<NonNull<Entry>, Arc<Dependent>>);

/// About what one takes in the tree, and with what it holds, in bytes.
const ONE: usize = 200;
/// So many are freed as one piece.
const PIECE: usize = 64;

impl DependingEntries {
    /// Notes what has computed an entry that is about to be linked.
    pub(crate) fn add(&mut self, entry: NonNull<Entry>, dependent: Arc<Dependent>) {
        self.0.insert(entry, dependent);
    }

    /// Forgets one that is about to be unlinked.
    pub(crate) fn remove(&mut self, entry: View<'_>) {
        self.0.remove(&entry.pointer());
    }

    pub(crate) fn get(&self, entry: View<'_>) -> Option<&Arc<Dependent>> {
        self.0.get(&entry.pointer())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (NonNull<Entry>, &Arc<Dependent>)> {
        self.0.iter().map(|(entry, dependent)| (*entry, dependent))
    }

    /// Gives its memory up, to be freed in slices.
    pub(crate) fn retire(self, garbage: &mut Garbage) {
        const KIND: &Kind = &Kind { free, rescue: None };
        let bytes = ONE * self.0.len();
        let pointer = NonNull::from(Box::leak(Box::new(self))).cast();
        // SAFETY: it was leaked as a box of this type, whose only pointer is given up.
        unsafe { garbage.retire(pointer, bytes, KIND) };
    }
}

/// # Safety
/// It is a box of depending entries, leaked, and nobody else has it.
unsafe fn free(depending: NonNull<u8>, quota: &mut Quota) -> bool {
    let pointer = depending.cast::<DependingEntries>();
    // SAFETY: as the caller says.
    let DependingEntries(entries) = unsafe { &mut *pointer.as_ptr() };
    while !entries.is_empty() {
        if quota.is_spent() {
            return false;
        }
        for _ in 0..PIECE {
            entries.pop_first();
        }
        quota.spend(PIECE * ONE);
    }
    // SAFETY: as the caller says.
    drop(unsafe { Box::from_raw(pointer.as_ptr()) });
    true
}

// SAFETY: the pointers are compared, and never followed.
unsafe impl Send for DependingEntries {}
