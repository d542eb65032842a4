//! A call that would wait for itself, in whatever roundabout way, computes at once. Tasks are
//! polled by hand, so that no time passes: what ends by a bound would not end here.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;
use std::time::{Duration, Instant};

use memo::memo;

use crate::schedule::{eventually, impatiently, Gate, Task};

/// A call that may be part of the body of what it calls.
type Call = Pin<Box<dyn Future<Output = u32> + Send>>;

/// Polls them all, until each has ended; their results.
fn run_all<const N: usize>(mut tasks: [Task<u32>; N]) -> [u32; N] {
    let start = Instant::now();
    let mut results = [None; N];
    while results.iter().any(Option::is_none) {
        for (task, result) in tasks.iter_mut().zip(&mut results) {
            if result.is_none() {
                if let Poll::Ready(value) = task.poll() {
                    *result = Some(value);
                }
            }
        }
        assert!(start.elapsed() < Duration::from_secs(1), "it was waited out");
    }
    results.map(Option::unwrap)
}

#[test]
fn of_two_equal_waits_the_one_that_is_left_still_closes_a_cycle() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(wait = "1h")]
    async fn outer(key: u32) -> u32 {
        let mut waits: [Option<Call>; 2] = [Some(call_inner(key)), Some(call_inner(key))];
        poll_fn(move |context| {
            for wait in waits.iter_mut().flatten() {
                if let Poll::Ready(value) = wait.as_mut().poll(context) {
                    return Poll::Ready(value);
                }
            }
            // One of them is given up, whichever the key says.
            waits[key as usize] = None;
            Poll::Pending
        })
        .await
    }
    #[memo(wait = "1h")]
    async fn inner(key: u32) -> u32 {
        if RUNS.fetch_add(1, SeqCst) % 2 == 1 {
            return 7;
        }
        GATE.pass().await;
        call_outer(key).await + 1
    }
    fn call_inner(key: u32) -> Call {
        Box::pin(inner(key))
    }
    fn call_outer(key: u32) -> Call {
        Box::pin(outer(key))
    }
    for key in [0, 1] {
        GATE.close();
        let (mut led, mut waits) = (Task::new(inner(key)), Task::new(outer(key)));
        assert!(led.poll().is_pending() && waits.poll().is_pending());
        GATE.open();
        // The leader asks for who waits for it, and in there for itself.
        assert_eq!(run_all([led, waits]), [8, 8]);
        let unshared = (inner::stats().unshared, outer::stats().unshared);
        assert_eq!(unshared, (u64::from(key) + 1, u64::from(key) + 1));
    }
}

#[test]
fn a_cycle_of_three_tasks_is_cut_at_one() {
    static GATE: Gate = Gate::new();
    static RUNS: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
    #[memo(wait = "1h")]
    async fn ring(at: usize) -> u32 {
        if RUNS[at].fetch_add(1, SeqCst) > 0 {
            return 100;
        }
        GATE.pass().await;
        1 + call((at + 1) % 3).await
    }
    fn call(at: usize) -> Call {
        Box::pin(ring(at))
    }
    let mut tasks = [0, 1, 2].map(|at| Task::new(ring(at)));
    assert!(tasks.iter_mut().all(|task| task.poll().is_pending()));
    GATE.open();
    let mut results = run_all(tasks);
    results.sort_unstable();
    assert_eq!((results, ring::stats().unshared), ([101, 102, 103], 1));
}

#[test]
fn a_cycle_through_who_relieves_a_leader_is_seen_whichever_wait_comes_last() {
    static HELD: Gate = Gate::new();
    static GATES: [[Gate; 2]; 2] = [const { [const { Gate::new() }; 2] }; 2];
    static RUNS: [[AtomicU32; 2]; 2] = [const { [const { AtomicU32::new(0) }; 2] }; 2];
    #[memo(wait = "1h")]
    async fn first(case: usize) -> u32 {
        match RUNS[case][0].fetch_add(1, SeqCst) {
            // The leader, which hangs.
            0 => HELD.pass().await,
            // Who relieves it.
            1 => GATES[case][0].pass().await,
            _ => return 10,
        }
        1 + call_second(case).await
    }
    #[memo(wait = "1h")]
    async fn second(case: usize) -> u32 {
        if RUNS[case][1].fetch_add(1, SeqCst) > 0 {
            return 10;
        }
        GATES[case][1].pass().await;
        1 + call_first(case).await
    }
    fn call_first(case: usize) -> Call {
        Box::pin(first(case))
    }
    fn call_second(case: usize) -> Call {
        Box::pin(second(case))
    }
    for case in [0, 1] {
        let (mut leader, mut relief) = (Task::new(first(case)), Task::new(first(case)));
        let mut other = Task::new(second(case));
        assert!(leader.poll().is_pending() && other.poll().is_pending());
        assert!(impatiently(|| relief.poll()).is_pending());
        eventually(|| relief.poll().is_pending() && RUNS[case][0].load(SeqCst) == 2);
        // One of the two waits for the other; then that other comes.
        let gates = &GATES[case];
        gates[case].open();
        assert!(relief.poll().is_pending() && other.poll().is_pending());
        gates[1 - case].open();
        let results = run_all([relief, other]);
        assert!([[11, 12], [12, 11]].contains(&results), "{results:?}");
        drop(leader);
    }
    // Two reliefs, and two calls that computed for themselves.
    assert_eq!(first::stats().unshared + second::stats().unshared, 4);
}

#[test]
fn a_body_may_wait_a_thousand_times_for_what_others_compute_and_keeps_its_place_in_the_graph() {
    const KEYS: u32 = 41;
    const WAITS: u32 = 4000;
    static GATE: Gate = Gate::new();
    static RUNS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
    #[memo(wait = "1h")]
    async fn inner(key: u32) -> u32 {
        RUNS[0].fetch_add(1, SeqCst);
        GATE.pass().await;
        if key == KEYS - 1 {
            return 1_000_000 + call_outer(1).await;
        }
        key
    }
    fn call_inner(key: u32) -> Call {
        Box::pin(inner(key))
    }
    fn call_outer(key: u32) -> Call {
        Box::pin(outer(key))
    }
    #[memo(wait = "1h")]
    async fn outer(key: u32) -> u32 {
        if RUNS[1].fetch_add(1, SeqCst) > 0 {
            return 4 + key;
        }
        // All at once, as a `join_all` does.
        let mut calls: Vec<_> = (0..WAITS).map(|wait| Some(call_inner(wait % KEYS))).collect();
        let mut sum = 0;
        let mut polls = 0;
        poll_fn(move |context| {
            polls += 1;
            let mut is_pending = false;
            for (number, call) in calls.iter_mut().enumerate() {
                let Some(waits) = call else { continue };
                match waits.as_mut().poll(context) {
                    Poll::Ready(value) => {
                        sum += value;
                        *call = None;
                    }
                    // Nine of ten are given up, in no order of theirs.
                    Poll::Pending if polls == 1 && number * 7 % 10 > 0 => *call = None,
                    Poll::Pending => is_pending = true,
                }
            }
            if is_pending {
                Poll::Pending
            } else {
                Poll::Ready(sum)
            }
        })
        .await
    }
    // Others lead what it waits for, one of them with a body that wants it in its turn.
    let mut leaders: Vec<_> = (0..KEYS).map(|key| Task::new(inner(key))).collect();
    assert!(leaders.iter_mut().all(|leader| leader.poll().is_pending()));
    let mut waits = Task::new(outer(1));
    assert!(waits.poll().is_pending());
    assert_eq!(RUNS[0].load(SeqCst), KEYS);
    GATE.open();
    let last = leaders.pop().unwrap();
    for (key, leader) in (0..).zip(&mut leaders) {
        assert_eq!(leader.poll(), Poll::Ready(key));
    }
    // The cycle is seen, though only a tenth of the edges are left.
    let [last, _sum] = run_all([last, waits]);
    assert_eq!(last, 1_000_005);
    assert_eq!((inner::stats().unshared, outer::stats().unshared), (0, 1));
}
