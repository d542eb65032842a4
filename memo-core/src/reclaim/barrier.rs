//! The barrier that a writer has every thread pass, so that a reader needs none of its own.
//!
//! Linux has it as `membarrier`. Whether it could be had is asked before the first pin, which costs
//! nothing. To register for it takes tens of milliseconds in a process that has threads, so that is
//! left to who first has something to free, outside the lock of its cache: a barrier has to come
//! after the registration, the pins that it makes visible need not.
//!
//! A process may forbid itself the call later, as sandboxes do. Pins that are plain stores stay plain
//! then, as their threads cannot be told; what is retired is freed by its [age](Passed::Nobody).

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::is_alone;
use crate::function::error::{report, Error, Kind};
use crate::platform::sync::atomic::fence;

/// What is known of the system's barrier.
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
/// There is none: every pin has a fence of its own.
const NONE: u8 = 1;
/// It could be registered for.
const POSSIBLE: u8 = 2;
/// It is to be registered for, by whoever comes first; see [`tend`].
const WANTED: u8 = 3;
/// Somebody does.
const PENDING: u8 = 4;
const REGISTERED: u8 = 5;
/// The system does not do any more what it said it would.
const REFUSED: u8 = 6;

/// There is something for [`tend`] to do.
static IS_TO_BE_TENDED: AtomicBool = AtomicBool::new(false);

/// Who has passed a barrier since it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Every thread: a pin that is not seen now sees what was unlinked before.
    All,
    /// Nobody knows who. The store of a pin waits in its processor until it is written to memory,
    /// which takes a processor less than a microsecond, be its thread running or not. (The language
    /// says "a reasonable amount of time".) So a pin that could reach what was retired an age ago,
    /// is seen.
    Nobody,
    /// The barrier is not registered for yet: nothing can be freed.
    NotYet,
}

/// Whether a pin is a plain store, its fence being on the writer's side.
pub(super) fn is_asymmetric() -> bool {
    state() != NONE
}

fn state() -> u8 {
    // Relaxed, here and below: a state guards no data, and only ever advances. Whoever finds it
    // unknown gets the same answer.
    match STATE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let known = if membarrier::is_supported() { POSSIBLE } else { NONE };
            advance(UNKNOWN, known);
            STATE.load(Ordering::Relaxed)
        }
        known => known,
    }
}

/// Whether it was this call that advanced it.
fn advance(from: u8, to: u8) -> bool {
    STATE.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Has every thread pass a barrier, the caller included.
pub(super) fn pass() -> Passed {
    let passed = match state() {
        NONE => Passed::All,
        REGISTERED if membarrier::run() => Passed::All,
        REGISTERED | REFUSED => refused(),
        POSSIBLE => {
            if advance(POSSIBLE, WANTED) {
                IS_TO_BE_TENDED.store(true, Ordering::Relaxed);
            }
            Passed::NotYet
        }
        _ => Passed::NotYet,
    };
    // The counterpart of the fence of pins that have one.
    fence(Ordering::SeqCst);
    passed
}

#[cold]
fn refused() -> Passed {
    if advance(REGISTERED, REFUSED) {
        IS_TO_BE_TENDED.store(true, Ordering::Relaxed);
    }
    // No other thread can be in a pin, or be in one later without having waited for `RECORDS`.
    if is_alone() {
        Passed::All
    } else {
        Passed::Nobody
    }
}

/// Does what a collection must not do, which is under a lock: to register for the barrier, and to
/// report that it is refused.
#[inline]
pub(crate) fn tend() {
    if IS_TO_BE_TENDED.load(Ordering::Relaxed) {
        tend_now();
    }
}

#[cold]
fn tend_now() {
    IS_TO_BE_TENDED.store(false, Ordering::Relaxed);
    if advance(WANTED, PENDING) {
        let state = if membarrier::register() { REGISTERED } else { REFUSED };
        STATE.store(state, Ordering::Relaxed);
    }
    static IS_REPORTED: AtomicBool = AtomicBool::new(false);
    let is_refused = STATE.load(Ordering::Relaxed) == REFUSED;
    if is_refused && !IS_REPORTED.swap(true, Ordering::Relaxed) {
        let why = "the system refuses `membarrier`, which it had said to support".into();
        report(&Error::new(Kind::Memory, "memo", why));
    }
}

/// In a child of `fork`: a thread that was to register for the barrier is not there. The registration
/// itself is the child's, too.
#[cfg(unix)]
pub(super) fn in_child() {
    if matches!(STATE.load(Ordering::Relaxed), WANTED | PENDING) {
        STATE.store(POSSIBLE, Ordering::Relaxed);
    }
}

#[cfg(all(target_os = "linux", not(any(miri, memo_loom, all(test, memo_shuttle)))))]
mod membarrier {
    /// Of linux/membarrier.h: which commands there are; `MEMBARRIER_CMD_PRIVATE_EXPEDITED`, and the
    /// registration for it.
    const QUERY: libc::c_long = 0;
    const EXPEDITED: libc::c_long = 1 << 3;
    const REGISTER: libc::c_long = 1 << 4;

    fn call(command: libc::c_long) -> libc::c_long {
        // SAFETY: membarrier takes integers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    }

    pub(super) fn is_supported() -> bool {
        let commands = call(QUERY);
        // An error is negative, and would have these bits.
        commands > 0 && commands & (EXPEDITED | REGISTER) == EXPEDITED | REGISTER
    }

    pub(super) fn register() -> bool {
        call(REGISTER) == 0
    }

    pub(super) fn run() -> bool {
        call(EXPEDITED) == 0
    }
}

#[cfg(not(all(target_os = "linux", not(any(miri, memo_loom, all(test, memo_shuttle))))))]
mod membarrier {
    pub(super) fn is_supported() -> bool {
        false
    }

    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn run() -> bool {
        false
    }
}
