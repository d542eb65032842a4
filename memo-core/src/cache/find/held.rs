//! An entry that was found, and is kept while the user's code reads it.

use std::ptr::NonNull;

use crate::memory::entry::{Entry, Ref, View};
use crate::reclaim::{Hold, Pin};

/// An entry that is not freed before this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    entry: NonNull<Entry>,
    guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Hold(Hold),
    /// A share in it, where this thread holds many already.
    Share {
        /// Held for its drop.
        _share: Ref,
    },
}

impl Held {
    /// Holds an entry that was read from a table under this pin, which ends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new(pin: Pin, entry: NonNull<Entry>) -> Self {
        let guard = match pin.hold(entry.cast()) {
            Ok(hold) => Guard::Hold(hold),
            Err(pin) => shared(pin, entry),
        };
        Self { entry, guard }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn view(&self) -> View<'_> {
        // SAFETY: the hold or the share began under the pin under which the entry was found.
        unsafe { View::new(self.entry) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn count_hit_at_once(&self, function: usize) -> bool {
        match &self.guard {
            Guard::Hold(hold) => hold.count_hit_at_once(function),
            Guard::Share { .. } => false,
        }
    }
}

#[cold]
fn shared(pin: Pin, entry: NonNull<Entry>) -> Guard {
    // SAFETY: it was found under this pin.
    let share = unsafe { View::new(entry) }.share();
    drop(pin);
    Guard::Share { _share: share }
}
