//! Locks, atomics and threads. They are std's or `parking_lot`'s; in tests that choose their
//! [schedules](scheduled), `shuttle`'s.
//!
//! Whatever threads see of each other through memory goes through here where its interleavings are
//! worth a test: flights, tables, reclamation. Counters, and what is found out once, do not.

#[cfg(not(all(test, memo_shuttle)))]
mod locks;
#[cfg(all(test, memo_shuttle))]
mod scheduled;

#[cfg(not(all(test, memo_shuttle)))]
pub(crate) use locks::{Condvar, Mutex, MutexGuard};
#[cfg(not(all(test, memo_shuttle)))]
pub(crate) use std::{sync::atomic, thread, thread_local};

#[cfg(all(test, memo_shuttle))]
pub(crate) use scheduled::{
    atomic, forget_all, point, thread, thread_local, Condvar, LocalKey, Mutex, MutexGuard,
};

/// Whether a thread can wait for another. WebAssembly has one thread: whatever that waits for does
/// not come, and `parking_lot` panics there.
pub(crate) const CAN_WAIT: bool = !cfg!(target_family = "wasm");
