//! How many bytes all functions together may hold.

use crate::platform::sync::atomic::{AtomicUsize, Ordering};
use crate::platform::sync::{thread, Mutex};

use crate::function::isolation;
use crate::function::registry::{Registry, MEMOS};
use crate::memory::agenda::{Agenda, NEVER};
#[cfg(unix)]
use crate::platform::process::Unlock;

/// What is stored. It changes under the lock of the cache that stores, so that whoever has them all
/// sees what is there.
static USED: AtomicUsize = AtomicUsize::new(0);
static MAX: AtomicUsize = AtomicUsize::new(NONE);
const NONE: usize = usize::MAX;

/// While there is a bound, the functions by when the entry was queued that each would evict next.
pub(crate) static OLDEST: Agenda = Agenda::new();

/// So many functions are asked for an older entry before any will do.
const MAX_ROUNDS: u32 = 1024;

/// Held by who evicts, so that no function is missed because somebody else is just asking it.
static EVICTING: Mutex<()> = Mutex::new(());

/// Sets how many bytes all memo functions together may hold in memory.
///
/// Counted are stored keys and values, as in [`Stats::bytes`](crate::Stats::bytes). There is no
/// bound by default, and `u64::MAX` removes it. The bound holds at every moment from the return of
/// this function on: the least valuable entries of all functions are evicted first, and a result
/// that is larger than the bound is returned and not stored. Singletons do not count. Nor does what was
/// cleared, from the return of the clear on; its memory is freed bit by bit, by the calls that come after.
///
/// # Examples
///
/// ```
/// memo::set_max_bytes(64 << 20);
/// # memo::set_max_bytes(u64::MAX);
/// ```
pub fn set_max_bytes(bytes: u64) {
    set_max_bytes_of(&MEMOS, bytes);
}

/// Sets how many bytes the functions of a registry may hold, which are all that there are.
pub(crate) fn set_max_bytes_of(functions: &Registry, bytes: u64) {
    // SeqCst, here and in `take`: of who takes bytes and who sets the bound, the later one sees
    // what the other did.
    MAX.store(usize::try_from(bytes).unwrap_or(NONE), Ordering::SeqCst);
    // Who stores after it was asked lists itself.
    let functions = functions.all().into_iter().chain(isolation::all_memos());
    functions.for_each(|function| function.list_oldest());
    while USED.load(Ordering::SeqCst) > MAX.load(Ordering::SeqCst) {
        if !evict() {
            // The rest is being stored, under the locks of its caches.
            thread::yield_now();
        }
    }
}

pub(crate) fn is_set() -> bool {
    MAX.load(Ordering::Relaxed) != NONE
}

/// Takes bytes for an entry that is about to be stored, under its cache's lock; false if there is
/// no room.
pub(crate) fn take(bytes: usize) -> bool {
    let with = |used: usize| used.checked_add(bytes);
    let fits = |used| with(used).filter(|used| *used <= MAX.load(Ordering::SeqCst));
    let taken = USED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits);
    // The bound may have been set in between, by who then waits for this.
    let is_within = taken.is_ok_and(|before| fits(before).is_some());
    if taken.is_ok() && !is_within {
        release(bytes);
    }
    is_within
}

/// Gives back the bytes of an entry that is stored no more, or was not stored after all.
pub(crate) fn release(bytes: usize) {
    USED.fetch_sub(bytes, Ordering::SeqCst);
}

/// Whether so many bytes could ever be stored.
pub(crate) fn may_hold(bytes: usize) -> bool {
    bytes <= MAX.load(Ordering::Relaxed)
}

/// Gives up the least valuable entry of all; false if there is none. No cache's lock is held.
pub(crate) fn evict() -> bool {
    // Dropped after the lock: to free may be to tell the user's reporter, who may call functions.
    let mut freed = Vec::new();
    let _evicting = EVICTING.lock();
    // What is hit goes back in its queue, and could do so for ever.
    for round in 0_u32.. {
        let Some((_, function, next)) = OLDEST.take(NEVER) else { return false };
        let (is_evicted, left) =
            function.evict_older(if round < MAX_ROUNDS { next } else { NEVER });
        freed.push(left);
        if is_evicted {
            return true;
        }
    }
    false
}

/// What is stored now.
#[cfg(all(test, memo_shuttle))]
pub(crate) fn used() -> usize {
    USED.load(Ordering::SeqCst)
}

#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let evicting = EVICTING.lock();
    Box::new(move |_| drop(evicting))
}
