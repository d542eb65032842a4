//! `stale_if_error`: an old result answers where the body fails.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use memo::memo;

use crate::schedule::{block_on, eventually, End, Runs, Task};

const MINUTE: Duration = Duration::from_secs(60);

/// A backend that is up or down; each answer is another one.
struct Backend {
    is_down: AtomicBool,
    calls: AtomicU32,
}

impl Backend {
    const fn new() -> Self {
        Self { is_down: AtomicBool::new(false), calls: AtomicU32::new(0) }
    }

    fn ask(&self) -> Result<u32, String> {
        let call = self.calls.fetch_add(1, SeqCst);
        if self.is_down.load(SeqCst) {
            Err(format!("{call}: down"))
        } else {
            Ok(call)
        }
    }

    fn goes_down(&self) {
        self.is_down.store(true, SeqCst);
    }
}

#[test]
fn an_old_result_answers_for_as_long_as_was_said_and_each_answer_is_counted() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", stale_if_error = "10m")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    memo::isolated(|| {
        assert_eq!(fetch(1), Ok(0));
        BACKEND.goes_down();
        memo::advance(MINUTE);
        // It has expired for all but this.
        assert_eq!((fetch::get(1), fetch::contains(1)), (None, false));
        assert_eq!((fetch::stats().entries, fetch::stats().expirations), (1, 0));
        for call in 0..3 {
            assert_eq!(fetch(1), Ok(0));
            // The body is asked each time.
            assert_eq!(BACKEND.calls.load(SeqCst), 2 + call);
        }
        memo::advance(9 * MINUTE);
        assert_eq!(fetch(1), Ok(0));
        let stats = fetch::stats();
        assert_eq!((stats.stale, stats.misses, stats.hits, stats.entries), (4, 5, 0, 1));
        memo::advance(MINUTE);
        assert!(fetch(1).is_err());
        let stats = fetch::stats();
        assert_eq!((stats.stale, stats.misses, stats.entries, stats.expirations), (4, 6, 0, 1));
        // Another call has no old result.
        assert!(fetch(2).is_err());
    });
}

#[test]
fn an_old_result_answers_by_the_clock_of_the_process() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "50ms", stale_if_error = "1h")]
    fn fetch() -> Result<u32, String> {
        BACKEND.ask()
    }
    assert_eq!(fetch(), Ok(0));
    BACKEND.goes_down();
    eventually(|| {
        assert_eq!(fetch(), Ok(0));
        fetch::stats().stale > 0
    });
}

#[test]
fn a_body_that_does_not_fail_replaces_the_old_result() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", stale_if_error = "1d")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    memo::isolated(|| {
        assert_eq!(fetch(1), Ok(0));
        memo::advance(2 * MINUTE);
        assert_eq!((fetch(1), fetch(1)), (Ok(1), Ok(1)));
        assert_eq!((fetch::stats().stale, fetch::stats().entries), (0, 1));
    });
}

#[test]
fn what_is_forgotten_answers_no_more() {
    type Forget = fn();
    const WAYS: [Forget; 4] = [
        || assert!(!fetch::remove(1), "it has expired"),
        || fetch::clear(),
        memo::clear_all,
        || assert_eq!(fetch::retain(|_| false), 1),
    ];
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", stale_if_error = "1d")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    for forget in WAYS {
        memo::isolated(|| {
            BACKEND.is_down.store(false, SeqCst);
            assert!(fetch(1).is_ok());
            BACKEND.goes_down();
            memo::advance(MINUTE);
            assert!(fetch(1).is_ok());
            forget();
            assert_eq!(fetch::stats().entries, 0);
            assert!(fetch(1).is_err());
        });
    }
}

#[test]
fn a_refresh_returns_its_own_error_and_leaves_the_old_result() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", stale_if_error = "1d")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    memo::isolated(|| {
        assert_eq!(fetch(1), Ok(0));
        BACKEND.goes_down();
        assert!(fetch::refresh(1).is_err());
        assert_eq!(fetch(1), Ok(0));
        memo::advance(MINUTE);
        assert!(fetch::refresh(1).is_err());
        assert_eq!((fetch(1), fetch::stats().stale), (Ok(0), 1));
        assert!(fetch::uncached(1).is_err());
    });
}

#[test]
fn who_waits_for_a_task_that_fails_has_the_old_result_and_is_counted() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = "1m", stale_if_error = "1d")]
    async fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let call = || fetch(1);
    block_on(memo::isolated_async(async move {
        let mut first = Task::new(call());
        assert!(first.poll().is_pending());
        RUNS.end(0, End::Returns(7));
        assert_eq!(first.poll(), Poll::Ready(Ok(7)));
        memo::advance(MINUTE);
        let mut calls: Vec<_> = (0..4).map(|_| Task::new(call())).collect();
        for call in &mut calls {
            assert!(call.poll().is_pending());
        }
        assert_eq!(RUNS.count(), 2);
        RUNS.end(1, End::Fails);
        for call in &mut calls {
            assert_eq!(call.poll(), Poll::Ready(Ok(7)));
        }
        let stats = fetch::stats();
        assert_eq!((stats.stale, stats.misses, stats.hits, stats.unshared), (4, 2, 3, 0));
    }));
}

#[test]
fn what_is_cleared_while_the_body_fails_does_not_answer() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = "1m", stale_if_error = "1d")]
    async fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    block_on(memo::isolated_async(async {
        let mut first = Task::new(fetch(1));
        assert!(first.poll().is_pending());
        RUNS.end(0, End::Returns(7));
        assert_eq!(first.poll(), Poll::Ready(Ok(7)));
        memo::advance(MINUTE);
        let mut second = Task::new(fetch(1));
        assert!(second.poll().is_pending());
        fetch::clear();
        RUNS.end(1, End::Fails);
        assert!(matches!(second.poll(), Poll::Ready(Err(_))));
        assert_eq!(fetch::stats().stale, 0);
    }));
}

#[test]
fn with_a_refresh_in_the_background_it_counts_from_the_ttl() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", refresh = "background", stale_if_error = "3m")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    memo::isolated(|| {
        assert_eq!(fetch(1), Ok(0));
        BACKEND.goes_down();
        memo::advance(2 * MINUTE);
        assert_eq!((fetch::get(1), fetch(1)), (None, Ok(0)));
        memo::advance(2 * MINUTE - Duration::from_secs(1));
        assert_eq!((fetch(1), fetch::stats().stale), (Ok(0), 2));
        memo::advance(Duration::from_secs(1));
        assert!(fetch(1).is_err());
    });
}

#[test]
fn each_life_counts_and_what_idles_is_given_up() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = |life| MINUTE * *life, stale_if_error = "1m")]
    fn lives(minutes: u32) -> Result<u32, String> {
        BACKEND.ask().map(|_| minutes)
    }
    #[memo(ttl = "1m", idle = "90s", stale_if_error = "1h")]
    fn idles(key: u32) -> Result<u32, String> {
        BACKEND.ask().map(|_| key)
    }
    memo::isolated(|| {
        assert_eq!((lives(1), lives(3), idles(1), idles(2)), (Ok(1), Ok(3), Ok(1), Ok(2)));
        BACKEND.goes_down();
        memo::advance(MINUTE);
        assert_eq!((lives(1), idles(1)), (Ok(1), Ok(1)));
        memo::advance(MINUTE);
        assert_eq!((lives(1).is_err(), lives(3)), (true, Ok(3)));
        // A stale answer was asked for; what was not is gone.
        assert_eq!((idles(1), idles(2).is_err()), (Ok(1), true));
        memo::advance(MINUTE * 3 / 2);
        assert_eq!((lives(3), idles(1).is_err()), (Ok(3), true));
        memo::advance(MINUTE / 2);
        assert!(lives(3).is_err());
    });
}

#[test]
fn what_is_kept_counts_within_bounds() {
    static BACKEND: Backend = Backend::new();
    #[memo(ttl = "1m", stale_if_error = "1d", max_entries = 2)]
    fn fetch(key: u32) -> Result<u32, String> {
        BACKEND.ask().map(|_| key)
    }
    memo::isolated(|| {
        for key in 0..3 {
            assert!(fetch(key).is_ok());
        }
        memo::advance(MINUTE);
        assert_eq!((fetch::stats().entries, fetch::stats().evictions), (2, 1));
        BACKEND.goes_down();
        assert_eq!((0..3).filter(|key| fetch(*key).is_ok()).count(), 2);
        BACKEND.is_down.store(false, SeqCst);
        assert!(fetch(9).is_ok());
        assert_eq!((fetch::stats().entries, fetch::stats().evictions), (2, 2));
    });
}

#[test]
fn with_cache_err_an_error_takes_the_place_of_nothing_that_is_better() {
    static BACKEND: Backend = Backend::new();
    fn life(result: &Result<u32, String>) -> Duration {
        if result.is_ok() {
            10 * MINUTE
        } else {
            MINUTE
        }
    }
    #[memo(cache_err, ttl = life, stale_if_error = "10m")]
    fn fetch(key: u32) -> Result<u32, String> {
        let _ = key;
        BACKEND.ask()
    }
    memo::isolated(|| {
        assert_eq!(fetch(1), Ok(0));
        BACKEND.goes_down();
        memo::advance(10 * MINUTE);
        assert_eq!((fetch(1), fetch(1)), (Ok(0), Ok(0)));
        memo::advance(10 * MINUTE);
        // There is nothing old left: the error is stored, for its own time.
        let error = fetch(1);
        assert_eq!((error.is_err(), fetch(1) == error), (true, true));
        memo::advance(MINUTE);
        // An old error is no better than a new one.
        assert_ne!(fetch(1), error);
    });
}

#[test]
fn every_shape_keeps_what_it_had() {
    static IS_DOWN: AtomicBool = AtomicBool::new(false);
    type Outcome<T> = Result<T, Arc<str>>;
    fn answer<T>(value: T) -> Outcome<T> {
        if IS_DOWN.load(SeqCst) {
            Err("down".into())
        } else {
            Ok(value)
        }
    }
    struct Api;
    impl Api {
        #[memo(ttl = MINUTE, stale_if_error = "1h", skip(self))]
        fn of(&self, key: &str) -> Outcome<String> {
            answer(key.to_owned())
        }
    }
    #[memo(ttl = MINUTE, stale_if_error = "1h", clone)]
    fn kept(key: u32) -> Outcome<&'static str> {
        let _ = key;
        answer("kept")
    }
    #[memo(ttl = MINUTE, stale_if_error = "1h", share_err)]
    fn shared<T: serde::Serialize>(key: T) -> Outcome<u64> {
        let _ = key;
        answer(7)
    }
    #[memo(ttl = MINUTE, stale_if_error = MINUTE * 60, jitter = "1m")]
    async fn awaited(key: u32) -> Outcome<Vec<u64>> {
        answer(vec![7; key as usize])
    }
    let all = || (Api.of("a"), kept(1), shared(1_u8), shared("b"), block_on(awaited(2)));
    memo::isolated(|| {
        let before = all();
        IS_DOWN.store(true, SeqCst);
        memo::advance(MINUTE);
        assert_eq!(all(), before);
        assert_eq!((kept::stats().stale, shared::stats().stale), (1, 2));
        memo::advance(60 * MINUTE);
        assert_eq!(shared(1_u8), Err("down".into()));
        assert_eq!(kept(1), Err("down".into()));
    });
}
