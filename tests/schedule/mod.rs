//! What schedules are made of: bodies that are held, futures that are polled by hand, threads that
//! start together.
//!
//! Several test programs have it as a module.

// None of them needs all of it.
#![allow(dead_code, unused_imports)]

mod runs;
mod tasks;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use runs::{End, Runs};
pub(crate) use tasks::{block_on, Gate, Task};

/// Nothing takes that long; it is there for a failure to be one.
pub(crate) const AGES: Duration = Duration::from_secs(60);

/// Runs a closure on many threads that start together, and collects what they return.
pub(crate) fn together<T: Send>(threads: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|number| {
                let (start, call) = (&start, &call);
                scope.spawn(move || {
                    start.wait();
                    call(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Comes back when the condition holds; where time has to pass, or another thread to get there.
#[track_caller]
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < AGES, "it never came to that");
        thread::yield_now();
    }
}

/// Runs it on a worker thread of rayon: its waits have a bound of 10 ms, whatever others have.
pub(crate) fn impatiently<T: Send>(call: impl FnOnce() -> T + Send) -> T {
    // A pool of its own, so that no other test's call occupies the thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(call)
}

/// How many reliefs a bound that doubles with each has time for.
pub(crate) fn reliefs_within(elapsed: Duration, bound: Duration) -> u32 {
    // The k-th is due after (2^k - 1) bounds.
    let bounds = elapsed.as_nanos() / bound.as_nanos();
    (bounds + 1).ilog2()
}
