//! Which process this is, in the line of those that forked.

#[cfg(unix)]
use std::sync::atomic::{AtomicU32, Ordering};

/// What unlocks something again; in the child, it also forgets what is the parent's.
#[cfg(unix)]
pub(crate) type Unlock = Box<dyn FnOnce(Side)>;

/// On which side of a fork the thread is that forked.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Parent,
    Child,
}

#[cfg(unix)]
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between this process and the one that began.
#[inline]
pub(crate) fn generation() -> u32 {
    // Relaxed: it changes where there is one thread, before any other is started.
    #[cfg(unix)]
    return GENERATION.load(Ordering::Relaxed);
    #[cfg(not(unix))]
    0
}

/// This is a child.
#[cfg(unix)]
pub(crate) fn is_born() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
