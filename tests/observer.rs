//! What an observer is told: every call once, and as much of everything as the statistics have. One
//! observer sees all functions, so that these tests have a process of their own.

#[path = "support/removing.rs"]
mod removing;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{mpsc, Arc, Barrier, LazyLock, Mutex, Once, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use memo::store::DiskStore;
use memo::{memo, singleton, Event, EventKind, KeyId, Stats};
use removing::remove;

/// How often each thing happened to a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    hits: u64,
    misses: u64,
    computed: u64,
    waited: u64,
    stored: u64,
    evicted: u64,
    expired: u64,
    cleared: u64,
    removed: u64,
    refreshed: u64,
    released: u64,
    store_hits: u64,
    failed: u64,
    compute_time: Duration,
    /// The kinds of events about each call, in their order.
    of_keys: HashMap<Option<KeyId>, Vec<&'static str>>,
}

static SUMS: LazyLock<Mutex<HashMap<&'static str, Sums>>> = LazyLock::new(Mutex::default);
/// What the observer does besides, if anything.
static BESIDES: Mutex<Option<fn(&Event<'_>)>> = Mutex::new(None);
/// Tests change what the observer does.
static TURN: Mutex<()> = Mutex::new(());

fn observe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| memo::set_observer(count));
}

fn count(event: &Event<'_>) {
    let mut all = SUMS.lock().unwrap_or_else(PoisonError::into_inner);
    let sums = all.entry(event.function).or_default();
    let name = match &event.kind {
        EventKind::Hit => ("hit", &mut sums.hits),
        EventKind::Missed(_) => ("missed", &mut sums.misses),
        EventKind::Computed { took, .. } => {
            sums.compute_time += *took;
            ("computed", &mut sums.computed)
        }
        EventKind::Waited { .. } => ("waited", &mut sums.waited),
        EventKind::Stored => ("stored", &mut sums.stored),
        EventKind::Evicted => ("evicted", &mut sums.evicted),
        EventKind::Expired => ("expired", &mut sums.expired),
        EventKind::Cleared => ("cleared", &mut sums.cleared),
        EventKind::Removed => ("removed", &mut sums.removed),
        EventKind::Refreshed { ok: true } => ("refreshed", &mut sums.refreshed),
        EventKind::Refreshed { .. } => ("not refreshed", &mut sums.refreshed),
        EventKind::Released => ("released", &mut sums.released),
        EventKind::StoreHit { .. } => ("store hit", &mut sums.store_hits),
        EventKind::Failed(_) => ("failed", &mut sums.failed),
        kind => panic!("{kind:?} is not known"),
    };
    *name.1 += 1;
    sums.of_keys.entry(event.key).or_default().push(name.0);
    drop(all);
    let besides = *BESIDES.lock().unwrap();
    if let Some(besides) = besides {
        besides(event);
    }
}

fn sums(stats: &Stats) -> Sums {
    SUMS.lock().unwrap_or_else(PoisonError::into_inner).get(stats.name).cloned().unwrap_or_default()
}

/// What was told of the only call of a function.
fn of_one_call(stats: &Stats) -> Vec<&'static str> {
    let sums = sums(stats);
    let mut keys = sums.of_keys.into_iter().filter(|(key, _)| key.is_some());
    let told = keys.next().map(|(_, told)| told).unwrap_or_default();
    assert!(keys.next().is_none(), "there was more than one call");
    told
}

#[track_caller]
fn assert_agree(stats: &Stats) {
    let sums = sums(stats);
    assert_eq!((sums.hits, sums.misses), (stats.hits, stats.misses), "{}", stats.name);
    assert_eq!(
        (sums.evicted, sums.expired),
        (stats.evictions, stats.expirations),
        "{}",
        stats.name
    );
    assert_eq!(sums.store_hits, stats.store_hits, "{}", stats.name);
    assert_eq!(sums.compute_time, stats.compute_time, "{}", stats.name);
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn a_call_is_told_of_in_the_order_in_which_it_goes() {
    observe();
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    let _ = (square(4), square(4), square::refresh(4), square::remove(4));
    assert_eq!(
        of_one_call(&square::stats()),
        ["missed", "computed", "stored", "hit", "computed", "stored", "refreshed", "removed"]
    );
    square::clear();
    assert_eq!(sums(&square::stats()).of_keys[&None], ["cleared"]);
    assert_agree(&square::stats());
}

#[test]
fn errors_panics_and_what_makes_no_key_are_misses_that_compute() {
    observe();
    #[memo]
    fn fallible(x: u64) -> Result<u64, u64> {
        assert_ne!(x, 1, "as it was told");
        if x == 2 {
            return Err(x);
        }
        Ok(x)
    }
    assert!(std::panic::catch_unwind(|| fallible(1)).is_err());
    assert_eq!(of_one_call(&fallible::stats()), ["missed", "computed"]);
    assert_eq!(fallible(2), Err(2));
    let sums = sums(&fallible::stats());
    assert_eq!((sums.misses, sums.computed, sums.stored), (2, 2, 0));

    struct Wild;
    impl serde::Serialize for Wild {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    #[memo]
    fn keyless(wild: &Wild) -> u64 {
        let _ = wild;
        7
    }
    assert_eq!(keyless(&Wild), 7);
    let told = self::sums(&keyless::stats()).of_keys;
    assert_eq!(told[&None], ["failed", "missed"]);
    assert_agree(&keyless::stats());
}

#[test]
fn who_waits_is_told_of_and_then_has_a_hit() {
    observe();
    #[memo]
    fn slow(x: u64, _begun: mpsc::Sender<()>, _go_on: Arc<Barrier>) -> u64 {
        _begun.send(()).unwrap();
        _go_on.wait();
        x
    }
    let (begun, has_begun) = mpsc::channel();
    let go_on = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        let first = (begun.clone(), Arc::clone(&go_on));
        scope.spawn(move || slow(1, first.0, first.1));
        has_begun.recv().unwrap();
        let second = (begun, Arc::clone(&go_on));
        let waiting = scope.spawn(move || slow(1, second.0, second.1));
        // Whether or not it waits by now, it is answered by the first.
        thread::sleep(Duration::from_millis(50));
        go_on.wait();
        assert_eq!(waiting.join().unwrap(), 1);
    });
    let told = of_one_call(&slow::stats());
    let place = |kind| told.iter().position(|it| *it == kind);
    assert_eq!(told.iter().filter(|kind| **kind == "hit").count(), 1);
    assert!(place("waited").is_none_or(|waited| Some(waited + 1) == place("hit")), "{told:?}");
    assert_agree(&slow::stats());
}

#[test]
fn sums_are_those_of_the_statistics_whatever_sixteen_threads_do() {
    observe();
    #[memo(max_entries = 20)]
    fn bounded(x: u64) -> u64 {
        x
    }
    #[memo(ttl = "2ms")]
    fn expiring(x: u64) -> Vec<u64> {
        vec![x; 3]
    }
    #[memo]
    async fn task(x: u64) -> Result<u64, u64> {
        if x.is_multiple_of(7) {
            return Err(x);
        }
        Ok(x)
    }
    #[singleton(max_entries = 5)]
    fn resource(x: u64) -> u64 {
        x
    }
    fn store() -> DiskStore {
        DiskStore::open(std::env::temp_dir().join(format!("memo-seen-{}", std::process::id())))
    }
    #[memo(store = store(), max_entries = 10)]
    fn stored(x: u64) -> u64 {
        x
    }
    thread::scope(|scope| {
        for number in 0..16_u64 {
            scope.spawn(move || {
                for call in 0..500 {
                    let x = (call * 31 + number * 17) % 40;
                    bounded(x);
                    expiring(x % 10);
                    let _ = block_on(task(x));
                    resource(x % 8);
                    stored(x % 15);
                    match call % 100 {
                        10 => bounded::clear(),
                        20 => {
                            bounded::remove(x);
                        }
                        30 => drop(expiring::refresh(x % 10)),
                        40 => bounded::insert(x, 7),
                        50 => resource::clear(),
                        60 => stored::clear(),
                        _ => {}
                    }
                }
            });
        }
    });
    for stats in
        [bounded::stats(), expiring::stats(), task::stats(), resource::stats(), stored::stats()]
    {
        assert_agree(&stats);
        assert_eq!(stats.hits + stats.misses, 16 * 500);
    }
    remove(&std::env::temp_dir().join(format!("memo-seen-{}", std::process::id())));
}

#[test]
fn an_observer_may_call_and_clear_what_it_is_told_of_and_panic() {
    let _turn = TURN.lock().unwrap();
    observe();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static IS_ON: AtomicBool = AtomicBool::new(false);
    #[memo]
    fn watched(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    fn meddle(event: &Event<'_>) {
        if IS_ON.load(SeqCst) && event.function.ends_with("watched") {
            watched(event.key.map_or(0, |_| 99));
            watched::clear();
            watched(5);
            panic!("an observer may");
        }
    }
    *BESIDES.lock().unwrap() = Some(meddle);
    IS_ON.store(true, SeqCst);
    for x in [1, 1, 2, 5] {
        assert_eq!(watched(x), x);
    }
    assert!(watched::refresh(3) == 3 && RUNS.load(SeqCst) > 4);
    IS_ON.store(false, SeqCst);
    *BESIDES.lock().unwrap() = None;
    assert_eq!(watched(5), 5);
}

#[test]
fn a_resource_is_told_of_to_its_end() {
    observe();
    static RELEASED: AtomicU64 = AtomicU64::new(0);
    #[singleton(on_release = released)]
    fn pool(x: u64) -> u64 {
        x
    }
    fn released(_: &u64) {
        RELEASED.fetch_add(1, SeqCst);
    }
    drop((pool(1), pool(1)));
    pool::clear();
    // A reader of another test may keep it for a moment.
    while sums(&pool::stats()).released == 0 {
        thread::yield_now();
    }
    assert_eq!(RELEASED.load(SeqCst), 1);
    assert_eq!(of_one_call(&pool::stats()), ["missed", "computed", "stored", "hit"]);
    let mut told = sums(&pool::stats()).of_keys[&None].clone();
    told.sort_unstable();
    assert_eq!(told, ["cleared", "released"]);
}

#[test]
fn what_has_a_cleared_tag_is_told_of_as_removed() {
    observe();
    #[memo(tags(format!("seen {}", x % 2)))]
    fn tagged(x: u64) -> u64 {
        x
    }
    for x in 0..10 {
        tagged(x);
    }
    memo::clear_tag("seen 1");
    assert_eq!(sums(&tagged::stats()).removed, 5);
}

#[test]
fn a_call_is_known_by_sixteen_digits() {
    static SEEN: Mutex<Option<KeyId>> = Mutex::new(None);
    let _turn = TURN.lock().unwrap();
    observe();
    #[memo]
    fn known(x: u64) -> u64 {
        x
    }
    *BESIDES.lock().unwrap() = Some(|event| {
        if event.function.ends_with("known") {
            *SEEN.lock().unwrap() = event.key;
        }
    });
    known(1);
    *BESIDES.lock().unwrap() = None;
    let text = SEEN.lock().unwrap().unwrap().to_string();
    assert!(text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit()), "{text}");
}
