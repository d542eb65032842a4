//! Tasks that want the same at the same time. Schedules are made by polling by hand.

use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use memo::{memo, singleton};
use smol::future::yield_now;
use tokio::sync::{Barrier, Notify};
use tokio::task::{spawn, JoinSet};
use tokio_test::{assert_pending, assert_ready_eq, task};

use crate::Count;

/// A memo function that counts its runs and is held in each until it is let on.
macro_rules! held {
    ($runs:ident, $function:ident) => {
        static $runs: Count = Count::new();
        #[memo]
        async fn $function(key: u32, _go_on: &Notify) -> u32 {
            $runs.add();
            _go_on.notified().await;
            key
        }
    };
}

#[test]
fn a_hit_never_awaits() {
    #[memo]
    async fn double(x: u32) -> u32 {
        yield_now().await;
        2 * x
    }
    let poll_once = || pin!(double(2)).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll_once(), Poll::Pending);
    smol::block_on(double(2));
    assert_eq!(poll_once(), Poll::Ready(4));
}

#[tokio::test]
async fn eight_tasks_on_one_thread_run_a_cold_key_once() {
    static RUNS: Count = Count::new();
    #[memo]
    async fn slow(x: u32) -> u32 {
        RUNS.add();
        yield_now().await;
        x
    }
    // A waiter that blocked its thread would block the leader.
    let tasks: JoinSet<_> = (0..8).map(|_| slow(1)).collect();
    assert_eq!(tasks.join_all().await, [1; 8]);
    let stats = slow::stats();
    assert_eq!((RUNS.get(), stats.misses, stats.hits, stats.unshared), (1, 1, 7, 0));
}

#[test]
fn a_waiter_takes_over_from_a_leader_that_is_dropped() {
    held!(RUNS, held);
    let go_on = Notify::new();
    let mut leader = task::spawn(held(1, &go_on));
    let mut heir = task::spawn(held(1, &go_on));
    let mut other = task::spawn(held(1, &go_on));
    assert_pending!(leader.poll());
    assert_pending!(heir.poll());
    assert_pending!(other.poll());
    drop(leader);
    assert!(heir.is_woken());
    assert_pending!(heir.poll());
    assert_pending!(other.poll());
    assert_eq!(RUNS.get(), 2);
    go_on.notify_one();
    assert_ready_eq!(heir.poll(), 1);
    assert!(other.is_woken());
    assert_ready_eq!(other.poll(), 1);
    let stats = held::stats();
    assert_eq!((stats.misses, stats.hits, stats.unshared), (2, 1, 0));
}

#[test]
fn an_heir_that_is_dropped_too_has_an_heir() {
    held!(RUNS, held);
    let go_on = Notify::new();
    let mut tasks = [0, 1, 2, 3].map(|_| task::spawn(held(1, &go_on)));
    for task in &mut tasks {
        assert_pending!(task.poll());
    }
    let [leader, first, second, mut third] = tasks;
    drop(leader);
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken());
    drop(second);
    assert!(third.is_woken());
    assert_pending!(third.poll());
    go_on.notify_one();
    assert_ready_eq!(third.poll(), 1);
    assert_eq!((RUNS.get(), held::stats().unshared), (2, 0));
}

#[test]
fn a_flight_that_nobody_stays_for_is_forgotten() {
    held!(RUNS, held);
    let go_on = Notify::new();
    let mut tasks = [0, 1, 2].map(|_| task::spawn(held(1, &go_on)));
    for task in &mut tasks {
        assert_pending!(task.poll());
    }
    drop(tasks);
    assert!(!held::contains(1));
    let mut next = task::spawn(held(1, &go_on));
    assert_pending!(next.poll());
    assert_eq!(RUNS.get(), 2);
    go_on.notify_one();
    assert_ready_eq!(next.poll(), 1);
}

#[test]
fn a_waiter_that_is_dropped_disturbs_nobody() {
    held!(RUNS, held);
    let go_on = Notify::new();
    let mut leader = task::spawn(held(1, &go_on));
    let mut first = task::spawn(held(1, &go_on));
    let mut second = task::spawn(held(1, &go_on));
    assert_pending!(leader.poll());
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(first);
    assert!(!leader.is_woken());
    assert_pending!(second.poll());
    go_on.notify_one();
    assert_ready_eq!(leader.poll(), 1);
    assert_ready_eq!(second.poll(), 1);
    assert_eq!((RUNS.get(), held::stats().unshared), (1, 0));
}

#[test]
fn a_waiter_of_what_is_cleared_is_woken_and_asks_again() {
    held!(RUNS, held);
    let (old_on, new_on) = (Notify::new(), Notify::new());
    let mut leader = task::spawn(held(1, &old_on));
    let mut waiter = task::spawn(held(1, &new_on));
    assert_pending!(leader.poll());
    assert_pending!(waiter.poll());
    held::clear();
    assert!(waiter.is_woken());
    assert_pending!(waiter.poll());
    old_on.notify_one();
    assert_ready_eq!(leader.poll(), 1);
    assert!(!held::contains(1));
    new_on.notify_one();
    assert_ready_eq!(waiter.poll(), 1);
    assert_eq!((RUNS.get(), held::contains(1)), (2, true));
}

#[test]
fn singletons_have_the_same_flights() {
    static RUNS: Count = Count::new();
    #[singleton]
    async fn held(key: u32, _go_on: &Notify) -> Result<u32, u32> {
        let run = RUNS.add();
        _go_on.notified().await;
        assert!(run != 1, "the second leader's own");
        Ok(key)
    }
    let go_on = Notify::new();
    let mut tasks = [0, 1, 2, 3, 4].map(|_| task::spawn(held(1, &go_on)));
    for task in &mut tasks {
        assert_pending!(task.poll());
    }
    let [first, mut second, mut third, fourth, mut fifth] = tasks;
    drop(fourth);
    drop(first);
    assert!(second.is_woken());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    assert_pending!(fifth.poll());
    go_on.notify_one();
    assert!(catch_unwind(AssertUnwindSafe(|| second.poll())).is_err());
    assert!(third.is_woken() && fifth.is_woken());
    assert_pending!(third.poll());
    assert_pending!(fifth.poll());
    go_on.notify_waiters();
    assert_ready_eq!(third.poll(), Ok(Arc::new(1)));
    assert_ready_eq!(fifth.poll(), Ok(Arc::new(1)));
    let stats = held::stats();
    assert_eq!((RUNS.get(), stats.misses, stats.unshared, stats.entries), (4, 4, 2, 1));
    let hit = pin!(held(1, &go_on)).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(hit, Poll::Ready(Ok(Arc::new(1))));
}

#[tokio::test]
async fn two_tasks_that_need_each_other_end() {
    static BOTH_LEAD: [Count; 2] = [const { Count::new() }; 2];
    #[memo]
    async fn a(key: u8, _both: &Barrier) -> u32 {
        if BOTH_LEAD[0].add() > 0 {
            return 10;
        }
        _both.wait().await;
        1 + *Box::pin(b(key, _both)).await
    }
    #[singleton]
    async fn b(key: u8, _both: &Barrier) -> u32 {
        if BOTH_LEAD[1].add() > 0 {
            return 10;
        }
        _both.wait().await;
        1 + Box::pin(a(key, _both)).await
    }
    let (both, start) = (Barrier::new(2), Instant::now());
    // Each leads its key before it asks for the other's; one of the two must compute for itself.
    let (first, second) = tokio::join!(a(0, &both), b(0, &both));
    assert!(start.elapsed() < Duration::from_secs(1), "the circle was not seen, but waited out");
    // Where it was the singleton's, the other one takes that when it finishes.
    assert!(matches!((first, *second), (11, 10) | (12, 11)), "{first} {second}");
    assert_eq!(a::stats().unshared + b::stats().unshared, 1);
}

#[tokio::test]
async fn a_task_that_awaits_a_task_that_wants_its_key_ends_within_the_bound() {
    static RUNS: Count = Count::new();
    #[memo(wait = "300ms")]
    async fn own(x: u32) -> u32 {
        match RUNS.add() {
            0 => 1 + in_another_task(x).await.unwrap(),
            _ => x,
        }
    }
    fn in_another_task(x: u32) -> tokio::task::JoinHandle<u32> {
        spawn(own(x))
    }
    let start = Instant::now();
    assert_eq!(own(5).await, 6);
    // Short of a clock tick.
    assert!((Duration::from_millis(290)..Duration::from_secs(3)).contains(&start.elapsed()));
    let stats = own::stats();
    assert_eq!((stats.misses, stats.unshared), (2, 1));
}

#[test]
fn a_panic_reaches_its_own_task_only() {
    static RUNS: Count = Count::new();
    #[memo]
    async fn fragile(x: u32, _go_on: &Notify) -> u32 {
        let run = RUNS.add();
        _go_on.notified().await;
        assert!(run > 0, "the first leader's own");
        x
    }
    let go_on = Notify::new();
    let mut leader = task::spawn(fragile(1, &go_on));
    let mut waiters = [0, 1].map(|_| task::spawn(fragile(1, &go_on)));
    assert_pending!(leader.poll());
    for waiter in &mut waiters {
        assert_pending!(waiter.poll());
    }
    go_on.notify_one();
    assert!(catch_unwind(AssertUnwindSafe(|| leader.poll())).is_err());
    for waiter in &mut waiters {
        assert!(waiter.is_woken());
        assert_pending!(waiter.poll());
    }
    go_on.notify_waiters();
    for waiter in &mut waiters {
        assert_ready_eq!(waiter.poll(), 1);
    }
    let stats = fragile::stats();
    assert_eq!((RUNS.get(), stats.misses, stats.unshared, stats.entries), (3, 3, 2, 1));
}

#[test]
fn waiters_of_an_error_compute_for_themselves() {
    static RUNS: Count = Count::new();
    #[memo]
    async fn first_fails(x: u32, _go_on: &Notify) -> Result<u32, String> {
        let run = RUNS.add();
        _go_on.notified().await;
        if run == 0 {
            return Err("the first".into());
        }
        Ok(x)
    }
    let go_on = Notify::new();
    let mut leader = task::spawn(first_fails(1, &go_on));
    let mut waiter = task::spawn(first_fails(1, &go_on));
    assert_pending!(leader.poll());
    assert_pending!(waiter.poll());
    go_on.notify_one();
    assert_ready_eq!(leader.poll(), Err("the first".into()));
    assert_pending!(waiter.poll());
    go_on.notify_one();
    assert_ready_eq!(waiter.poll(), Ok(1));
    assert_eq!((RUNS.get(), first_fails::stats().unshared), (2, 1));
}
