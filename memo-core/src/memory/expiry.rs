//! Which function has something that expires next, so that whoever comes by can reclaim it.

use std::cell::Cell;

use crate::clock::Tick;
use crate::function::isolation;
use crate::memory::agenda::Agenda;
use crate::platform::sync::thread_local;
use crate::reclaim;

/// The functions by when their next entries expire, as a [`Tick`].
pub(crate) static EXPIRIES: Agenda = Agenda::new();

/// So many entries of a function are reclaimed in one go: each miss adds one.
pub(crate) const BATCH: usize = 64;
/// A miss reclaims of so many functions.
const FUNCTIONS: usize = 4;

/// Whether something has expired that is still held.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_due(now: Tick) -> bool {
    now.nanos() >= EXPIRIES.next()
}

thread_local! {
    // What is reclaimed may be a resource, whose end is the user's code and may come by here.
    static IS_RECLAIMING: Cell<bool> = const { Cell::new(false) };
}

/// Reclaims some of what has expired, if anything has. No cache's lock is held.
pub(crate) fn reclaim_due() {
    // Where nothing ever expires, the clock is not looked at.
    if EXPIRIES.next() == u64::MAX {
        return;
    }
    let now = Tick::now();
    // What others reclaim is their resources' end, which is not to call what is a test's alone.
    if !is_due(now) || isolation::current().is_some() {
        return;
    }
    once_deep(|| {
        for _ in 0..FUNCTIONS {
            let Some((listed, function, _)) = EXPIRIES.take(now.nanos()) else { return };
            function.expire(now, listed);
        }
    });
}

/// Reclaims a batch, for a hit that has looked at the clock: not if it would wait for a lock.
#[cold]
#[inline(never)]
pub(crate) fn reclaim_by_the_way(now: Tick) {
    once_deep(|| {
        if let Some((listed, function, _)) = EXPIRIES.take(now.nanos()) {
            function.try_expire(now, listed);
        }
    });
    reclaim::free_some();
}

/// Reclaims, unless this is called from there.
fn once_deep(reclaim: impl FnOnce()) {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            let _ = IS_RECLAIMING.try_with(|is_reclaiming| is_reclaiming.set(false));
        }
    }
    if IS_RECLAIMING.try_with(|is_reclaiming| is_reclaiming.replace(true)) == Ok(false) {
        let _end = End;
        reclaim();
    }
}
