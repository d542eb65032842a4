//! Locks, atomics and locals of threads, as `memo_core::platform` has them, of loom's.

#[path = "../../../memo-core/src/platform/process.rs"]
pub(crate) mod process;

/// What is static lives longer than one of loom's executions, and loom's objects do not: so each is made
/// when it is first used in one. All threads of an execution are one of the system's.
pub(crate) mod sync {
    use std::any::Any;
    use std::cell::{Cell, RefCell, UnsafeCell};
    use std::collections::HashMap;
    use std::mem::{needs_drop, ManuallyDrop};
    use std::ops::{Deref, DerefMut};
    use std::rc::Rc;

    use loom::thread::{self, ThreadId};

    pub(crate) use atomic::begin;

    pub(crate) mod atomic {
        use std::cell::Cell;
        use std::fmt;
        use std::ops::Deref;
        use std::sync::atomic as std_atomic;

        use loom::sync::atomic as loom_atomic;

        pub(crate) use std::sync::atomic::{compiler_fence, Ordering};

        /// How many executions there were, of all tests: one at a time.
        static EXECUTION: std_atomic::AtomicU64 = std_atomic::AtomicU64::new(0);

        /// Begins an execution, in which all is as it was made.
        pub(crate) fn begin() {
            EXECUTION.fetch_add(1, Ordering::Relaxed);
        }

        /// As std's. Loom goes on with another thread before atomic operations, and not before fences: so
        /// there is one that all fences have in common, and that orders nothing.
        pub(crate) fn fence(ordering: Ordering) {
            static POINT: AtomicU64 = AtomicU64::new(0);
            POINT.fetch_add(1, Ordering::Relaxed);
            loom_atomic::fence(ordering);
        }

        /// Something of loom's, and of which execution it is. Leaked: there is nothing to be given back
        /// once that is over.
        pub(super) struct PerExecution<A: 'static>(Cell<Option<(u64, &'static A)>>);

        // SAFETY: all threads of an execution are one of the system's, and no other is given one.
        unsafe impl<A: Sync> Sync for PerExecution<A> {}
        // SAFETY: as above.
        unsafe impl<A: Sync> Send for PerExecution<A> {}

        impl<A> PerExecution<A> {
            pub(super) const fn new() -> Self {
                Self(Cell::new(None))
            }

            pub(super) fn get(&self, make: impl FnOnce() -> A) -> &'static A {
                let execution = EXECUTION.load(Ordering::Relaxed);
                match self.0.get() {
                    Some((of, made)) if of == execution => made,
                    _ => {
                        let made: &'static A = Box::leak(Box::new(make()));
                        self.0.set(Some((execution, made)));
                        made
                    }
                }
            }
        }

        macro_rules! atomics {
            ($($name:ident$(<$parameter:ident>)? of $value:ty;)*) => {
                $(
                    pub(crate) struct $name$(<$parameter: 'static>)? {
                        first: $value,
                        atomic: PerExecution<loom_atomic::$name$(<$parameter>)?>,
                    }

                    impl$(<$parameter>)? $name$(<$parameter>)? {
                        pub(crate) const fn new(first: $value) -> Self {
                            Self { first, atomic: PerExecution::new() }
                        }

                        pub(crate) fn unscheduled(&self) -> &loom_atomic::$name$(<$parameter>)? {
                            self
                        }
                    }

                    impl$(<$parameter>)? Deref for $name$(<$parameter>)? {
                        type Target = loom_atomic::$name$(<$parameter>)?;

                        fn deref(&self) -> &Self::Target {
                            self.atomic.get(|| loom_atomic::$name::new(self.first))
                        }
                    }

                    impl$(<$parameter>)? fmt::Debug for $name$(<$parameter>)? {
                        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str(stringify!($name))
                        }
                    }
                )*
            };
        }

        atomics! {
            AtomicU64 of u64;
            AtomicUsize of usize;
            AtomicPtr<T> of *mut T;
        }

        // SAFETY: the pointer that it begins with is handed out as any other that is stored.
        unsafe impl<T> Sync for AtomicPtr<T> {}
        // SAFETY: as above.
        unsafe impl<T> Send for AtomicPtr<T> {}
    }

    /// What it guards is as the last execution has left it.
    pub(crate) struct Mutex<T> {
        lock: atomic::PerExecution<loom::sync::Mutex<()>>,
        data: UnsafeCell<T>,
    }

    // SAFETY: the data is used with the lock alone.
    unsafe impl<T: Send> Sync for Mutex<T> {}

    pub(crate) struct MutexGuard<'m, T> {
        mutex: &'m Mutex<T>,
        _locked: loom::sync::MutexGuard<'static, ()>,
    }

    impl<T> Mutex<T> {
        pub(crate) const fn new(data: T) -> Self {
            Self { lock: atomic::PerExecution::new(), data: UnsafeCell::new(data) }
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            let lock = self.lock.get(|| loom::sync::Mutex::new(()));
            MutexGuard { mutex: self, _locked: lock.lock().unwrap() }
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: the lock is held.
            unsafe { &*self.mutex.data.get() }
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the lock is held.
            unsafe { &mut *self.mutex.data.get() }
        }
    }

    /// As std's, but that it lasts until the [end](end_of_thread) of its thread, as that says itself: what
    /// loom drops cannot ask for others.
    pub(crate) struct LocalKey<T: 'static>(pub(crate) fn() -> T);

    /// The thread's locals are dropped already: never, here.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct IsGone;

    /// A local, and whether its drop does something.
    type Local = (Rc<dyn Any>, bool);

    std::thread_local! {
        /// Of all of loom's threads, by the thread and the key; left alone where a test has failed.
        static LOCALS: ManuallyDrop<RefCell<HashMap<(ThreadId, usize), Local>>> =
            ManuallyDrop::default();
    }

    /// Drops what this thread has of its own: first what finds the rest still there, as with std.
    pub(crate) fn end_of_thread() {
        let own = thread::current().id();
        for does_something in [true, false] {
            let ended: Vec<_> = LOCALS.with(|locals| {
                let is_ended = |of: ThreadId, local: &Local| of == own && local.1 == does_something;
                let mut locals = locals.borrow_mut();
                locals.extract_if(|(of, _), local| is_ended(*of, local)).collect()
            });
            drop(ended);
        }
    }

    impl<T: 'static> LocalKey<T> {
        pub(crate) fn try_with<R>(&'static self, with: impl FnOnce(&T) -> R) -> Result<R, IsGone> {
            let key = (thread::current().id(), std::ptr::from_ref(self).addr());
            let local = LOCALS.with(|locals| {
                let mut locals = locals.borrow_mut();
                let local = locals.entry(key);
                let local = local.or_insert_with(|| (Rc::new((self.0)()), needs_drop::<T>()));
                Rc::clone(&local.0)
            });
            Ok(with(local.downcast_ref().expect("a key has one type")))
        }
    }

    impl<T: Copy + Default + 'static> LocalKey<Cell<T>> {
        pub(crate) fn get(&'static self) -> T {
            self.try_with(Cell::get).unwrap()
        }

        pub(crate) fn set(&'static self, value: T) {
            self.try_with(|cell| cell.set(value)).unwrap();
        }

        pub(crate) fn replace(&'static self, value: T) -> T {
            self.try_with(|cell| cell.replace(value)).unwrap()
        }

        pub(crate) fn take(&'static self) -> T {
            self.replace(T::default())
        }
    }

    macro_rules! loom_local {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
            $($(#[$attribute])* static $name: $crate::platform::sync::LocalKey<$type> =
                $crate::platform::sync::LocalKey(|| $init);)*
        };
    }
    pub(crate) use loom_local as thread_local;
}
