//! Spawners that do not do what they should: nothing hangs, and nothing is lost but the task.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use memo::memo;

use crate::schedule::{block_on, Task};
use crate::spawner::{self, Way};

#[test]
fn a_call_whose_spawner_panics_drops_or_forgets_it_computes_itself() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        2 * x
    }
    for (key, way) in (1..).zip([Way::Panicking, Way::Dropped, Way::Forgotten, Way::RunInline]) {
        spawner::set(way);
        assert_eq!(block_on(twice(key)), 2 * key);
        assert_eq!(twice::get(key), Some(2 * key));
        assert_eq!(RUNS.load(SeqCst), key as usize);
    }
    assert_eq!(twice::stats().misses, 4);
}

#[test]
fn who_waits_for_a_task_that_is_never_polled_computes_soon() {
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        2 * x
    }
    spawner::set(Way::Forgotten);
    let mut given_up = Task::new(twice(1));
    assert!(given_up.poll().is_pending());
    drop(given_up);
    assert_eq!(block_on(twice(1)), 2);
    // Not though it was fenced.
    let mut fenced = Task::new(twice(2));
    assert!(fenced.poll().is_pending());
    twice::clear();
    assert_eq!(block_on(fenced), 4);
    assert!(!twice::contains(2));
}

#[test]
fn a_task_that_is_polled_after_its_call_took_over_does_nothing() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        2 * x
    }
    spawner::set(Way::Queued);
    assert_eq!(block_on(twice(1)), 2);
    spawner::run_queued();
    assert_eq!((RUNS.load(SeqCst), spawner::queued()), (1, 0));
}
