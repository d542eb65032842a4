//! What only other people's crates can show, one sentence a test. Each test has functions of its
//! own.

mod attributes;
mod boxed;
mod cancellation;
mod detached;
mod executors;
mod flights;
mod paths;
mod results;
mod singletons;
mod stalls;

use std::future::{poll_fn, Future};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How often something happened.
struct Count(AtomicU32);

impl Count {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Counts, and tells how often it happened before.
    fn add(&self) -> u32 {
        self.0.fetch_add(1, Relaxed)
    }

    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// The future, with `is_left` told whenever a poll leaves it pending.
async fn pending<F: Future>(future: F, mut is_left: impl FnMut()) -> F::Output {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| {
        let poll = future.as_mut().poll(context);
        if poll.is_pending() {
            is_left();
        }
        poll
    })
    .await
}
