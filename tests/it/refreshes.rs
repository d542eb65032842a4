//! What `refresh` returned from is served until something newer is; one that does not return
//! changes nothing.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use memo::{memo, singleton};

use crate::schedule::{eventually, End, Runs, Task};

const HOUR: Duration = Duration::from_secs(3600);

/// A change of a key, and what is stored after it.
type Way = (fn(usize), Option<Result<u32, String>>);

/// A function whose first run is over at once, with the result 0, and whose others are held.
macro_rules! held {
    ($runs:ident, $function:ident) => {
        static $runs: Runs = Runs::new();
        #[memo]
        fn $function(key: u32) -> Result<u32, String> {
            if $runs.count() == 0 {
                return Ok($runs.begin() as u32 + key - key);
            }
            $runs.held()
        }
    };
}

#[test]
fn of_two_refreshes_that_overlap_each_that_returns_is_served() {
    held!(RUNS, held);
    assert_eq!(held(1), Ok(0));
    thread::scope(|scope| {
        let first = scope.spawn(|| held::refresh(1));
        RUNS.wait_for(2);
        let second = scope.spawn(|| held::refresh(1));
        RUNS.wait_for(3);
        assert_eq!(held(1), Ok(0));
        RUNS.end(1, End::Returns(1));
        assert_eq!(first.join().unwrap(), Ok(1));
        assert_eq!(held(1), Ok(1));
        RUNS.end(2, End::Returns(2));
        assert_eq!(second.join().unwrap(), Ok(2));
        assert_eq!(held(1), Ok(2));
    });
}

#[test]
fn a_refresh_that_began_earlier_and_returns_later_is_not_served() {
    held!(RUNS, held);
    assert_eq!(held(1), Ok(0));
    thread::scope(|scope| {
        let first = scope.spawn(|| held::refresh(1));
        RUNS.wait_for(2);
        let second = scope.spawn(|| held::refresh(1));
        RUNS.wait_for(3);
        RUNS.end(2, End::Returns(2));
        assert_eq!(second.join().unwrap(), Ok(2));
        RUNS.end(1, End::Returns(1));
        assert_eq!(first.join().unwrap(), Ok(1));
        assert_eq!(held(1), Ok(2));
    });
}

#[test]
fn a_refresh_that_fails_or_panics_leaves_what_another_returned_from() {
    const ENDS: [End; 2] = [End::Fails, End::Panics];
    static RUNS: [Runs; ENDS.len()] = [const { Runs::new() }; ENDS.len()];
    #[memo]
    fn held(case: usize) -> Result<u32, String> {
        RUNS[case].held()
    }
    for (case, end) in ENDS.into_iter().enumerate() {
        held::insert(case, Ok(0));
        thread::scope(|scope| {
            let first = scope.spawn(move || held::refresh(case));
            RUNS[case].wait_for(1);
            let second = scope.spawn(move || catch_unwind(|| held::refresh(case)));
            RUNS[case].wait_for(2);
            RUNS[case].end(0, End::Returns(1));
            assert_eq!(first.join().unwrap(), Ok(1));
            assert_eq!(held::get(case), Some(Ok(1)));
            RUNS[case].end(1, end);
            assert!(!matches!(second.join().unwrap(), Ok(Ok(_))));
            assert_eq!(held(case), Ok(1));
        });
    }
}

#[test]
fn a_refresh_that_fails_leaves_what_was_there() {
    held!(RUNS, held);
    assert_eq!(held(1), Ok(0));
    for (run, end) in [(1, End::Fails), (2, End::Panics)] {
        thread::scope(|scope| {
            let refresh = scope.spawn(|| catch_unwind(|| held::refresh(1)));
            RUNS.wait_for(run + 1);
            RUNS.end(run, end);
            let _ = refresh.join().unwrap();
        });
        assert_eq!(held(1), Ok(0));
    }
}

#[test]
fn what_is_inserted_removed_or_cleared_during_refreshes_wins() {
    const WAYS: [Way; 3] = [
        (|case| held::insert(case, Ok(9)), Some(Ok(9))),
        (|case| assert!(held::remove(case)), None),
        (|_| held::clear(), None),
    ];
    static RUNS: [Runs; WAYS.len()] = [const { Runs::new() }; WAYS.len()];
    #[memo]
    fn held(case: usize) -> Result<u32, String> {
        RUNS[case].held()
    }
    for (case, (change, after)) in WAYS.into_iter().enumerate() {
        held::insert(case, Ok(0));
        thread::scope(|scope| {
            assert_eq!(held(case), Ok(0));
            let first = scope.spawn(move || held::refresh(case));
            RUNS[case].wait_for(1);
            let second = scope.spawn(move || held::refresh(case));
            RUNS[case].wait_for(2);
            change(case);
            for (run, refresh) in [(1, second), (0, first)] {
                RUNS[case].end(run, End::Returns(5));
                assert_eq!(refresh.join().unwrap(), Ok(5));
                assert_eq!(held::get(case), after);
            }
        });
    }
}

#[test]
fn a_call_that_began_before_a_refresh_and_ends_after_it_is_not_stored() {
    static RUNS: [Runs; 3] = [const { Runs::new() }; 3];
    #[memo]
    fn held(key: usize) -> Result<u32, String> {
        RUNS[key].held()
    }
    // The refresh returns first; second; not at all.
    let orders = [([1, 0], Ok(1)), ([0, 1], Ok(1)), ([1, 0], Err(0))];
    for (key, (order, after)) in orders.into_iter().enumerate() {
        thread::scope(|scope| {
            let call = scope.spawn(move || held(key));
            RUNS[key].wait_for(1);
            let refresh = scope.spawn(move || held::refresh(key));
            RUNS[key].wait_for(2);
            let mut running = [Some(call), Some(refresh)];
            for run in order {
                let fails = run == 1 && after.is_err();
                RUNS[key].end(run, if fails { End::Fails } else { End::Returns(run as u32) });
                let _ = running[run].take().unwrap().join().unwrap();
            }
        });
        assert_eq!(held::get(key), Some(Ok(after.unwrap_or_else(|value| value))), "{key}");
    }
}

#[test]
fn a_call_that_began_before_a_refresh_is_not_stored_though_the_refreshs_result_is_not_either() {
    static RUNS: Runs = Runs::new();
    #[memo(wait = "1h", cache_if = |result| result.as_ref().is_ok_and(|value| *value < 10))]
    async fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let [mut call, mut waiter] = [(); 2].map(|()| Task::new(held(1)));
    assert!(call.poll().is_pending() && waiter.poll().is_pending());
    let mut refresh = Task::new(held::refresh(1));
    assert!(refresh.poll().is_pending());
    RUNS.end(1, End::Returns(11));
    assert_eq!(refresh.poll(), Poll::Ready(Ok(11)));
    // Who waits for what began before asks again.
    assert!(waiter.is_woken() && waiter.poll().is_pending());
    RUNS.end(0, End::Returns(1));
    assert_eq!((call.poll(), held::get(1)), (Poll::Ready(Ok(1)), None));
    RUNS.end(2, End::Returns(2));
    assert_eq!((waiter.poll(), held::get(1)), (Poll::Ready(Ok(2)), Some(Ok(2))));
}

#[test]
fn a_refresh_of_what_is_not_there_is_shared_as_any_computation() {
    static RUNS: [Runs; 3] = [const { Runs::new() }; 3];
    #[memo]
    async fn held(key: usize) -> Result<u32, String> {
        RUNS[key].awaited().await
    }
    let begin = |key| {
        let mut refresh = Task::new(held::refresh(key));
        let mut call = Task::new(held(key));
        assert!(refresh.poll().is_pending() && call.poll().is_pending());
        assert_eq!(RUNS[key].count(), 1);
        (refresh, call)
    };
    let (mut refresh, mut call) = begin(0);
    RUNS[0].end(0, End::Returns(4));
    assert_eq!((refresh.poll(), call.poll()), (Poll::Ready(Ok(4)), Poll::Ready(Ok(4))));

    let (mut refresh, mut call) = begin(1);
    RUNS[1].end(0, End::Fails);
    assert!(matches!(refresh.poll(), Poll::Ready(Err(_))));
    assert!(call.poll().is_pending());
    assert_eq!((RUNS[1].count(), held::stats().unshared), (2, 1));

    let (refresh, mut call) = begin(2);
    drop(refresh);
    assert!(call.is_woken() && call.poll().is_pending());
    RUNS[2].end(1, End::Returns(6));
    assert_eq!((call.poll(), held::get(2)), (Poll::Ready(Ok(6)), Some(Ok(6))));
}

/// How a task's run comes to nothing.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Fails,
    Panics,
    IsDropped,
}

const LOSSES: [Loss; 3] = [Loss::Fails, Loss::Panics, Loss::IsDropped];

impl Loss {
    fn happens<T>(self, runs: &Runs, run: usize, mut task: Task<Result<T, String>>) {
        match self {
            Self::Fails => runs.end(run, End::Fails),
            Self::Panics => runs.end(run, End::Panics),
            Self::IsDropped => return,
        }
        let polled = catch_unwind(AssertUnwindSafe(|| task.poll()));
        assert!(!matches!(polled, Ok(Poll::Pending | Poll::Ready(Ok(_)))));
    }
}

#[test]
fn of_two_refreshing_tasks_the_one_that_is_lost_leaves_what_the_other_returned_from() {
    static RUNS: [Runs; 2 * LOSSES.len()] = [const { Runs::new() }; 2 * LOSSES.len()];
    #[memo]
    async fn held(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, runs) in RUNS.iter().enumerate() {
        let (lost, loss) = (case % 2, LOSSES[case / 2]);
        held::insert(case, Ok(0));
        let mut refreshes = [(); 2].map(|()| Some(Task::new(held::refresh(case))));
        for refresh in refreshes.iter_mut().flatten() {
            assert!(refresh.poll().is_pending());
        }
        assert_eq!(runs.count(), 2);
        let kept = 1 - lost;
        runs.end(kept, End::Returns(7));
        assert_eq!(refreshes[kept].take().unwrap().poll(), Poll::Ready(Ok(7)));
        assert_eq!(Task::new(held(case)).poll(), Poll::Ready(Ok(7)));
        assert_eq!(held::get(case), Some(Ok(7)), "{loss:?} {lost}");
        loss.happens(runs, lost, refreshes[lost].take().unwrap());
        assert_eq!(held::get(case), Some(Ok(7)), "{loss:?} {lost}");
    }
}

#[test]
fn a_resource_that_a_refresh_returned_is_served_until_a_later_one_is() {
    static RUNS: [Runs; LOSSES.len() + 2] = [const { Runs::new() }; LOSSES.len() + 2];
    #[singleton]
    async fn made(case: usize) -> Result<u32, String> {
        match RUNS[case].count() {
            0 => Ok(RUNS[case].begin() as u32),
            _ => RUNS[case].awaited().await,
        }
    }
    let begin = |case| {
        let _old = Task::new(made(case)).poll();
        let mut refreshes = [(); 2].map(|()| Task::new(made::refresh(case)));
        for refresh in &mut refreshes {
            assert!(refresh.poll().is_pending());
        }
        refreshes
    };
    let return_with = |case: usize, run: usize, refresh: &mut Task<Result<Arc<u32>, String>>| {
        RUNS[case].end(run, End::Returns(run as u32));
        assert_eq!(refresh.poll(), Poll::Ready(Ok(Arc::new(run as u32))));
    };
    for (case, loss) in LOSSES.into_iter().enumerate() {
        let [mut first, second] = begin(case);
        return_with(case, 1, &mut first);
        loss.happens(&RUNS[case], 2, second);
        assert_eq!(made::get(case), Some(Arc::new(1)), "{loss:?}");
    }
    let case = LOSSES.len();
    let [mut first, mut second] = begin(case);
    return_with(case, 1, &mut first);
    assert_eq!(made::get(case), Some(Arc::new(1)));
    return_with(case, 2, &mut second);
    assert_eq!(made::get(case), Some(Arc::new(2)));

    // The one that began earlier has what is newer, as all have.
    let case = LOSSES.len() + 1;
    let [mut first, mut second] = begin(case);
    return_with(case, 2, &mut second);
    RUNS[case].end(1, End::Returns(1));
    assert_eq!(first.poll(), Poll::Ready(Ok(Arc::new(2))));
    assert_eq!(made::get(case), Some(Arc::new(2)));
}

#[test]
fn a_refresh_behind_a_call_is_one_among_others() {
    static RUNS: [Runs; 3] = [const { Runs::new() }; 3];
    #[memo(ttl = "1h", refresh = "background")]
    fn held(case: usize) -> Result<u32, String> {
        match RUNS[case].count() {
            0 => Ok(RUNS[case].begin() as u32),
            // While this is under way, the result is found to be old.
            1 if case > 0 => {
                let run = RUNS[case].begin();
                memo::advance(HOUR);
                assert_eq!(held(case), Ok(0));
                RUNS[case].told(run)
            }
            _ => RUNS[case].held(),
        }
    }
    // Once the result is old, a call has it refreshed behind itself.
    let stale = |case: usize, runs: usize| {
        memo::advance(HOUR);
        assert!(held(case).is_ok());
        RUNS[case].wait_for(runs);
    };
    // A refresh on this thread, while another says how it goes on.
    let refresh = |case: usize, run: usize| {
        thread::scope(|scope| {
            scope.spawn(move || {
                RUNS[case].wait_for(3);
                RUNS[case].end(run, End::Returns(7));
            });
            assert_eq!(held::refresh(case), Ok(7));
        });
        assert_eq!(held::get(case), Some(Ok(7)));
    };
    memo::isolated(|| {
        // The one behind began first.
        assert_eq!(held(0), Ok(0));
        stale(0, 2);
        refresh(0, 2);
        RUNS[0].end(1, End::Returns(5));
        // Another one behind, after it.
        stale(0, 4);
        assert_eq!(held(0), Ok(7));
        RUNS[0].end(3, End::Returns(8));
        eventually(|| held::get(0) == Some(Ok(8)));
    });
    // It began second, and fails, or panics.
    for (case, end) in [(1, End::Fails), (2, End::Panics)] {
        memo::isolated(|| {
            assert_eq!(held(case), Ok(0));
            refresh(case, 1);
            RUNS[case].end(2, end);
            // As long as it may be: the next one behind finds it, too.
            stale(case, 4);
            assert_eq!(held(case), Ok(7));
            RUNS[case].end(3, End::Returns(8));
            eventually(|| held::get(case) == Some(Ok(8)));
        });
    }
}

#[test]
fn a_refresh_behind_a_call_that_comes_to_nothing_is_made_again_by_the_next() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = "1h", refresh = "background")]
    fn held(x: u32) -> Result<u32, String> {
        let _ = x;
        RUNS.held()
    }
    memo::isolated(|| {
        held::insert(1, Ok(0));
        memo::advance(HOUR);
        for (run, end) in [End::Fails, End::Panics, End::Returns(7)].into_iter().enumerate() {
            // Once the refresh before has ended.
            eventually(|| {
                assert_eq!(held(1), Ok(0));
                RUNS.count() == run + 1
            });
            RUNS.end(run, end);
        }
        eventually(|| held(1) == Ok(7));
        assert_eq!(RUNS.count(), 3);
    });
}

#[test]
fn a_refresh_whose_argument_panics_when_it_is_cloned_costs_no_hit() {
    static PANICS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    #[derive(serde::Serialize)]
    struct Fragile(u64);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert_eq!(PANICS.load(std::sync::atomic::Ordering::SeqCst), 0, "it is fragile");
            Self(self.0)
        }
    }
    #[memo(ttl = "1m", refresh = "background")]
    fn kept(of: Fragile) -> u64 {
        of.0
    }
    memo::isolated(|| {
        assert_eq!(kept(Fragile(1)), 1);
        memo::advance(std::time::Duration::from_secs(70));
        PANICS.store(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!((kept(Fragile(1)), kept(Fragile(1))), (1, 1));
    });
}
