//! What has expired is given up though nobody asks for it, nor for what is held: in a process of
//! its own, as whoever comes by reclaims, for all.

#[path = "support/allocator.rs"]
mod allocator;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use allocator::held;
use memo::{memo, singleton};

/// Held by the one test that runs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const LIFE: Duration = Duration::from_millis(500);
const LARGE: usize = 1 << 20;
const RESULTS: usize = 8;

#[memo(ttl = LIFE)]
fn large(key: usize) -> Vec<u8> {
    vec![key as u8; LARGE]
}

#[singleton(ttl = LIFE)]
fn resource(_alive: &Arc<()>, key: usize) -> (Arc<()>, usize) {
    (Arc::clone(_alive), key)
}

#[memo]
fn other(key: usize) -> usize {
    key
}

#[memo(ttl = "1h")]
fn lasting(key: usize) -> usize {
    key
}

#[singleton(ttl = "1h")]
fn kept(key: usize) -> usize {
    key
}

/// Fills a cache with what expires, and calls something else until that is gone.
///
/// Statistics are asked by nobody here, as they reclaim what they would count.
fn is_given_up_while(mut call: impl FnMut(usize)) {
    let _alone = alone();
    call(0);
    let before = held();
    let alive = Arc::new(());
    for key in 0..RESULTS {
        assert_eq!(large(key).len(), LARGE);
        assert_eq!(resource(&alive, key).1, key);
    }
    assert!(held() > before + RESULTS * LARGE);
    let start = Instant::now();
    while Arc::strong_count(&alive) > 1 || held() > before + LARGE {
        assert!(start.elapsed() < Duration::from_secs(20), "it is held for ever");
        call(start.elapsed().as_micros() as usize);
        thread::yield_now();
    }
    assert!(start.elapsed() > LIFE / 2, "it was not held at all");
}

#[test]
fn what_has_expired_is_given_up_by_another_functions_miss() {
    is_given_up_while(|number| {
        // Never the same one twice, and never much held.
        other(1_000_000 + number);
        if number % 64 == 0 {
            other::clear();
        }
    });
}

#[test]
fn what_has_expired_is_given_up_by_hits_of_a_function_that_looks_at_the_clock() {
    is_given_up_while(|_| assert_eq!(lasting(1), 1));
}

#[test]
fn what_has_expired_is_given_up_by_hits_of_a_resource_that_looks_at_the_clock() {
    is_given_up_while(|_| assert_eq!(*kept(1), 1));
}

#[test]
fn what_has_expired_is_given_up_by_what_is_inserted() {
    is_given_up_while(|number| other::insert(number % 8, number));
}

/// How many of them there are.
static COUNTED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted;

impl Clone for Counted {
    fn clone(&self) -> Self {
        COUNTED.fetch_add(1, SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTED.fetch_sub(1, SeqCst);
    }
}

#[memo(clone)]
fn counted(key: usize) -> Counted {
    COUNTED.fetch_add(usize::from(key < usize::MAX), SeqCst);
    Counted
}

#[test]
fn what_a_clear_takes_too_long_to_free_is_freed_by_the_misses_of_others() {
    const MANY: usize = 100_000;
    let _alone = alone();
    (0..MANY).for_each(|key| drop(counted(key)));
    counted::clear();
    assert_eq!(
        (counted::stats().entries, counted::stats().bytes, counted::get(1).is_none()),
        (0, 0, true)
    );
    let left = COUNTED.load(SeqCst);
    assert!(left > MANY / 2, "its caller freed {} of {MANY}", MANY - left);
    let mut misses = 0;
    while COUNTED.load(SeqCst) > 0 {
        let before = COUNTED.load(SeqCst);
        other(2_000_000 + misses);
        let freed = before - COUNTED.load(SeqCst);
        assert!(freed < MANY / 2, "a miss freed {freed} of {MANY}");
        misses += 1;
        assert!(misses < MANY, "it is held for ever");
    }
    assert!(misses > 4);
}
