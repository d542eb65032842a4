//! Locks, atomics and threads of tests that run in schedules of `shuttle`'s.
//!
//! All threads of such a test are one, which changes from one of them to another before whatever
//! others could see: a lock, a notification, an atomic operation. So a schedule is a list of choices,
//! which can be made at random and made again. Time stands still: no wait is over because it lasted,
//! and where everybody waits, `shuttle` reports a deadlock.

use std::cell::Cell;
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

pub(crate) use shuttle::sync::MutexGuard;

/// Lets the schedule go on with another thread. A value that outlives its test does nothing.
pub(crate) fn point() {
    if shuttle::current::try_get_current_task().is_some() {
        // Nothing else of what is public changes threads and says no more than that.
        shuttle::thread::sleep(Duration::ZERO);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(data: T) -> Self {
        Self(shuttle::sync::Mutex::new(data))
    }
}

impl<T: ?Sized> Mutex<T> {
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

#[derive(Debug)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(shuttle::sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits without the lock until it is notified, however long that takes.
    pub(crate) fn wait_for<'g, T>(
        &self,
        guard: MutexGuard<'g, T>,
        _: Duration,
    ) -> (MutexGuard<'g, T>, bool) {
        (self.0.wait(guard).unwrap_or_else(PoisonError::into_inner), false)
    }
}

/// Std's atomics, of the same layout, with a point of the schedule before each operation.
pub(crate) mod atomic {
    use std::ops::Deref;
    use std::sync::atomic as std_atomic;

    pub(crate) use std_atomic::{compiler_fence, fence, Ordering};

    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct Scheduled<A>(A);

    impl<A> Scheduled<A> {
        /// It without a point of the schedule.
        pub(crate) const fn unscheduled(&self) -> &A {
            &self.0
        }
    }

    impl<A> Deref for Scheduled<A> {
        type Target = A;

        fn deref(&self) -> &A {
            super::point();
            &self.0
        }
    }

    macro_rules! scheduled {
        ($($name:ident of $value:ty;)*) => {
            $(
                pub(crate) type $name = Scheduled<std_atomic::$name>;

                impl $name {
                    pub(crate) const fn new(value: $value) -> Self {
                        Self(std_atomic::$name::new(value))
                    }
                }
            )*
        };
    }

    scheduled! {
        AtomicBool of bool;
        AtomicU8 of u8;
        AtomicU32 of u32;
        AtomicU64 of u64;
        AtomicUsize of usize;
    }

    impl AtomicUsize {
        /// As std's, which is more than one operation.
        pub(crate) fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            mut update: impl FnMut(usize) -> Option<usize>,
        ) -> Result<usize, usize> {
            let mut before = self.load(fetch);
            while let Some(after) = update(before) {
                match self.compare_exchange(before, after, set, fetch) {
                    Ok(before) => return Ok(before),
                    Err(other) => before = other,
                }
            }
            Err(before)
        }
    }

    pub(crate) type AtomicPtr<T> = Scheduled<std_atomic::AtomicPtr<T>>;

    impl<T> AtomicPtr<T> {
        pub(crate) const fn new(pointer: *mut T) -> Self {
            Self(std_atomic::AtomicPtr::new(pointer))
        }
    }
}

pub(crate) mod thread {
    use std::io;

    pub(crate) use shuttle::thread::{current, spawn, yield_now, ThreadId};

    /// Starts no thread: what goes on in the background is no part of a schedule.
    #[derive(Debug)]
    pub(crate) struct Builder;

    impl Builder {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn name(self, _: String) -> Self {
            self
        }

        pub(crate) fn spawn<R>(self, _: impl FnOnce() -> R) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Whether this thread panics, by [`panics`]: std cannot tell which one it is that does.
    pub(crate) fn panicking() -> bool {
        std::thread::panicking() && super::IS_PANICKING.get()
    }

    /// What this returns, if it does not panic as [`panics`] does.
    pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Option<R> {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(code));
        let is_meant = super::IS_PANICKING.replace(false);
        match result {
            Ok(result) => Some(result),
            Err(_) if is_meant => None,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }

    /// Panics in a way that is part of the test, and no failure of it.
    pub(crate) fn panics() -> ! {
        super::IS_PANICKING.set(true);
        std::panic::resume_unwind(Box::new("told to panic"))
    }
}

thread_local! {
    static IS_PANICKING: Cell<bool> = const { Cell::new(false) };
}

pub(crate) use local::{forget_all, thread_local, LocalKey};

/// What each thread of a schedule has of its own.
mod local {
    use std::any::Any;
    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;
    use std::mem::needs_drop;
    use std::rc::Rc;

    use shuttle::thread::AccessError;

    /// As std's: what needs no drop is there for as long as the thread is.
    pub(crate) struct LocalKey<T: 'static>(pub(crate) shuttle::thread::LocalKey<T>);

    std::thread_local! {
        /// What needs no drop, by its thread and its key.
        static UNDROPPED: RefCell<HashMap<(usize, usize), Rc<dyn Any>>> = RefCell::default();
    }

    /// Before a schedule, whose threads have the numbers of the last one's.
    pub(crate) fn forget_all() {
        UNDROPPED.with(|locals| locals.borrow_mut().clear());
    }

    impl<T: 'static> LocalKey<T> {
        pub(crate) fn with<R>(&'static self, with: impl FnOnce(&T) -> R) -> R {
            self.try_with(with).unwrap_or_else(|_| unreachable!("it is used after its drop"))
        }

        pub(crate) fn try_with<R>(
            &'static self,
            with: impl FnOnce(&T) -> R,
        ) -> Result<R, AccessError> {
            if needs_drop::<T>() {
                return self.0.try_with(with);
            }
            let key = (shuttle::current::me().into(), std::ptr::from_ref(self).addr());
            let local = UNDROPPED.with(|locals| {
                Rc::clone(
                    locals.borrow_mut().entry(key).or_insert_with(|| Rc::new((self.0.init)())),
                )
            });
            Ok(with(local.downcast_ref().unwrap_or_else(|| unreachable!("a key has one type"))))
        }
    }

    impl<T: 'static> LocalKey<Cell<T>> {
        pub(crate) fn get(&'static self) -> T
        where
            T: Copy,
        {
            self.with(Cell::get)
        }

        pub(crate) fn set(&'static self, value: T) {
            self.with(|cell| cell.set(value));
        }

        pub(crate) fn replace(&'static self, value: T) -> T {
            self.with(|cell| cell.replace(value))
        }

        pub(crate) fn take(&'static self) -> T
        where
            T: Default,
        {
            self.with(Cell::take)
        }
    }

    macro_rules! scheduled_local {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
            $($(#[$attribute])* static $name: $crate::platform::sync::LocalKey<$type> =
                $crate::platform::sync::LocalKey(shuttle::thread::LocalKey {
                    init: || $init,
                    _p: std::marker::PhantomData,
                });)*
        };
    }
    pub(crate) use scheduled_local as thread_local;
}
