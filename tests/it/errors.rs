//! `share_err`: who waits for a computation that fails is told of its error.

use std::panic::{catch_unwind, panic_any, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use memo::{memo, singleton};

use crate::schedule::{eventually, impatiently, together, End, Runs, Task};

type Call<T, E = String> = Task<Result<T, E>>;

/// One that leads, in the first run, and so many that wait for it.
fn waiting<T, E>(runs: &Runs, count: usize, call: impl Fn() -> Call<T, E>) -> Vec<Call<T, E>> {
    let mut calls: Vec<_> = (0..=count).map(|_| call()).collect();
    for call in &mut calls {
        assert!(call.poll().is_pending());
    }
    assert_eq!(runs.count(), 1);
    calls
}

#[test]
fn sixty_three_tasks_behind_one_that_fails_have_its_error_and_nobody_computes_again() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    async fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let mut calls = waiting(&RUNS, 63, || Task::new(fetch(1)));
    RUNS.end(0, End::Fails);
    for call in &mut calls {
        assert!(call.is_woken());
        assert_eq!(call.poll(), Poll::Ready(Err("told to fail".to_owned())));
    }
    let stats = fetch::stats();
    assert_eq!((RUNS.count(), stats.misses, stats.hits), (1, 1, 63));
    assert_eq!((stats.unshared, stats.entries), (0, 0));
    // Nothing of it stays: the next call asks again.
    let mut next = Task::new(fetch(1));
    assert!(next.poll().is_pending());
    RUNS.end(1, End::Returns(7));
    assert_eq!(next.poll(), Poll::Ready(Ok(7)));
}

#[test]
fn sixty_four_threads_of_a_failing_backend_call_it_never_unshared() {
    #[memo(share_err)]
    fn fetch(round: usize) -> Result<u32, String> {
        Err(format!("{round}: down"))
    }
    for round in 0..20 {
        let answers = together(64, |_| fetch(round));
        assert!(answers.iter().all(|answer| *answer == Err(format!("{round}: down"))));
    }
    let stats = fetch::stats();
    assert_eq!((stats.misses + stats.hits, stats.unshared, stats.entries), (20 * 64, 0, 0));
}

#[test]
fn without_the_option_who_waits_computes_for_itself() {
    static RUNS: Runs = Runs::new();
    #[memo]
    async fn fetch(key: u32) -> Result<u32, String> {
        match RUNS.count() {
            0 => RUNS.awaited().await,
            _ => Ok(RUNS.begin() as u32 + key),
        }
    }
    let mut calls = waiting(&RUNS, 3, || Task::new(fetch(1)));
    RUNS.end(0, End::Fails);
    let answers: Vec<_> = calls.iter_mut().map(Task::poll).collect();
    assert_eq!(answers[0], Poll::Ready(Err("told to fail".to_owned())));
    assert!(answers[1..].iter().all(|answer| matches!(answer, Poll::Ready(Ok(_)))));
    assert!(fetch::stats().unshared > 0);
}

#[test]
fn of_two_that_compute_the_last_tells_its_error() {
    static RUNS: [Runs; 2] = [const { Runs::new() }; 2];
    #[memo(share_err, wait = "1h")]
    async fn fetch(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, end) in [End::Returns(7), End::Fails].into_iter().enumerate() {
        let runs = &RUNS[case];
        let mut calls = waiting(runs, 3, || Task::new(fetch(case)));
        let mut relief = Task::new(fetch(case));
        assert!(impatiently(|| relief.poll()).is_pending());
        eventually(|| {
            assert!(relief.poll().is_pending());
            runs.count() == 2
        });
        runs.end(0, End::Fails);
        assert!(matches!(calls[0].poll(), Poll::Ready(Err(_))));
        for waiter in &mut calls[1..] {
            assert!(waiter.poll().is_pending(), "the other may do better");
        }
        runs.end(1, end);
        let expected = relief.poll();
        for waiter in &mut calls[1..] {
            assert_eq!(waiter.poll(), expected);
        }
        assert_eq!(runs.count(), 2);
    }
}

#[test]
fn what_is_stored_stays_where_a_refresh_fails() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    fn fetch(key: u32) -> Result<u32, String> {
        match RUNS.begin() {
            0 => Ok(key),
            _ => Err("down".into()),
        }
    }
    assert_eq!(fetch(5), Ok(5));
    assert_eq!(fetch::refresh(5), Err("down".into()));
    assert_eq!((fetch(5), fetch::get(5), RUNS.count()), (Ok(5), Some(Ok(5)), 2));
}

#[test]
fn a_panic_is_nobodys_error_and_who_waits_computes() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    async fn fetch(key: u32) -> Result<u32, String> {
        match RUNS.count() {
            0 => RUNS.awaited().await,
            _ => Ok(RUNS.begin() as u32 + key),
        }
    }
    let mut calls = waiting(&RUNS, 1, || Task::new(fetch(1)));
    RUNS.end(0, End::Panics);
    assert!(catch_unwind(AssertUnwindSafe(|| calls[0].poll())).is_err());
    assert_eq!(calls[1].poll(), Poll::Ready(Ok(2)));
}

#[test]
fn what_is_cleared_meanwhile_is_asked_again() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    async fn fetch(key: u32) -> Result<u32, String> {
        match RUNS.count() {
            0 => RUNS.awaited().await,
            _ => Ok(RUNS.begin() as u32 + key),
        }
    }
    let mut calls = waiting(&RUNS, 1, || Task::new(fetch(1)));
    fetch::clear();
    assert_eq!(calls[1].poll(), Poll::Ready(Ok(2)));
    RUNS.end(0, End::Fails);
    assert!(matches!(calls[0].poll(), Poll::Ready(Err(_))));
    assert_eq!(fetch::get(1), Some(Ok(2)));
}

/// An error whose `Clone` does what the test says.
#[derive(Debug)]
struct Odd(fn());

impl Clone for Odd {
    fn clone(&self) -> Self {
        (self.0)();
        Self(self.0)
    }
}

#[test]
fn a_clone_of_an_error_that_panics_is_counted_and_who_waits_computes() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    async fn fetch(key: u32) -> Result<u32, Odd> {
        let _ = key;
        match RUNS.count() {
            0 => RUNS.awaited().await.map_err(|_| Odd(|| panic_any("no clone"))),
            _ => Ok(RUNS.begin() as u32),
        }
    }
    let mut calls = waiting(&RUNS, 1, || Task::new(fetch(1)));
    RUNS.end(0, End::Fails);
    // The caller that computed has its own.
    assert!(matches!(calls[0].poll(), Poll::Ready(Err(Odd(_)))));
    assert!(matches!(calls[1].poll(), Poll::Ready(Ok(1))));
    assert_eq!(fetch::stats().uncacheable, 1);
}

#[test]
fn a_clone_of_an_error_may_call_and_clear_the_function() {
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    fn meddle() {
        CLONES.fetch_add(1, SeqCst);
        let _ = fetch(2);
        fetch::clear();
    }
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    fn fetch(key: u32) -> Result<u32, Odd> {
        if key == 2 {
            return Ok(2);
        }
        match RUNS.count() {
            0 => RUNS.held().map_err(|_| Odd(meddle)),
            _ => Ok(RUNS.begin() as u32),
        }
    }
    thread::scope(|scope| {
        let leader = scope.spawn(|| fetch(1));
        RUNS.wait_for(1);
        let waiter = scope.spawn(|| fetch(1));
        RUNS.end(0, End::Fails);
        assert!(leader.join().unwrap().is_err());
        // Told of it, or forgotten by the clone that was made for it.
        let _ = waiter.join().unwrap();
    });
    assert!(CLONES.load(SeqCst) >= 1);
}

#[test]
fn every_shape_shares_its_errors() {
    type Outcome<T> = Result<T, Arc<str>>;
    #[memo(share_err)]
    fn generic<T: serde::Serialize, const N: usize>(value: T) -> Outcome<Vec<u8>> {
        let _ = value;
        Err(N.to_string().into())
    }
    struct Api;
    impl Api {
        #[memo(share_err, skip(self))]
        fn of(&self, key: &str) -> Outcome<String> {
            Err(key.into())
        }
    }
    #[memo(share_err, clone)]
    fn kept(key: u32) -> Outcome<&'static str> {
        let _ = key;
        Err("kept".into())
    }
    #[memo(share_err, cache_if = |result| matches!(result, Ok(0)))]
    fn chosen(key: u32) -> Outcome<u32> {
        if key < 2 {
            Ok(key)
        } else {
            Err("chosen".into())
        }
    }
    assert_eq!(generic::<u8, 4>(1), Err("4".into()));
    assert_eq!(Api.of("method"), Err("method".into()));
    assert_eq!(kept(1), Err("kept".into()));
    assert_eq!((chosen(0), chosen(1), chosen(2)), (Ok(0), Ok(1), Err("chosen".into())));
    assert_eq!((chosen::contains(0), chosen::contains(1)), (true, false));
}

#[test]
fn a_singleton_shares_its_errors_too() {
    static RUNS: Runs = Runs::new();
    #[singleton(share_err)]
    async fn pool(url: &'static str) -> Result<String, String> {
        RUNS.awaited().await.map(|_| url.to_owned())
    }
    let mut calls = waiting(&RUNS, 5, || Task::new(pool("db")));
    RUNS.end(0, End::Fails);
    for call in &mut calls {
        assert_eq!(call.poll(), Poll::Ready(Err("told to fail".to_owned())));
    }
    let mut next = waiting_again(&RUNS, || Task::new(pool("db")));
    RUNS.end(1, End::Returns(0));
    assert_eq!(next.poll(), Poll::Ready(Ok(Arc::new("db".to_owned()))));
    assert_eq!(pool::stats().entries, 1);
}

fn waiting_again<T>(runs: &Runs, call: impl Fn() -> Call<T>) -> Call<T> {
    let mut call = call();
    assert!(call.poll().is_pending());
    assert_eq!(runs.count(), 2);
    call
}
