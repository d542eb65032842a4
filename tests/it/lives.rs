//! A `ttl` that each result has for itself, and `jitter`.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{mpsc, Arc};
use std::task::Poll;
use std::time::Duration;

use memo::{memo, singleton};
use serde::{Deserialize, Serialize};

use crate::schedule::{block_on, eventually, End, Runs, Task};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(50);
static STATIC_HOUR: Duration = HOUR;

/// A result that says how long it lives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Token {
    number: u32,
    life: Duration,
}

impl Token {
    fn life(&self) -> Duration {
        self.life
    }
}

fn token(number: u32, life: Duration) -> Token {
    Token { number, life }
}

#[test]
fn each_result_lives_as_long_as_its_closure_says() {
    #[memo(ttl = |token: &Token| token.life)]
    fn issued(number: u32, _life: Duration) -> Token {
        token(number, _life)
    }
    memo::isolated(|| {
        issued(1, SHORT);
        issued(2, HOUR);
        issued(3, Duration::MAX);
        issued::insert(4, token(4, SHORT));
        memo::advance(SHORT);
        assert!(!issued::contains(1) && !issued::contains(4));
        assert!(issued::contains(2) && issued::contains(3));
        assert_eq!(issued(1, HOUR).life, HOUR);
        assert_eq!(issued::stats().ttl, None);
        memo::advance(1000 * HOUR);
        assert!(!issued::contains(2) && issued::contains(3));
    });
}

#[test]
fn lives_of_their_own_and_jittered_ones_end_by_the_clock_of_the_process() {
    #[memo(ttl = |token| token.life, jitter = SHORT)]
    fn issued(number: u32, _life: Duration) -> Token {
        token(number, _life)
    }
    issued(1, SHORT);
    issued(2, HOUR);
    eventually(|| !issued::contains(1));
    assert_eq!((issued::contains(2), issued::stats().expirations), (true, 1));
}

#[test]
fn a_path_names_a_constant_a_static_or_a_function_and_its_type_says_which() {
    fn lived<T: Into<u64> + Copy>(value: &T) -> Duration {
        Duration::from_secs((*value).into())
    }
    #[memo(ttl = HOUR)]
    fn constant(x: u64) -> u64 {
        x
    }
    #[memo(ttl = STATIC_HOUR)]
    fn of_static(x: u64) -> u64 {
        x
    }
    #[memo(ttl = Token::life)]
    fn method(number: u32) -> Token {
        token(number, if number == 0 { Duration::ZERO } else { HOUR })
    }
    #[memo(ttl = lived)]
    fn generic<T: Serialize + serde::de::DeserializeOwned + Into<u64> + Copy>(x: T) -> T {
        x
    }
    assert_eq!((constant(1), of_static(1), method(1).number), (1, 1, 1));
    assert_eq!((constant::stats().ttl, of_static::stats().ttl), (Some(HOUR), Some(HOUR)));
    assert_eq!((method(0).number, generic(0_u32), generic(1_u32), generic(1_u8)), (0, 0, 1, 1));
    assert!(method::contains(1) && !method::contains(0));
    assert!(generic::contains(1_u32) && generic::contains(1_u8) && !generic::contains(0_u32));
    assert_eq!((method::stats().ttl, generic::stats().ttl), (None, None));
}

#[test]
fn of_a_result_the_ok_is_asked_and_with_cache_err_the_whole() {
    type Answer = Result<u32, String>;
    #[memo(ttl = |value: &u32| Duration::from_secs(u64::from(*value)))]
    fn known(key: u32) -> Answer {
        if key < 10 {
            Ok(key)
        } else {
            Err("large".into())
        }
    }
    #[memo(cache_err, ttl = |answer: &Answer| if answer.is_ok() { HOUR } else { SHORT })]
    fn both(key: u32) -> Answer {
        if key < 10 {
            Ok(key)
        } else {
            Err("large".into())
        }
    }
    memo::isolated(|| {
        assert_eq!((known(0), known(1)), (Ok(0), Ok(1)));
        assert!(known(10).is_err() && both(10).is_err() && both(1).is_ok());
        assert!(!known::contains(0) && known::contains(1) && !known::contains(10));
        memo::advance(SHORT);
        assert!(both::contains(1) && !both::contains(10));
        memo::advance(Duration::from_secs(1));
        assert!(!known::contains(1));
    });
}

#[test]
fn what_lives_for_no_time_is_shared_with_who_waits_and_not_stored() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = |value| if *value == 0 { Duration::ZERO } else { HOUR }, wait = "1h")]
    async fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let (mut leader, mut waiter) = (Task::new(held(1)), Task::new(held(1)));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    RUNS.end(0, End::Returns(0));
    assert_eq!((leader.poll(), waiter.poll()), (Poll::Ready(Ok(0)), Poll::Ready(Ok(0))));
    assert_eq!((RUNS.count(), held::get(1), held::stats().uncacheable), (1, None, 0));
    // What was stored is older, and goes.
    held::insert(1, Ok(5));
    assert_eq!(held::get(1), Some(Ok(5)));
    held::insert(1, Ok(0));
    assert_eq!(held::get(1), None);

    #[memo(ttl = Duration::from_secs(0))]
    fn never(x: u32) -> u32 {
        x
    }
    assert_eq!((never(1), never::stats().entries, never::stats().expirations), (1, 0, 0));
}

#[test]
fn cache_if_is_asked_before_the_ttl_and_neither_twice() {
    thread_local!(static ASKED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) });
    fn asks(what: &'static str) {
        ASKED.with_borrow_mut(|asked| asked.push(what));
    }
    #[memo(
        cache_if = |value| { asks("cache_if"); *value > 0 },
        ttl = |_| { asks("ttl"); HOUR },
    )]
    fn number(x: u32) -> u32 {
        x
    }
    assert_eq!((number(1), number(1)), (1, 1));
    assert_eq!(ASKED.take(), ["cache_if", "ttl"]);
    assert_eq!(number(0), 0);
    assert_eq!(ASKED.take(), ["cache_if"]);
}

#[test]
fn a_result_whose_own_ttl_panics_is_returned_and_not_stored_and_the_next_is_asked_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn moody(value: &u32) -> Duration {
        // It may call the function, too.
        assert_eq!(number::get(*value), None);
        match ASKED.fetch_add(1, SeqCst) {
            0 | 1 => resume_unwind(Box::new("not now")),
            _ => HOUR,
        }
    }
    #[memo(ttl = moody)]
    fn number(x: u32) -> u32 {
        x
    }
    for asked in 1..=2 {
        assert_eq!((number(1), number::contains(1)), (1, false));
        assert_eq!((ASKED.load(SeqCst), number::stats().uncacheable), (asked, u64::from(asked)));
    }
    assert_eq!((number(1), number(1)), (1, 1));
    assert_eq!((ASKED.load(SeqCst), number::stats().misses, number::stats().hits), (3, 3, 1));
}

#[test]
fn methods_traits_clones_and_resources_have_results_with_lives_of_their_own() {
    #[derive(Serialize)]
    struct Issuer(u32);
    impl Issuer {
        #[memo(ttl = Self::life)]
        fn issue(&self, _life: Duration) -> Token {
            token(self.0, _life)
        }
        fn life(token: &Token) -> Duration {
            token.life
        }
    }
    trait Issues {
        fn issued(&self, _runs: &AtomicU32, _life: Duration) -> Token;
    }
    impl Issues for Issuer {
        #[memo(in_trait, ttl = |token| token.life)]
        fn issued(&self, _runs: &AtomicU32, _life: Duration) -> Token {
            token(_runs.fetch_add(1, SeqCst), _life)
        }
    }
    struct Shared(Duration);
    #[memo(clone, ttl = |shared| shared.0)]
    fn cloned(x: u32, _life: Duration) -> Arc<Shared> {
        let _ = x;
        Arc::new(Shared(_life))
    }
    #[singleton(ttl = |shared| shared.0)]
    fn lent(x: u32, _life: Duration) -> Shared {
        let _ = x;
        Shared(_life)
    }
    fn life_of(shared: &Shared) -> Duration {
        shared.0
    }
    #[singleton(ttl = life_of)]
    fn tried(x: u32, _life: Duration) -> Result<Shared, String> {
        let _ = x;
        Ok(Shared(_life))
    }
    #[singleton(ttl = HOUR)]
    fn of_all(x: u32) -> u32 {
        x
    }
    let issuer = Issuer(1);
    issuer.issue(Duration::ZERO);
    assert!(!issuer.issue_contains());
    issuer.issue(HOUR);
    assert!(issuer.issue_contains());
    let runs = AtomicU32::new(0);
    let run = |life| issuer.issued(&runs, life).number;
    assert_eq!([run(Duration::ZERO), run(HOUR), run(HOUR)], [0, 1, 1]);
    for (key, life) in [(0, Duration::ZERO), (1, HOUR)] {
        cloned(key, life);
        lent(key, life);
        tried(key, life).unwrap();
    }
    assert!(!cloned::contains(0) && !lent::contains(0) && !tried::contains(0));
    assert!(cloned::contains(1) && lent::contains(1) && tried::contains(1));
    assert_eq!((*of_all(1), of_all::stats().ttl), (1, Some(HOUR)));
}

#[test]
fn a_result_is_refreshed_behind_when_its_own_ttl_is_over_and_gone_after_twice_that() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = |token: &Token| token.life, refresh = "background")]
    fn renewed(_done: mpsc::Sender<u32>, number: u32, _life: Duration) -> Token {
        let run = RUNS.fetch_add(1, SeqCst);
        _done.send(run).unwrap();
        token(number + run, _life)
    }
    let (done, runs) = mpsc::channel();
    memo::isolated(|| {
        assert_eq!(renewed(done.clone(), 10, HOUR).number, 10);
        assert_eq!(renewed(done.clone(), 20, SHORT).number, 21);
        assert_eq!((runs.recv(), runs.recv()), (Ok(0), Ok(1)));
        memo::advance(SHORT);
        // Still the old one, until the refresh behind is done.
        assert_eq!(renewed(done.clone(), 20, HOUR).number, 21);
        assert_eq!(runs.recv(), Ok(2));
        eventually(|| renewed::get(20).is_some_and(|token| token.number == 22));
        // The other is young, and so is the new one now.
        assert_eq!(renewed(done.clone(), 10, HOUR).number, 10);
        assert_eq!(renewed(done, 20, HOUR).number, 22);
        assert_eq!(RUNS.load(SeqCst), 3);
        // In twice that it is gone.
        renewed::insert(30, token(30, SHORT));
        memo::advance(SHORT);
        assert!(renewed::contains(30));
        memo::advance(SHORT);
        assert!(!renewed::contains(30));
    });
}

#[test]
fn a_refresh_behind_begins_by_the_clock_of_the_process() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = "200ms", refresh = "background")]
    fn renewed() -> u32 {
        RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(renewed(), 0);
    eventually(|| renewed() > 0);
}

#[test]
fn jitter_is_for_every_kind_of_function() {
    #[memo(ttl = HOUR, jitter = "30m")]
    async fn long(x: u32) -> u32 {
        x
    }
    #[memo(ttl = |_| HOUR, jitter = HOUR / 4, refresh = "background")]
    fn both(x: u32) -> u32 {
        x
    }
    #[singleton(ttl = "1h", jitter = "1m")]
    fn lent(x: u32) -> u32 {
        x
    }
    assert_eq!((block_on(long(1)), block_on(long(1)), both(1), both(1)), (1, 1, 1, 1));
    assert!(Arc::ptr_eq(&lent(1), &lent(1)));
    assert_eq!((long::stats().hits, both::stats().hits, long::stats().ttl), (1, 1, Some(HOUR)));
}

#[test]
fn a_jitter_that_panics_is_counted_and_what_never_ends_is_not_shortened() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    fn moody() -> Duration {
        if ASKED.fetch_add(1, SeqCst) == 0 {
            resume_unwind(Box::new("not now"));
        }
        HOUR
    }
    #[memo(ttl = |_| Duration::MAX, jitter = moody())]
    fn eternal(x: u32) -> u32 {
        x
    }
    #[memo(ttl = "2h", jitter = moody())]
    fn number(x: u32) -> u32 {
        x
    }
    assert_eq!((eternal(1), eternal::contains(1), ASKED.load(SeqCst)), (1, true, 0));
    assert_eq!((number(1), number::contains(1), number::stats().uncacheable), (1, false, 1));
    assert_eq!((number(1), number::contains(1), ASKED.load(SeqCst)), (1, true, 2));
}
