//! Holds: what keeps one thing from being freed, for as long as the user's code takes.
//!
//! A hold is the address of what is held, in its thread's record. It begins under a pin, which keeps
//! everything, and the pin ends after it: so whoever finds the pin ended finds the hold. What is held
//! cannot be found any more once it is retired, so no hold of it begins afterwards.

use std::ptr::{self, NonNull};

use super::{Pin, Record, RECORDS, UNPINNED};
use crate::platform::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A thread holds so many things at once by their addresses alone: one for each level of calls in
/// each other's serde code.
const PLACES: usize = 4;

#[derive(Debug)]
pub(super) struct Holds {
    places: [AtomicPtr<u8>; PLACES],
    /// How many of them are taken; the thread's own affair.
    taken: AtomicUsize,
}

/// One thing that is not freed before this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    record: &'static Record,
    place: usize,
}

impl Holds {
    pub(super) const fn new() -> Self {
        Self {
            places: [const { AtomicPtr::new(ptr::null_mut()) }; PLACES],
            taken: AtomicUsize::new(0),
        }
    }
}

#[cfg(memo_loom)]
impl Holds {
    /// Makes what other threads will share.
    pub(super) fn prepare(&self) {
        for place in &self.places {
            place.load(Ordering::Relaxed);
        }
        self.taken.load(Ordering::Relaxed);
    }
}

#[cfg(unix)]
impl Holds {
    /// Of a thread that is not there any more.
    pub(super) fn forget_all(&self) {
        self.places.iter().for_each(|place| place.store(ptr::null_mut(), Ordering::Relaxed));
        self.taken.store(0, Ordering::Relaxed);
    }
}

impl Pin {
    /// Ends the pin, and keeps the one thing from being freed that was read under it.
    ///
    /// # Errors
    /// This thread has no place for that: the pin goes on.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hold(self, pointer: NonNull<u8>) -> Result<Hold, Self> {
        let holds = &self.record.holds;
        // Relaxed: only this thread counts.
        let place = holds.taken.load(Ordering::Relaxed);
        // The record of a borrowed pin is another thread's once it ends.
        if place >= PLACES || !self.is_outer || self.is_borrowed {
            return Err(self);
        }
        // Relaxed: it is published by the Release with which the pin ends.
        holds.places[place].store(pointer.as_ptr(), Ordering::Relaxed);
        holds.taken.store(place + 1, Ordering::Relaxed);
        Ok(Hold { record: self.record, place })
    }
}

impl Hold {
    /// Counts a hit, as [`Pin::count_hit_at_once`] does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn count_hit_at_once(&self, function: usize) -> bool {
        self.record.count_hit_at_once(function)
    }
}

impl Drop for Hold {
    /// Holds of a thread end in the reverse order of their beginning, as they are nested calls'.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        let holds = &self.record.holds;
        // Release: the reads of what was held happen before whatever a writer that sees this frees.
        holds.places[self.place].store(ptr::null_mut(), Ordering::Release);
        holds.taken.store(self.place, Ordering::Relaxed);
    }
}

/// What the threads of the process may still read, as far as a barrier has made it visible.
pub(super) struct Readers {
    /// The oldest epoch at which one is pinned.
    pub(super) oldest_pin: u64,
    pub(super) held: Vec<NonNull<u8>>,
}

impl Readers {
    pub(super) fn now() -> Self {
        let mut readers = Self { oldest_pin: u64::MAX, held: Vec::new() };
        for record in &RECORDS.lock().all {
            // Acquire pairs with the Release of a pin and of its end: what was read before, is read,
            // and a hold that began under it is seen below.
            let epoch = record.pinned.load(Ordering::Acquire);
            if epoch != UNPINNED {
                readers.oldest_pin = readers.oldest_pin.min(epoch);
            }
            // Acquire pairs with the Release of a hold's end.
            let places = record.holds.places.iter().map(|place| place.load(Ordering::Acquire));
            readers.held.extend(places.filter_map(NonNull::new));
        }
        readers
    }

    pub(super) fn hold(&self, pointer: NonNull<u8>) -> bool {
        self.held.contains(&pointer)
    }
}
