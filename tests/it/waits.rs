//! A wait that takes too long ends by relief: one waiter leads as well, and the first to finish
//! answers all.

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;

use crate::schedule::{impatiently, reliefs_within, together, End, Runs};

/// What came of a call; nothing where it panicked.
type Outcome = Option<Result<u32, String>>;

#[test]
fn of_seven_threads_behind_a_leader_that_hangs_one_runs_the_body_for_all() {
    const BOUND: Duration = Duration::from_millis(50);
    static RUNS: Runs = Runs::new();
    #[memo(wait = BOUND)]
    fn held(key: u32) -> u32 {
        match RUNS.count() {
            0 => RUNS.held().unwrap(),
            _ => RUNS.begin() as u32 + key,
        }
    }
    thread::scope(|scope| {
        let leader = scope.spawn(|| held(10));
        RUNS.wait_for(1);
        let start = Instant::now();
        let answers = together(7, |_| held(10));
        let reliefs = RUNS.count() - 1;
        // More than one only if that one was not let run for longer than two bounds.
        let most = reliefs_within(start.elapsed(), BOUND) as usize;
        assert!((1..=most).contains(&reliefs), "{reliefs} reliefs, at most {most}");
        assert!(answers.iter().all(|answer| (11..=10 + reliefs as u32).contains(answer)));
        // All this while the leader was held.
        assert!(!leader.is_finished());
        RUNS.end(0, End::Returns(1));
        assert_eq!(leader.join().unwrap(), 1);
        let stats = held::stats();
        assert_eq!((stats.unshared, stats.misses), (reliefs as u64, 1 + reliefs as u64));
        assert!(held::get(10) > Some(10), "what is stored stays");
    });
}

#[test]
fn a_bound_doubles_with_each_relief() {
    const BOUND: Duration = Duration::from_millis(40);
    /// A clock tick, by which a bound may be shorter than it is.
    const TICK: Duration = Duration::from_millis(10);
    static RUNS: Runs = Runs::new();
    static BEGAN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    #[memo(wait = BOUND)]
    fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        BEGAN.lock().unwrap().push(Instant::now());
        RUNS.held()
    }
    thread::scope(|scope| {
        let calls: Vec<_> = (0..6).map(|_| scope.spawn(|| held(1))).collect();
        RUNS.wait_for(4);
        let began = BEGAN.lock().unwrap().clone();
        for (reliefs, pair) in began.windows(2).take(3).enumerate() {
            let bound = BOUND * 2_u32.pow(reliefs as u32);
            let waited = pair[1] - pair[0];
            assert!(waited + TICK >= bound, "relieved {reliefs} times, then after {waited:?}");
        }
        RUNS.end(3, End::Returns(7));
        // Those who do not lead are answered; those who do are let on.
        while calls.iter().any(|call| !call.is_finished()) {
            (0..RUNS.count()).for_each(|run| RUNS.end(run, End::Returns(7)));
            thread::yield_now();
        }
        assert!(calls.into_iter().all(|call| call.join().unwrap() == Ok(7)));
    });
    assert_eq!(held::stats().unshared, RUNS.count() as u64 - 1);
}

/// What came of a leader's call, of the one that relieves it, and of those who wait.
struct Outcomes {
    leader: Outcome,
    relief: Outcome,
    waiters: Vec<Outcome>,
}

/// A leader is held in run 0, and who relieves it in run 1; the two end in that order, and nobody
/// else's patience does. Where the first of them has a result, those who wait have it before the
/// second ends.
fn relieved(
    call: impl Fn() -> Result<u32, String> + Sync,
    runs: &Runs,
    ends: [(usize, End); 2],
) -> Outcomes {
    let call = || catch_unwind(std::panic::AssertUnwindSafe(&call)).ok();
    thread::scope(|scope| {
        let leader = scope.spawn(call);
        runs.wait_for(1);
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        let relief = scope.spawn(|| impatiently(call));
        runs.wait_for(2);
        let [(first, end), (second, last)] = ends;
        runs.end(first, end);
        let join = || waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
        let waiters = if matches!(end, End::Returns(_)) {
            let waiters = join();
            runs.end(second, last);
            waiters
        } else {
            runs.end(second, last);
            join()
        };
        Outcomes { leader: leader.join().unwrap(), relief: relief.join().unwrap(), waiters }
    })
}

#[test]
fn of_a_leader_and_who_relieves_it_the_first_to_return_answers_all() {
    const ENDS: [[(usize, End); 2]; 6] = [
        [(1, End::Returns(2)), (0, End::Returns(1))],
        [(0, End::Returns(1)), (1, End::Returns(2))],
        [(1, End::Fails), (0, End::Returns(1))],
        [(1, End::Panics), (0, End::Returns(1))],
        [(0, End::Fails), (1, End::Returns(2))],
        [(0, End::Panics), (1, End::Returns(2))],
    ];
    static RUNS: [Runs; ENDS.len()] = [const { Runs::new() }; ENDS.len()];
    #[memo(wait = "1h")]
    fn held(case: usize) -> Result<u32, String> {
        RUNS[case].held()
    }
    for (case, ends) in ENDS.into_iter().enumerate() {
        let outcomes = relieved(|| held(case), &RUNS[case], ends);
        let own = |run: usize| {
            let (_, end) = ends[usize::from(ends[0].0 != run)];
            match end {
                End::Returns(value) => Some(Ok(value)),
                End::Fails => Some(Err("told to fail".to_owned())),
                End::Panics => None,
            }
        };
        // Whoever ran the body has what came of that.
        assert_eq!((outcomes.leader, outcomes.relief), (own(0), own(1)), "{ends:?}");
        let shared = match ends {
            [(_, End::Returns(value)), _] | [_, (_, End::Returns(value))] => Ok(value),
            _ => unreachable!("one of them returns"),
        };
        assert_eq!(outcomes.waiters, vec![Some(shared.clone()); 4], "{ends:?}");
        assert_eq!(held::get(case), Some(shared), "{ends:?}");
        assert_eq!(RUNS[case].count(), 2, "{ends:?}");
    }
    let stats = held::stats();
    assert_eq!((stats.unshared, stats.misses), (ENDS.len() as u64, 2 * ENDS.len() as u64));
}

#[test]
fn who_waits_for_two_that_fail_computes() {
    static RUNS: Runs = Runs::new();
    #[memo(wait = "1h")]
    fn held(key: u32) -> Result<u32, String> {
        if RUNS.count() < 2 {
            return RUNS.held();
        }
        RUNS.begin();
        Ok(key)
    }
    let outcomes = relieved(|| held(7), &RUNS, [(0, End::Fails), (1, End::Panics)]);
    assert!(outcomes.leader.is_some_and(|result| result.is_err()) && outcomes.relief.is_none());
    assert_eq!(outcomes.waiters, vec![Some(Ok(7)); 4]);
    // Each that waited for both; those who came later find what these stored.
    assert!((3..=6).contains(&RUNS.count()), "{}", RUNS.count());
}

#[test]
fn what_is_forgotten_while_two_compute_it_is_computed_once_more() {
    const WAYS: [fn(u32); 3] =
        [|_| held::clear(), |key| assert!(!held::remove(key)), |key| held::insert(key, Ok(9))];
    static RUNS: [Runs; WAYS.len()] = [const { Runs::new() }; WAYS.len()];
    #[memo(wait = "1h")]
    fn held(key: u32) -> Result<u32, String> {
        let runs = &RUNS[key as usize];
        match runs.count() {
            0 | 1 => runs.held(),
            run => {
                runs.begin();
                Ok(run as u32 + 1)
            }
        }
    }
    for (key, forget) in (0..).zip(WAYS) {
        let runs = &RUNS[key as usize];
        let after = if key == 2 { Ok(9) } else { Ok(3) };
        thread::scope(|scope| {
            let leader = scope.spawn(|| held(key));
            runs.wait_for(1);
            let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| held(key))).collect();
            let relief = scope.spawn(|| impatiently(|| held(key)));
            runs.wait_for(2);
            forget(key);
            // None of them waits for what was under way before.
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), after);
            }
            runs.end(0, End::Returns(1));
            runs.end(1, End::Returns(2));
            assert_eq!((leader.join().unwrap(), relief.join().unwrap()), (Ok(1), Ok(2)));
        });
        assert_eq!(held::get(key), Some(after));
    }
}
