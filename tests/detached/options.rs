//! Detached computations beside what else is said of a function.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use memo::store::DiskStore;
use memo::{memo, Session};

use crate::removing::remove;
use crate::schedule::{block_on, Gate, Task};
use crate::spawner::{self, Way};

#[test]
fn refresh_is_a_task_that_computes_whatever_is_stored() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn count(x: usize) -> usize {
        x - 1 + RUNS.fetch_add(1, SeqCst)
    }
    spawner::set(Way::RunInline);
    assert_eq!(block_on(count(1)), 0);
    spawner::set(Way::Queued);
    let mut refresh = Task::new(count::refresh(1));
    assert!(refresh.poll().is_pending());
    assert_eq!(count::get(1), Some(0));
    drop(refresh);
    spawner::run_queued();
    assert_eq!(count::get(1), Some(1));
}

#[test]
fn a_call_that_is_not_to_be_cached_is_no_task() {
    #[memo(detached, enabled = x > 0)]
    async fn twice(x: u32) -> u32 {
        2 * x
    }
    spawner::set(Way::Queued);
    assert_eq!(Task::new(twice(0)).poll(), Poll::Ready(0));
    assert_eq!(spawner::queued(), 0);
}

#[test]
fn a_task_is_part_of_the_block_in_which_it_is_begun() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        assert!(!twice_contains(1));
        2 * x
    }
    fn twice_contains(x: u32) -> bool {
        twice::contains(x)
    }
    spawner::set(Way::Queued);
    twice::insert(1, 0);
    let mut block = Task::new(memo::isolated_async(async {
        assert_eq!(twice(2).await, 4);
        assert!(twice::contains(2));
    }));
    assert!(block.poll().is_pending());
    spawner::run_queued();
    assert!(block.poll().is_ready());
    assert!(!twice::contains(2));
    // What has not begun when the block ends does not begin.
    let mut block = Task::new(memo::isolated_async(async { twice(3).await }));
    assert!(block.poll().is_pending());
    drop(block);
    spawner::run_queued();
    assert_eq!((RUNS.load(SeqCst), spawner::queued()), (1, 0));
}

#[test]
fn a_task_is_part_of_the_session_in_which_it_is_begun() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(scope = "session")]
    fn inner(x: u32) -> u32 {
        x
    }
    #[memo(detached, scope = "session")]
    async fn twice(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        2 * inner(x)
    }
    #[memo(detached)]
    async fn of_everybody(x: u32) -> u32 {
        inner(x)
    }
    spawner::set(Way::Queued);
    let session = Session::new();
    let mut call = Task::new(session.wrap(async { twice(2).await + of_everybody(2).await }));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    assert!(call.poll().is_pending());
    spawner::run_queued();
    assert_eq!(call.poll(), Poll::Ready(6));
    drop(call);
    assert!(session.enter(|| twice::contains(2) && inner::contains(2)));
    assert!(!twice::contains(2) && !inner::contains(2));
    // It computed from what is that session's alone.
    assert!(!of_everybody::contains(2));
    // A task holds no session: what has begun when that ends is discarded, the rest does not begin.
    let mut call = Task::new(session.wrap(async { twice(3).await }));
    assert!(call.poll().is_pending());
    drop((call, session));
    spawner::run_queued();
    assert_eq!((RUNS.load(SeqCst), spawner::queued()), (1, 0));
    assert_eq!(twice::stats().entries, 0);
}

#[test]
fn a_task_looks_into_the_store_and_writes_to_it() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    fn directory() -> PathBuf {
        std::env::temp_dir().join(format!("memo-detached-{}", std::process::id()))
    }
    #[memo(detached, max_entries = 1, store = DiskStore::open(directory()))]
    async fn twice(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        2 * x
    }
    GATE.open();
    spawner::set(Way::Threads);
    for key in [1, 2, 1, 2] {
        assert_eq!(block_on(twice(key)), 2 * key);
    }
    assert_eq!((RUNS.load(SeqCst), twice::stats().store_hits), (2, 2));
    // It is dropped while it looks into the store, or after that.
    GATE.close();
    spawner::set(Way::Queued);
    let mut call = Task::new(twice(3));
    while spawner::queued() == 0 {
        assert!(call.poll().is_pending());
    }
    let mut task = spawner::take();
    assert!(task.poll().is_pending());
    drop(task);
    GATE.open();
    assert_eq!(block_on(call), 6);
    twice::clear();
    remove(&directory());
}
