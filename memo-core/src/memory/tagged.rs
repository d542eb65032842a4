//! Which entries have which tags.
//!
//! A tree, as that grows without ever having to move all there is; each tag of an entry is a pair in it.

use std::collections::BTreeSet;
use std::ptr::NonNull;

use crate::key::tags::TagHash;
use crate::memory::entry::{Entry, View};
use crate::reclaim::{Garbage, Kind, Quota};

#[derive(Debug, Default)]
pub(crate) struct TaggedEntries(BTreeSet<(TagHash, NonNull<Entry>)>);

/// About what a pair takes in the tree, in bytes.
const PAIR: usize = 24;
/// So many are freed as one piece.
const PIECE: usize = 128;

impl TaggedEntries {
    /// Notes an entry that is about to be linked.
    pub(crate) fn add(&mut self, entry: View<'_>) {
        self.0.extend(entry.tags().map(|tag| (tag, entry.pointer())));
    }

    /// Forgets one that is about to be unlinked.
    pub(crate) fn remove(&mut self, entry: View<'_>) {
        for tag in entry.tags() {
            self.0.remove(&(tag, entry.pointer()));
        }
    }

    /// Takes some entry with a tag out.
    pub(crate) fn pop(&mut self, tag: TagHash) -> Option<NonNull<Entry>> {
        // No entry has a lower address than that.
        let (found, entry) = *self.0.range((tag, NonNull::dangling())..).next()?;
        if found != tag {
            return None;
        }
        self.0.remove(&(found, entry));
        Some(entry)
    }

    /// Gives its memory up, to be freed in slices.
    pub(crate) fn retire(self, garbage: &mut Garbage) {
        const KIND: &Kind = &Kind { free, rescue: None };
        let bytes = PAIR * self.0.len();
        let pointer = NonNull::from(Box::leak(Box::new(self))).cast();
        // SAFETY: it was leaked as a box of this type, whose only pointer is given up.
        unsafe { garbage.retire(pointer, bytes, KIND) };
    }
}

/// # Safety
/// It is a box of tagged entries, leaked, and nobody else has it.
unsafe fn free(tagged: NonNull<u8>, quota: &mut Quota) -> bool {
    let pointer = tagged.cast::<TaggedEntries>();
    // SAFETY: as the caller says.
    let TaggedEntries(pairs) = unsafe { &mut *pointer.as_ptr() };
    while !pairs.is_empty() {
        if quota.is_spent() {
            return false;
        }
        for _ in 0..PIECE {
            pairs.pop_first();
        }
        quota.spend(PIECE * PAIR);
    }
    // SAFETY: as the caller says.
    drop(unsafe { Box::from_raw(pointer.as_ptr()) });
    true
}

// SAFETY: the pointers are to entries that the table owns, and are followed under its cache's lock.
unsafe impl Send for TaggedEntries {}
