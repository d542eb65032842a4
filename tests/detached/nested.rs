//! Detached computations in others: the graph of waits sees a task as the body that it is.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

use memo::memo;

use crate::schedule::{block_on, Gate, Task};
use crate::spawner::{self, Way};

type Boxed = Pin<Box<dyn Future<Output = u32> + Send>>;

#[test]
fn a_task_computes_from_other_tasks() {
    #[memo(detached)]
    async fn inner(x: u32) -> u32 {
        x + 1
    }
    #[memo(detached)]
    async fn outer(x: u32) -> u32 {
        inner(x).await + inner(x + 1).await
    }
    spawner::set(Way::Queued);
    let mut call = Task::new(outer(1));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    assert_eq!(call.poll(), Poll::Ready(5));
    assert_eq!((inner::get(1), inner::get(2)), (Some(2), Some(3)));
    // In one task after the other, where the spawner runs them at once.
    spawner::set(Way::RunInline);
    assert_eq!(block_on(outer(4)), 11);
}

#[test]
fn two_detached_functions_that_call_each_other_do_not_hang() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(detached)]
    async fn there(x: u32) -> u32 {
        match RUNS.fetch_add(1, SeqCst) {
            0 => and_back(x).await + 1,
            _ => 1,
        }
    }
    fn and_back(x: u32) -> Boxed {
        Box::pin(back(x))
    }
    #[memo(detached)]
    async fn back(x: u32) -> u32 {
        there(x).await + 1
    }
    spawner::set(Way::Queued);
    let mut call = Task::new(there(1));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    assert_eq!(call.poll(), Poll::Ready(3));
    assert_eq!(there::stats().unshared, 1);
}

#[test]
fn a_task_that_asks_for_what_its_call_is_in_computes_that() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    async fn plain(x: u32) -> u32 {
        match RUNS.fetch_add(1, SeqCst) {
            0 => from_task(x).await + 1,
            _ => 7,
        }
    }
    fn from_task(x: u32) -> Boxed {
        Box::pin(detached(x))
    }
    #[memo(detached)]
    async fn detached(x: u32) -> u32 {
        plain(x).await + 1
    }
    spawner::set(Way::Queued);
    let mut call = Task::new(plain(1));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    assert_eq!(call.poll(), Poll::Ready(9));
}

#[test]
fn a_cycle_through_a_call_that_waits_for_its_task_is_seen() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    // First waits for its task, that for the second, and the second for the first.
    #[memo]
    async fn first(x: u32) -> u32 {
        task(x).await + 1
    }
    #[memo(detached)]
    async fn task(x: u32) -> u32 {
        GATE.pass().await;
        to_second(x).await + 1
    }
    fn to_second(x: u32) -> Boxed {
        Box::pin(second(x))
    }
    #[memo]
    async fn second(x: u32) -> u32 {
        match RUNS.fetch_add(1, SeqCst) {
            0 => first(x).await + 1,
            _ => 7,
        }
    }
    spawner::set(Way::Queued);
    let (mut one, mut two) = (Task::new(first(1)), Task::new(second(1)));
    assert!(one.poll().is_pending());
    spawner::run_queued();
    assert!(two.poll().is_pending());
    GATE.open();
    spawner::run_queued();
    assert_eq!(one.poll(), Poll::Ready(9));
    assert_eq!(two.poll(), Poll::Ready(10));
}
