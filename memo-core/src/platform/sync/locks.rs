//! Locks without poison, which a child of `fork` can go on using.
//!
//! On Unix they are std's. A thread that waits for a lock of `parking_lot` stands in a table of the
//! whole process, and that table has locks of its own. In a child of `fork` neither can be mended:
//! nodes of threads that are not there point into stacks that the next threads are given, and one of
//! the table's locks may have been held by such a thread. Std's locks are a word that the kernel
//! waits on: what a thread locked before it forked, it unlocks in the child, and nothing else is left
//! of those who waited. Where there is no `fork`, they are `parking_lot`'s.

use std::time::Duration;

#[cfg(not(unix))]
pub(crate) use parking_lot::{Mutex, MutexGuard};
#[cfg(unix)]
pub(crate) use unix::{Mutex, MutexGuard};

#[cfg(unix)]
mod unix {
    use std::sync::{PoisonError, TryLockError};

    pub(crate) use std::sync::MutexGuard;

    /// A lock whose data stays usable though a thread panicked with it: nothing of this crate
    /// panics halfway through a change.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T: ?Sized>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(data: T) -> Self {
            Self(std::sync::Mutex::new(data))
        }
    }

    impl<T: ?Sized> Mutex<T> {
        #[inline]
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }
}

/// Where threads wait for a change of what a [`Mutex`] guards.
#[derive(Debug)]
pub(crate) struct Condvar {
    #[cfg(unix)]
    inner: std::sync::Condvar,
    #[cfg(not(unix))]
    inner: parking_lot::Condvar,
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(unix)]
            inner: std::sync::Condvar::new(),
            #[cfg(not(unix))]
            inner: parking_lot::Condvar::new(),
        }
    }

    pub(crate) fn notify_one(&self) {
        self.inner.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.inner.notify_all();
    }

    /// Waits without the lock for so long at the most; whether that long has passed.
    #[cfg(unix)]
    pub(crate) fn wait_for<'g, T>(
        &self,
        guard: MutexGuard<'g, T>,
        timeout: Duration,
    ) -> (MutexGuard<'g, T>, bool) {
        let waited = self.inner.wait_timeout(guard, timeout);
        let (guard, result) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        (guard, result.timed_out())
    }

    /// Waits without the lock for so long at the most; whether that long has passed.
    #[cfg(not(unix))]
    pub(crate) fn wait_for<'g, T>(
        &self,
        mut guard: MutexGuard<'g, T>,
        timeout: Duration,
    ) -> (MutexGuard<'g, T>, bool) {
        let is_over = self.inner.wait_for(&mut guard, timeout).timed_out();
        (guard, is_over)
    }
}
