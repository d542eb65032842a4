//! What a cache does, told to an observer.
//!
//! Without an observer nothing is told, and a hit does not ask: the [switch](super::enabled) that it
//! reads sends it another way while there is one.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::function::enabled;
use crate::function::error::Error;
use crate::function::why::Why;
use crate::platform::sync::Mutex;
use crate::platform::unwind::catch;

/// Something that a cache did, as its observer sees it.
///
/// Arguments and results are never shown: a call is known by the function's name and by its
/// [`KeyId`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The function's name, as [`Stats::name`](crate::Stats::name) spells it.
    pub function: &'static str,
    /// Which call it is about; `None` where it is about the whole function.
    pub key: Option<KeyId>,
    /// What happened.
    pub kind: EventKind,
    /// Room for what is only borrowed.
    _borrows: PhantomData<&'a ()>,
}

/// What happened.
///
/// Every call that is counted is exactly one [`Hit`](Self::Hit) or one [`Missed`](Self::Missed).
#[derive(Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A call was answered without a run of its body.
    Hit,
    /// A call was not: its body runs.
    Missed(Why),
    /// A body ran for the cache, whether it returned a result, an `Err` or panicked; the statistics have the
    /// times of those that returned. A call that makes no key, or is not enabled, just runs.
    Computed {
        /// How long that took.
        took: Duration,
        /// The stored bytes of key and value; 0 where there is nothing to store.
        bytes: usize,
    },
    /// A call waited for another's computation, and has its result: a [`Hit`](Self::Hit) follows.
    Waited {
        /// For how long.
        took: Duration,
    },
    /// A result was put into memory.
    Stored,
    /// A result was given up for room.
    Evicted,
    /// A result was given up for its age.
    Expired,
    /// Everything of the function was forgotten.
    Cleared,
    /// A result was removed by `func::remove(…)`.
    Removed,
    /// `func::refresh(…)`, or a refresh in the background, has ended.
    Refreshed {
        /// Whether the new result replaces the old one.
        ok: bool,
    },
    /// The last `Arc` of a resource is gone, and its `on_release` was called.
    Released,
    /// A backing store had the result: a [`Hit`](Self::Hit) follows.
    StoreHit {
        /// How long it took to ask it.
        took: Duration,
    },
    /// A verification found that the function answers differently.
    Differs,
    /// A cache or its store could not do something.
    Failed(Error),
}

/// Which call of a function an event is about: the beginning of the digest of its arguments.
///
/// Displayed as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u64);

impl KeyId {
    pub(crate) fn of(digest: &[u8; crate::key::DIGEST]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

type Observer = dyn Fn(&Event<'_>) + Send + Sync;

static OBSERVER: Mutex<Option<Arc<Observer>>> = Mutex::new(None);
static IS_SET: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The observer runs on this thread: what happens meanwhile is not told.
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Sets the function that is told of each [`Event`], of all memo and singleton functions.
///
/// It replaces the observer that was set before. It is called on the thread on which something
/// happens, after all locks are released; while it runs, what happens on its thread is not told, so
/// that it may call memoized functions, and clear them. Its panics are caught. It slows down the call
/// that it is told about, and no other.
///
/// While an observer is set, a hit takes longer, as its key is made and digested. Without one it costs
/// nothing that there could be one. [`set_reporter`](crate::set_reporter) is told of failures alone,
/// and may be set beside it.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use memo::EventKind;
///
/// static MISSES: AtomicU64 = AtomicU64::new(0);
///
/// #[memo::memo]
/// fn square(x: u64) -> u64 { x * x }
///
/// memo::set_observer(|event| {
///     if let EventKind::Missed(why) = &event.kind {
///         println!("{} {:?}: {why:?}", event.function, event.key);
///         MISSES.fetch_add(1, Relaxed);
///     }
/// });
/// square(4);
/// square(4);
/// assert_eq!(MISSES.load(Relaxed), 1);
/// ```
pub fn set_observer(observer: impl Fn(&Event<'_>) + Send + Sync + 'static) {
    let before = OBSERVER.lock().replace(Arc::new(observer));
    // Relaxed: who begins to tell a moment later takes the lock before it finds the observer.
    IS_SET.store(true, Ordering::Relaxed);
    enabled::watch_or_not();
    // What it holds is the user's, and ends outside the lock.
    let _ = catch(|| drop(before));
}

/// Whether there is anybody to tell.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_observed() -> bool {
    // Relaxed, as above.
    IS_SET.load(Ordering::Relaxed)
}

/// Tells the observer, if there is one. The caller holds no lock.
#[cold]
#[inline(never)]
pub(crate) fn tell(function: &'static str, key: Option<KeyId>, kind: EventKind) {
    struct Told;
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = IS_TELLING.try_with(|is_telling| is_telling.set(false));
        }
    }
    // A thread whose locals are gone tells nothing.
    if IS_TELLING.try_with(|is_telling| is_telling.replace(true)) != Ok(false) {
        return;
    }
    let _told = Told;
    let observer = OBSERVER.lock().clone();
    if let Some(observer) = observer {
        let event = Event { function, key, kind, _borrows: PhantomData };
        let _ = catch(|| observer(&event));
        let _ = catch(move || drop(observer));
    }
}

/// In a child of `fork` the observer is the parent's.
#[cfg(unix)]
pub(crate) fn before_fork() -> crate::platform::process::Unlock {
    let observer = OBSERVER.lock();
    Box::new(move |_| drop(observer))
}
