//! How long a call waits for another's computation.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::cache::Cache;
use crate::function::name::Name;
use crate::function::registry::SINGLETONS;

/// Longer than any computation here takes, unless it is held.
const LONG: Duration = Duration::from_millis(400);

fn wait(long: Duration) {
    let start = Instant::now();
    while start.elapsed() < long {
        thread::sleep(long / 8);
    }
}

#[test]
fn a_bound_is_five_seconds_or_a_minute_or_twice_the_longest_computation() {
    static DATA: Static = Static::new(Memo::new("data"));
    static RESOURCE: Cache =
        Cache::new(Name { text: "resource", is_method: false }, &SINGLETONS, true);
    static GIVEN: Static = Static::new(Memo::new("given").wait(|| Duration::from_millis(7)));
    let seconds = |cache: &Cache| cache.bound() as f64 / 1e9;
    assert_eq!((seconds(&DATA.cache), seconds(&RESOURCE)), (5.0, 60.0));
    for (computed, data, resource) in [(1, 5.0, 60.0), (3, 6.0, 60.0), (40, 80.0, 80.0)] {
        DATA.cache.computed_in(Duration::from_secs(computed));
        RESOURCE.computed_in(Duration::from_secs(computed));
        GIVEN.cache.computed_in(Duration::from_secs(computed));
        assert_eq!((seconds(&DATA.cache), seconds(&RESOURCE)), (data, resource));
        assert_eq!(GIVEN.cache.bound(), 7_000_000);
    }
    // A shorter one later says nothing.
    DATA.cache.computed_in(Duration::from_millis(1));
    assert_eq!(seconds(&DATA.cache), 80.0);
}

#[test]
fn what_was_waited_because_a_leader_hung_is_no_ones_computation() {
    static INNER: Static = Static::new(Memo::new("inner").wait(|| 2 * LONG));
    static OUTER: Static = Static::new(Memo::new("outer"));
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let (let_on, go_on) = channel();
    let go_on = Mutex::new(go_on);
    let inner = || {
        run(&INNER, 1, || {
            let run = RUNS.fetch_add(1, SeqCst);
            if run == 0 {
                go_on.lock().unwrap().recv().unwrap();
            }
            run
        })
    };
    let outer = |key| run(&OUTER, key, inner);
    thread::scope(|scope| {
        let leader = scope.spawn(|| outer(0));
        while RUNS.load(SeqCst) == 0 {
            thread::yield_now();
        }
        // One of them relieves the leader, and the others wait for that one.
        let waiters: Vec<_> = (1..5).map(|key| scope.spawn(move || outer(key))).collect();
        for waiter in waiters {
            assert!(waiter.join().unwrap() > 0);
        }
        let_on.send(()).unwrap();
        leader.join().unwrap();
    });
    assert!(INNER.cache.longest() < LONG, "{:?}", INNER.cache.longest());
    assert!(OUTER.cache.longest() < LONG, "{:?}", OUTER.cache.longest());
}

#[test]
fn time_in_which_a_future_is_woken_and_not_polled_is_no_computation() {
    static MEMO: Static = Static::new(Memo::new("stalled").asynchronous());
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let is_open = Arc::new(AtomicBool::new(false));
    let body = {
        let (waker, is_open) = (Arc::clone(&waker), Arc::clone(&is_open));
        std::future::poll_fn(move |context| {
            *waker.lock().unwrap() = Some(context.waker().clone());
            if is_open.load(SeqCst) {
                Poll::Ready(Ok(1))
            } else {
                Poll::Pending
            }
        })
    };
    let wake = |mut waker: MutexGuard<'_, Option<Waker>>| waker.take().unwrap().wake();
    let mut task = Task::new(awaited(call(&MEMO, 1), body));
    assert!(task.poll().is_pending());
    wake(waker.lock().unwrap());
    assert!(task.is_woken());
    // Nobody waits, and so nobody notices but the task, in the end.
    wait(LONG);
    is_open.store(true, SeqCst);
    assert_eq!(task.poll(), Poll::Ready(Ok(1)));
    assert!(MEMO.cache.longest() < LONG, "{:?}", MEMO.cache.longest());

    // What a body waits for is its computation, however long it is not polled for that.
    let mut task = Task::new(awaited(call(&MEMO, 2), {
        let start = Instant::now();
        std::future::poll_fn(move |_| match start.elapsed() {
            elapsed if elapsed > LONG => Poll::Ready(Ok(2)),
            _ => Poll::Pending,
        })
    }));
    assert!(task.poll().is_pending());
    wait(2 * LONG);
    assert_eq!(task.poll(), Poll::Ready(Ok(2)));
    assert!(MEMO.cache.longest() >= LONG, "{:?}", MEMO.cache.longest());
}
