//! What a child of `fork` needs to go on: locks that are free, and no trust in threads that are only
//! in its parent.
//!
//! The thread that forks takes the locks first, in the order in which calls take them; so nothing is
//! halfway changed in the child, which has that thread alone. The child then forgets what only the
//! other threads could have ended: computations under way, jobs, delays, pins. It forgets them without
//! dropping them, as what they hold is foreign code, and may be locked for good.
//!
//! A flight has locks of its own, which are not taken: in the child, one of the parent's is known by
//! its [generation](crate::platform::process::generation), and is neither locked nor waited for.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::background::pool::{REFRESHES, STORES};
use crate::background::{release, spawner};
use crate::clock::timer;
use crate::function::registry::{MEMOS, SINGLETONS};
use crate::function::{dependents, event, identity, isolation, session};
use crate::memory::{budget, expiry};
use crate::platform::process::{self, Side, Unlock};
#[cfg(feature = "disk")]
use crate::store::disk;
use crate::store::known;
use crate::{flight, reclaim};

use super::asked;

thread_local! {
    // Between the preparation and the end of a fork, which are calls of one thread.
    static UNLOCKS: RefCell<Vec<Unlock>> = const { RefCell::new(Vec::new()) };
}

/// Sees to it that children of this process can go on; called before a thread takes its first lock.
///
/// Locks of a function that was never called are not taken before a fork: nobody lists it yet.
pub(crate) fn watch() {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    // Acquire, and Release below: whoever sees it set has the handlers.
    if IS_WATCHED.load(Ordering::Acquire) {
        return;
    }
    // Nobody waits for another who does this, who may not be there in a child. Handlers that stand
    // there twice do nothing the second time.
    // SAFETY: the handlers are functions of this program, which is never unloaded from under them:
    // glibc takes the handlers of a library out when it unloads it.
    let _ = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    IS_WATCHED.store(true, Ordering::Release);
}

extern "C" fn prepare() {
    if UNLOCKS.try_with(|held| !held.borrow().is_empty()).unwrap_or(false) {
        return;
    }
    // A turn precedes all other locks. The stores' own are next, as nothing else is locked under them. Each
    // list of functions before their caches, and the budget's turn before either, as evictions take a cache's
    // lock under it; a cache before what is locked under it.
    let mut unlocks = vec![dependents::before_fork(), known::before_fork()];
    #[cfg(feature = "disk")]
    unlocks.push(disk::before_fork());
    unlocks.push(budget::before_fork());
    unlocks.extend(isolation::before_fork());
    unlocks.extend(MEMOS.before_fork());
    unlocks.extend(SINGLETONS.before_fork());
    unlocks.push(dependents::list_before_fork());
    unlocks.extend([flight::before_fork(), identity::before_fork()]);
    unlocks.extend([budget::OLDEST.before_fork(), expiry::EXPIRIES.before_fork()]);
    unlocks.extend([asked::before_fork(), event::before_fork(), session::before_fork()]);
    unlocks.extend([REFRESHES.before_fork(), STORES.before_fork()]);
    unlocks.push(spawner::before_fork());
    #[cfg(feature = "spinner")]
    unlocks.push(flight::spinner::before_fork());
    unlocks.extend([release::before_fork(), timer::before_fork(), reclaim::before_fork()]);
    let _ = UNLOCKS.try_with(|held| held.borrow_mut().append(&mut unlocks));
    // A thread whose locals are gone has nowhere to keep them: they are unlocked at once, and the
    // child is as well off as chance has it.
    unlocks.into_iter().rev().for_each(|unlock| unlock(Side::Parent));
}

extern "C" fn parent() {
    unlock(Side::Parent);
}

extern "C" fn child() {
    process::is_born();
    unlock(Side::Child);
}

fn unlock(side: Side) {
    let unlocks = UNLOCKS.try_with(|held| std::mem::take(&mut *held.borrow_mut()));
    unlocks.unwrap_or_default().into_iter().rev().for_each(|unlock| unlock(side));
}
