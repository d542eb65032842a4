//! Entries in the queues of their cache: for eviction, and for expiry.

use std::ptr::NonNull;

use super::{Entry, View, HEADER};
use crate::clock::Tick;
use crate::memory::ages::Aging;
use crate::memory::eviction::Item;
use crate::memory::list::Place;
use crate::platform::sync::atomic::Ordering;

/// The moment when an entry is stored, in units of 67 ms: nine years of them.
pub(crate) fn born(at: Tick) -> u32 {
    u32::try_from(at.nanos() >> BORN).unwrap_or(u32::MAX)
}

/// The same moment, as far as that says it: a little earlier.
pub(crate) fn born_at(born: u32) -> Tick {
    Tick::from_nanos(u64::from(born) << BORN)
}

const BORN: u32 = 26;

/// Marks are the eviction's to take.
impl Item for NonNull<Entry> {
    fn hash(self) -> u64 {
        header(&self).quick_hash()
    }

    fn born(self) -> u32 {
        header(&self).queued.load(Ordering::Relaxed)
    }

    fn take_mark(self) -> bool {
        let marks = header(&self).marks.load(Ordering::Relaxed);
        header(&self).marks.store(marks.saturating_sub(1), Ordering::Relaxed);
        marks > 0
    }

    fn clear_marks(self) {
        header(&self).marks.store(0, Ordering::Relaxed);
    }
}

/// Only what expires is queued so. Its seat is behind the expiry, unaligned, where nobody reads it but
/// who has the lock; or in its watch.
impl Aging for NonNull<Entry> {
    fn expiry(self) -> Tick {
        let due = view(&self).due();
        due.unwrap_or_else(|| unreachable!("only what expires is queued for it"))
    }

    fn seat(self) -> Place {
        if let Some(watch) = view(&self).watch() {
            // Relaxed, here and below: it is read and written under its cache's lock alone.
            return watch.seat.load(Ordering::Relaxed);
        }
        // SAFETY: it is within the entry, where `Builder::finish` wrote a seat.
        unsafe { seat(self).read_unaligned() }
    }

    fn set_seat(self, to: Place) {
        if let Some(watch) = view(&self).watch() {
            return watch.seat.store(to, Ordering::Relaxed);
        }
        // SAFETY: as above; no reference to the entry covers these bytes, and no reader looks at them.
        unsafe { seat(self).write_unaligned(to) }
    }
}

fn seat(entry: NonNull<Entry>) -> NonNull<Place> {
    let offset = HEADER + header(&entry).bytes() + size_of::<Tick>();
    // SAFETY: an entry that expires and has no watch has its expiry there, and a seat behind it.
    unsafe { entry.byte_add(offset).cast() }
}

fn header(entry: &NonNull<Entry>) -> &Entry {
    view(entry).entry
}

fn view(entry: &NonNull<Entry>) -> View<'_> {
    // SAFETY: what is queued is linked in its cache's table, whose ownership keeps it alive; it is
    // taken out of the queues, under the lock that they are behind, before it is unlinked.
    unsafe { View::new(*entry) }
}
