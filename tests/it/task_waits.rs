//! Relief among tasks, which are polled by hand: so every schedule is exact.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::task::Poll;

use memo::memo;

use crate::schedule::{eventually, impatiently, End, Runs, Task};

type Call = Task<Result<u32, String>>;

/// Tasks of one call: a leader in run 0, one that relieves it in run 1, and three that wait.
struct Scene {
    leading: [Option<Call>; 2],
    waiters: [Call; 3],
}

impl Scene {
    fn set(runs: &Runs, call: impl Fn() -> Call) -> Self {
        let (mut leader, mut relief) = (call(), call());
        let mut waiters = [(); 3].map(|()| call());
        assert!(leader.poll().is_pending());
        for waiter in &mut waiters {
            assert!(waiter.poll().is_pending());
        }
        assert_eq!(runs.count(), 1);
        // It has its bound from the thread on which it begins to wait.
        assert!(impatiently(|| relief.poll()).is_pending());
        eventually(|| {
            assert!(relief.poll().is_pending());
            runs.count() == 2
        });
        Self { leading: [Some(leader), Some(relief)], waiters }
    }

    /// What comes of a leader's call that is polled; nothing where it panics.
    fn outcome(&mut self, number: usize) -> Option<Result<u32, String>> {
        let mut leader = self.leading[number].take().unwrap();
        assert!(leader.is_woken());
        let polled = catch_unwind(AssertUnwindSafe(|| leader.poll())).ok()?;
        assert!(polled.is_ready(), "leader {number} has not ended");
        match polled {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    #[track_caller]
    fn assert_waiters_wait_on(&mut self) {
        for waiter in &mut self.waiters {
            assert!(waiter.poll().is_pending());
        }
    }

    #[track_caller]
    fn assert_waiters_have(&mut self, value: u32) {
        for waiter in &mut self.waiters {
            assert!(waiter.is_woken());
            assert_eq!(waiter.poll(), Poll::Ready(Ok(value)));
        }
    }
}

#[test]
fn the_first_of_two_tasks_to_return_answers_those_who_wait() {
    static RUNS: [Runs; 2] = [const { Runs::new() }; 2];
    #[memo(wait = "1h")]
    async fn held(first: usize) -> Result<u32, String> {
        RUNS[first].awaited().await
    }
    for first in [0, 1] {
        let second = 1 - first;
        let runs = &RUNS[first];
        let mut scene = Scene::set(runs, || Task::new(held(first)));
        runs.end(first, End::Returns(7));
        assert_eq!(scene.outcome(first), Some(Ok(7)));
        scene.assert_waiters_have(7);
        // The other has its own, and does not replace what is stored.
        runs.end(second, End::Returns(8));
        assert_eq!(scene.outcome(second), Some(Ok(8)));
        assert_eq!((held::get(first), runs.count()), (Some(Ok(7)), 2));
    }
    let stats = held::stats();
    assert_eq!((stats.misses, stats.hits, stats.unshared), (4, 6, 2));
}

#[test]
fn who_waits_goes_on_when_one_of_two_tasks_fails() {
    const CASES: [(usize, Option<End>); 6] = [
        (0, Some(End::Fails)),
        (1, Some(End::Fails)),
        (0, Some(End::Panics)),
        (1, Some(End::Panics)),
        // Dropped.
        (0, None),
        (1, None),
    ];
    static RUNS: [Runs; CASES.len()] = [const { Runs::new() }; CASES.len()];
    #[memo(wait = "1h")]
    async fn held(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, (first, end)) in CASES.into_iter().enumerate() {
        let second = 1 - first;
        let runs = &RUNS[case];
        let mut scene = Scene::set(runs, || Task::new(held(case)));
        match end {
            Some(end) => {
                runs.end(first, end);
                assert!(scene.outcome(first).is_none_or(|outcome| outcome.is_err()));
            }
            None => scene.leading[first] = None,
        }
        scene.assert_waiters_wait_on();
        runs.end(second, End::Returns(7));
        assert_eq!(scene.outcome(second), Some(Ok(7)));
        scene.assert_waiters_have(7);
        assert_eq!((held::get(case), runs.count()), (Some(Ok(7)), 2));
    }
}

#[test]
fn who_waits_for_two_tasks_that_fail_computes_and_for_two_that_are_dropped_inherits() {
    static RUNS: [Runs; 2] = [const { Runs::new() }; 2];
    #[memo(wait = "1h")]
    async fn held(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    let mut failing = Scene::set(&RUNS[0], || Task::new(held(0)));
    for leader in [1, 0] {
        RUNS[0].end(leader, End::Fails);
        assert_eq!(failing.outcome(leader), Some(Err("told to fail".into())));
    }
    for (run, waiter) in (2..).zip(&mut failing.waiters) {
        assert!(waiter.is_woken() && waiter.poll().is_pending());
        assert_eq!(RUNS[0].count(), run + 1);
    }
    assert_eq!(held::stats().unshared, 1 + 3);

    let mut dropped = Scene::set(&RUNS[1], || Task::new(held(1)));
    dropped.leading = [None, None];
    let [heir, others @ ..] = &mut dropped.waiters;
    assert!(heir.is_woken() && heir.poll().is_pending());
    assert_eq!(RUNS[1].count(), 3);
    RUNS[1].end(2, End::Returns(5));
    assert_eq!(heir.poll(), Poll::Ready(Ok(5)));
    for other in others {
        assert_eq!(other.poll(), Poll::Ready(Ok(5)));
    }
    // To inherit is no relief.
    assert_eq!(held::stats().unshared, 1 + 3 + 1);
}

#[test]
fn what_is_forgotten_after_one_of_two_leaders_returned_is_not_brought_back_by_the_other() {
    const WAYS: [fn(usize); 3] =
        [|key| assert!(held::remove(key)), |_| held::clear(), |key| held::insert(key, Ok(9))];
    static RUNS: [Runs; 2 * WAYS.len()] = [const { Runs::new() }; 2 * WAYS.len()];
    #[memo(wait = "1h")]
    async fn held(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, runs) in RUNS.iter().enumerate() {
        let (first, forget) = (case % 2, WAYS[case / 2]);
        let second = 1 - first;
        let mut scene = Scene::set(runs, || Task::new(held(case)));
        runs.end(first, End::Returns(7));
        assert_eq!(scene.outcome(first), Some(Ok(7)));
        scene.assert_waiters_have(7);
        // Nobody waits any more, and one of them computes still.
        forget(case);
        let after = held::get(case);
        runs.end(second, End::Returns(8));
        assert_eq!(scene.outcome(second), Some(Ok(8)));
        assert_eq!(held::get(case), after, "{case}");
        assert_ne!(after, Some(Ok(7)));
    }
}

#[test]
fn a_result_that_is_not_taken_yet_can_be_forgotten_though_another_leader_fails_after_it() {
    const LOSSES: [Option<End>; 3] = [Some(End::Fails), Some(End::Panics), None];
    static RUNS: [Runs; LOSSES.len()] = [const { Runs::new() }; LOSSES.len()];
    #[memo(wait = "1h")]
    async fn held(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, loss) in LOSSES.into_iter().enumerate() {
        let runs = &RUNS[case];
        let mut scene = Scene::set(runs, || Task::new(held(case)));
        runs.end(1, End::Returns(7));
        assert_eq!(scene.outcome(1), Some(Ok(7)));
        if let Some(end) = loss {
            runs.end(0, end);
            let _ = scene.outcome(0);
        }
        scene.leading = [None, None];
        assert!(held::remove(case));
        // They were woken for it, and have not looked yet.
        let [first, others @ ..] = &mut scene.waiters;
        assert!(first.poll().is_pending());
        runs.end(2, End::Returns(8));
        assert_eq!(first.poll(), Poll::Ready(Ok(8)));
        for other in others {
            assert_eq!(other.poll(), Poll::Ready(Ok(8)));
        }
    }
}

#[test]
fn a_leader_that_waits_for_something_else_is_relieved_by_nobody_before_the_bound() {
    static RUNS: Runs = Runs::new();
    #[memo(wait = "1h")]
    async fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let mut leader = Task::new(held(1));
    let mut waiters = [(); 3].map(|()| Task::new(held(1)));
    assert!(leader.poll().is_pending());
    // Long enough for a leader that is stalled to be noticed several times.
    let start = std::time::Instant::now();
    while start.elapsed().as_millis() < 300 {
        assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
        assert!(!leader.is_woken());
        std::thread::yield_now();
    }
    assert_eq!(RUNS.count(), 1);
    RUNS.end(0, End::Returns(3));
    assert_eq!(leader.poll(), Poll::Ready(Ok(3)));
    for waiter in &mut waiters {
        assert_eq!(waiter.poll(), Poll::Ready(Ok(3)));
    }
    assert_eq!(held::stats().unshared, 0);
}

#[test]
fn a_dropped_leader_is_followed_by_whoever_is_polled_first() {
    static RUNS: Runs = Runs::new();

    #[memo]
    async fn slow(x: u32) -> Result<u32, String> {
        RUNS.awaited().await.map(|value| x + value)
    }

    let [mut leader, mut first, mut second] = [(); 3].map(|()| Task::new(slow(1)));
    for task in [&mut leader, &mut first, &mut second] {
        assert!(task.poll().is_pending());
    }
    drop(leader);
    // The first is polled by nobody.
    assert!(first.is_woken() && second.is_woken());
    assert!(second.poll().is_pending());
    RUNS.end(1, End::Returns(1));
    assert_eq!(second.poll(), Poll::Ready(Ok(2)));
    assert_eq!(first.poll(), Poll::Ready(Ok(2)));
}
