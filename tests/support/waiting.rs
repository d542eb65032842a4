//! What tests with servers share: waiting, and numbers that no other test has.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Waits until something is so: how long that took.
#[track_caller]
pub(crate) fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    loop {
        if is_so() {
            return start.elapsed();
        }
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static STATE: RandomState = RandomState::new());
    STATE.with(|state| state.hash_one(NEXT.fetch_add(1, SeqCst)))
}

pub(crate) fn random_below(bound: u64) -> u64 {
    random() % bound
}
