//! `memo::set_verify`: hits whose bodies run again. The rate is the process's, and so are these tests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::env;
use std::future::{ready, Future};
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, RwLock, RwLockReadGuard};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::SystemTime;

use memo::{memo, singleton};
use serde::{Deserialize, Serialize};

/// Held by who has all hits verified; by who sets another rate, alone.
static RATE: RwLock<()> = RwLock::new(());

fn all_hits() -> RwLockReadGuard<'static, ()> {
    let held = RATE.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    memo::set_verify(1.0);
    held
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

#[test]
fn a_function_that_reads_a_clock_is_found_and_reported_once() {
    static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    #[memo]
    fn now(zone: u64) -> (u64, SystemTime) {
        (zone, SystemTime::now())
    }
    let _all = all_hits();
    memo::set_reporter(|error| {
        if error.function().ends_with("now") && error.is_differing() {
            REPORTS.lock().unwrap().push(error.to_string());
        }
    });
    let mut last = now(1);
    for _ in 0..10 {
        let next = now(1);
        // The new result is the call's, and stored.
        assert!(next.1 > last.1);
        assert_eq!(now::get(1), Some(next));
        last = next;
    }
    let stats = now::stats();
    assert_eq!((stats.hits, stats.misses, stats.differing, stats.entries), (10, 1, 10, 1));
    let reports = REPORTS.lock().unwrap();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("returns another result for the same arguments"), "{reports:?}");
}

#[test]
fn a_function_that_reads_a_variable_is_found_whatever_its_options_are() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    fn next() -> u64 {
        NEXT.fetch_add(1, SeqCst)
    }
    #[memo(ttl = "1h", max_entries = 9)]
    fn expiring(x: u64) -> u64 {
        x + next()
    }
    #[memo(key = x.len())]
    fn keyed(x: &str) -> Result<String, String> {
        Ok(format!("{x}{}", next()))
    }
    #[memo(cache_err)]
    fn failing(x: u64) -> Result<u64, u64> {
        Err(x + next())
    }
    #[memo(share_err, cache_if = |it| it.is_ok())]
    fn shared(x: u64) -> Result<u64, u64> {
        Ok(x + next())
    }
    #[memo(refresh = "background", ttl = "1h")]
    fn refreshed(x: u64) -> u64 {
        x + next()
    }
    #[memo]
    async fn task(x: u64) -> u64 {
        ready(x + next()).await
    }
    let _all = all_hits();
    assert_ne!(expiring(1), expiring(1));
    assert_ne!(keyed("a"), keyed("b"));
    assert_ne!(failing(1), failing(1));
    assert_ne!(shared(1), shared(1));
    assert_ne!(refreshed(1), refreshed(1));
    assert_ne!(block_on(task(1)), block_on(task(1)));
    let all = [
        expiring::stats(),
        keyed::stats(),
        failing::stats(),
        shared::stats(),
        refreshed::stats(),
        task::stats(),
    ];
    for stats in all {
        assert_eq!((stats.hits, stats.misses, stats.differing), (1, 1, 1), "{}", stats.name);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    name: Option<Option<String>>,
    price: f64,
    shape: Shape,
    #[serde(flatten)]
    more: HashMap<String, f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Shape {
    Round { radius: f32 },
    Square(u8, u8),
    None,
}

/// A million calls of functions that read nothing but their arguments.
#[test]
fn no_pure_function_is_blamed() {
    #[memo]
    fn float(x: u64) -> f64 {
        [f64::NAN, -0.0, 0.1 + 0.2, f64::INFINITY, 1.0 / (x as f64)][x as usize % 5]
    }
    #[memo]
    fn floats(x: u64) -> Vec<f32> {
        (0..x % 7).map(|y| (x as f32).powf(y as f32).sin()).collect()
    }
    #[memo]
    fn map(x: u64) -> HashMap<String, Option<u64>> {
        (0..x % 9).map(|y| (format!("{y}"), (y % 2 == 0).then_some(x))).collect()
    }
    #[memo]
    fn sets(x: u64) -> BTreeMap<u64, HashSet<u64>> {
        (0..x % 5).map(|y| (y, (0..x % 6).collect())).collect()
    }
    #[memo]
    fn record(x: u64) -> Result<Record, String> {
        let shapes =
            [Shape::None, Shape::Square(1, x as u8), Shape::Round { radius: x as f32 / 3.0 }];
        Ok(Record {
            name: [None, Some(None), Some(Some(x.to_string()))][x as usize % 3].clone(),
            price: x as f64 / 7.0,
            shape: shapes[x as usize % 3].clone(),
            more: (0..x % 5).map(|y| (y.to_string(), y as f64 / 3.0)).collect(),
        })
    }
    #[memo]
    fn nested(x: u64) -> (Vec<Result<f64, String>>, Option<Box<Record>>) {
        (vec![Ok(float(x)), Err(x.to_string())], record(x).ok().map(Box::new))
    }
    #[memo(ttl = "1h", max_entries = 64)]
    fn fibonacci(x: u64) -> u64 {
        if x < 2 {
            x
        } else {
            fibonacci(x - 1) + fibonacci(x - 2)
        }
    }
    let _all = all_hits();
    let calls = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    for call in 0..calls / 10 {
        let x = call % 50;
        assert!(call < 50 || float::contains(x));
        float(x);
        floats(x);
        map(x);
        sets(x);
        record(x).unwrap();
        nested(x);
        fibonacci(x);
        float(x);
        floats(x);
        map(x);
    }
    let all = [
        float::stats(),
        floats::stats(),
        map::stats(),
        sets::stats(),
        record::stats(),
        nested::stats(),
        fibonacci::stats(),
    ];
    for stats in all {
        assert_eq!((stats.differing, stats.uncacheable), (0, 0), "{stats:?}");
        assert!(stats.hits >= calls / 20 && stats.misses <= 50, "{stats:?}");
    }
}

#[test]
fn a_body_that_panics_or_fails_now_fails_no_hit() {
    static BREAKS: AtomicBool = AtomicBool::new(false);
    #[memo]
    fn panics(x: u64) -> String {
        assert!(!BREAKS.load(SeqCst), "as it should");
        x.to_string()
    }
    #[memo]
    fn fails(x: u64) -> Result<u64, String> {
        if BREAKS.load(SeqCst) {
            Err("as it should".into())
        } else {
            Ok(x)
        }
    }
    #[memo]
    async fn panics_in_a_task(x: u64) -> u64 {
        assert!(!BREAKS.load(SeqCst), "as it should");
        x
    }
    let _all = all_hits();
    panics(4);
    fails(4).unwrap();
    block_on(panics_in_a_task(4));
    BREAKS.store(true, SeqCst);
    assert_eq!((panics(4), fails(4), block_on(panics_in_a_task(4))), ("4".to_owned(), Ok(4), 4));
    for stats in [panics::stats(), fails::stats(), panics_in_a_task::stats()] {
        assert_eq!((stats.hits, stats.misses, stats.differing, stats.entries), (1, 1, 0, 1));
    }
}

#[test]
fn inside_a_verification_nothing_is_verified() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn inner(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    #[memo]
    fn outer(x: u64) -> u64 {
        inner(x) + inner(x)
    }
    let _all = all_hits();
    // The second call of the inner one is a hit.
    outer(4);
    assert_eq!(RUNS.load(SeqCst), 2);
    outer(4);
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn what_is_cleared_while_it_is_verified_stays_so() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn cleared(x: u64) -> u64 {
        let next = NEXT.fetch_add(1, SeqCst);
        if next == 1 {
            cleared::clear();
        }
        x + next
    }
    let _all = all_hits();
    assert_eq!((cleared(4), cleared(4)), (4, 5));
    assert_eq!(cleared::get(4), None);
}

#[test]
fn a_block_of_a_test_verifies_as_its_surroundings_do() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn next(x: u64) -> u64 {
        x + NEXT.fetch_add(1, SeqCst)
    }
    #[memo(ttl = "1h")]
    fn expiring(x: u64) -> u64 {
        next(x)
    }
    let _all = all_hits();
    memo::isolated(|| {
        assert_eq!((next(4), next(4), next(4)), (4, 5, 6));
        expiring(5);
        expiring(5);
        assert_eq!((next::stats().differing, expiring::stats().differing), (2, 0));
    });
    assert_eq!(next::stats().differing, 0);
}

#[test]
fn clones_and_resources_are_not_verified() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    #[memo(clone)]
    fn kept(x: u64) -> u64 {
        x + NEXT.fetch_add(1, SeqCst)
    }
    #[singleton]
    fn shared(x: u64) -> u64 {
        x + NEXT.fetch_add(1, SeqCst)
    }
    let _all = all_hits();
    assert_eq!((kept(1), *shared(1)), (kept(1), *shared(1)));
    assert_eq!(NEXT.load(SeqCst), 2);
}

#[test]
fn threads_that_verify_the_same_call_all_get_a_result() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn pure(x: u64) -> u64 {
        x
    }
    #[memo]
    fn impure(x: u64) -> u64 {
        x + NEXT.fetch_add(1, SeqCst)
    }
    let _all = all_hits();
    pure(4);
    impure(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    assert_eq!(pure(4), 4);
                    impure(4);
                }
            });
        }
    });
    assert_eq!((pure::stats().hits, pure::stats().misses, pure::stats().differing), (4000, 1, 0));
    assert_eq!((impure::stats().hits, impure::stats().misses), (4000, 1));
    assert!(impure::stats().differing > 0);
}

#[test]
fn a_variable_of_the_environment_sets_the_rate() {
    for (rate, runs) in [("1", 2), ("0.0", 1), ("often", 1)] {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "what_another_process_does", "--ignored"]);
        child.env("MEMO_VERIFY", rate).env("MEMO_TEST_RUNS", runs.to_string());
        let output = child.output().unwrap();
        assert!(output.status.success(), "{rate}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
#[ignore = "the process that another test starts; by itself it does nothing"]
fn what_another_process_does() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn counted(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let Ok(runs) = env::var("MEMO_TEST_RUNS") else { return };
    assert_eq!((counted(4), counted(4)), (4, 4));
    assert_eq!(RUNS.load(SeqCst).to_string(), runs);
}

#[test]
fn the_rate_is_a_share_of_the_hits() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn counted(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let _alone = RATE.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    counted(4);
    for (rate, bounds) in [(0.0, 0..=0), (0.1, 500..=1500), (0.0, 0..=0), (1.0, 10_000..=10_000)] {
        memo::set_verify(rate);
        RUNS.store(0, SeqCst);
        (0..10_000).for_each(|_| assert_eq!(counted(4), 4));
        assert!(bounds.contains(&RUNS.load(SeqCst)), "{} of 10,000", RUNS.load(SeqCst));
    }
    // What turns caching off and on leaves that as it is.
    memo::set_enabled(false);
    memo::set_enabled(true);
    RUNS.store(0, SeqCst);
    counted(4);
    assert_eq!((RUNS.load(SeqCst), counted::stats().hits), (1, 40_001));
}
