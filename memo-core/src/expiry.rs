//! When something expires next, in whatever function, so that whoever comes by can reclaim it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Tick;
use crate::registry::{MEMOS, SINGLETONS};

/// The next expiry of all, as a [`Tick`].
static NEXT: AtomicU64 = AtomicU64::new(NEVER);
const NEVER: u64 = u64::MAX;

/// So many entries of a function are reclaimed in one go: each miss adds one.
pub(crate) const BATCH: usize = 64;

/// Something was stored that expires then.
pub(crate) fn expect(expiry: Tick) {
    // The load spares the common case the write to a shared line.
    if expiry.nanos() < NEXT.load(Ordering::Relaxed) {
        NEXT.fetch_min(expiry.nanos(), Ordering::Relaxed);
    }
}

/// Reclaims what has expired, if anything has. No cache's lock is held.
pub(crate) fn reclaim(now: Tick) {
    if now.nanos() < NEXT.load(Ordering::Relaxed) {
        return;
    }
    // Whatever is stored while the functions are asked is expected anew.
    NEXT.store(NEVER, Ordering::Relaxed);
    for function in MEMOS.all().into_iter().chain(SINGLETONS.all()) {
        if let Some(next) = function.expire(now) {
            expect(next);
        }
    }
}
