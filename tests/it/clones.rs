//! `#[memo(clone)]`: results that are kept as they are.

use std::panic::{catch_unwind, panic_any, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use memo::memo;

use crate::schedule::{block_on, eventually, together, End, Runs};

/// Foreign to serde.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: &'static str,
    cells: Vec<u64>,
}

fn row(n: u64) -> Row {
    Row { name: "row", cells: vec![n; 3] }
}

#[test]
fn a_type_without_serde_is_kept_and_every_hit_is_a_clone() {
    #[memo(clone)]
    fn rows(n: u64) -> Vec<Row> {
        vec![row(n)]
    }
    let mut first = rows(1);
    first.clear();
    rows(1).clear();
    assert_eq!(rows(1), [row(1)]);
    let stats = rows::stats();
    assert_eq!((stats.misses, stats.hits, stats.entries), (1, 2, 1));
    assert!(stats.bytes > size_of::<Vec<Row>>(), "the entry's own size counts");
}

#[test]
fn what_a_clone_shares_is_shared() {
    #[memo(clone)]
    fn shared(n: u32) -> Arc<Mutex<u32>> {
        Arc::new(Mutex::new(n))
    }
    *shared(1).lock().unwrap() = 7;
    assert_eq!(*shared(1).lock().unwrap(), 7);
    assert!(Arc::ptr_eq(&shared(1), &shared::get(1).unwrap()));
}

#[test]
fn the_companions_are_those_of_any_function() {
    #[memo(clone)]
    fn of(n: u64) -> Row {
        row(n)
    }
    assert_eq!((of::get(1), of::contains(1), of::remove(1)), (None, false, false));
    of::insert(1, row(9));
    assert_eq!((of(1), of::get(1), of::contains(1)), (row(9), Some(row(9)), true));
    assert_eq!((of::refresh(1), of(1), of::uncached(2)), (row(1), row(1), row(2)));
    assert!(of::remove(1) && !of::contains(1));
    of(2);
    of::clear();
    assert_eq!((of::get(2), of::stats().entries, of::stats().bytes), (None, 0, 0));
}

#[test]
fn scalars_units_and_texts_are_kept_as_well() {
    #[repr(align(64))]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Wide(u8);

    #[memo(clone)]
    fn number(n: u128) -> u128 {
        n + 1
    }
    #[memo(clone)]
    fn nothing(n: u8) {}
    #[memo(clone, ttl = "1h")]
    fn text(n: &str) -> &'static str {
        if n.is_empty() {
            "empty"
        } else {
            "full"
        }
    }
    #[memo(clone)]
    fn wide(n: u8) -> [Wide; 2] {
        [Wide(n); 2]
    }
    for _ in 0..3 {
        nothing(1);
        let long = "a".repeat(5000);
        assert_eq!((number(4), text(""), text(&long)), (5, "empty", "full"));
        assert_eq!(wide(3), [Wide(3); 2]);
    }
    let hits = [number::stats(), nothing::stats(), text::stats(), wide::stats()].map(|it| it.hits);
    assert_eq!(hits, [2, 2, 4, 2]);
}

#[test]
fn of_a_result_only_the_ok_is_kept_and_the_error_needs_nothing() {
    struct Unclonable(#[allow(dead_code)] Rc<u8>);
    type Fallible<T> = Result<T, Unclonable>;

    #[memo(clone)]
    fn half(n: u64) -> Fallible<Row> {
        if n.is_multiple_of(2) {
            Ok(row(n / 2))
        } else {
            Err(Unclonable(Rc::new(1)))
        }
    }
    assert!(half(3).is_err() && half(3).is_err() && !half::contains(3));
    assert!(half(4).is_ok() && half(4).is_ok());
    half::insert(3, Ok(row(9)));
    half::insert(4, Err(Unclonable(Rc::new(1))));
    assert!(matches!(half(3), Ok(nine) if nine == row(9)));
    assert!(matches!(half::get(4), Some(Ok(two)) if two == row(2)));
    assert_eq!((half::stats().misses, half::stats().hits), (3, 2));
}

#[test]
fn cache_err_and_cache_if_say_what_is_kept() {
    #[memo(clone, cache_err)]
    fn parse(text: &str) -> Result<u32, &'static str> {
        text.parse().map_err(|_| "no number")
    }
    assert_eq!((parse("x"), parse("x"), parse("1")), (Err("no number"), Err("no number"), Ok(1)));
    assert_eq!((parse::stats().misses, parse::get("x")), (2, Some(Err("no number"))));

    #[memo(clone, cache_if = Option::is_some)]
    fn find(n: u64) -> Option<Row> {
        (n > 1).then(|| row(n))
    }
    assert_eq!((find(1), find(1), find(2), find(2)), (None, None, Some(row(2)), Some(row(2))));
    find::insert(2, None);
    assert_eq!((find::stats().misses, find::contains(2)), (3, false));
}

#[test]
fn bounds_and_ages_hold() {
    #[memo(clone, max_entries = 3)]
    fn few(n: u64) -> Row {
        row(n)
    }
    for n in 0..200 {
        assert_eq!(few(n), row(n));
        assert!(few::stats().entries <= 3);
    }
    assert_eq!(few::stats().evictions, 197);

    #[memo(clone, ttl = "1h")]
    fn brief(n: u64) -> Row {
        row(n)
    }
    memo::isolated(|| {
        brief(1);
        memo::advance(Duration::from_secs(3600));
        assert!(!brief::contains(1));
        assert_eq!((brief(1), brief::stats().misses), (row(1), 2));
    });
}

#[test]
fn an_old_result_is_served_while_a_thread_refreshes_it() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(clone, ttl = "1h", refresh = "background")]
    fn counted(n: u64) -> (usize, Row) {
        (RUNS.fetch_add(1, SeqCst), row(1))
    }
    memo::isolated(|| {
        assert_eq!(counted(1).0, 0);
        memo::advance(Duration::from_secs(3600));
        assert_eq!(counted(1).0, 0);
        eventually(|| counted(1).0 == 1);
    });
}

#[test]
fn methods_traits_and_generics_keep_results() {
    #[derive(serde::Serialize)]
    struct Table(u64);

    trait Rows {
        fn all(&self) -> Vec<Row>;
    }

    static RUNS: AtomicUsize = AtomicUsize::new(0);

    impl Table {
        #[memo(clone)]
        fn first(&self, n: u64) -> Row {
            row(self.0 + n)
        }

        #[memo(clone, in_impl)]
        fn of(n: u64) -> Option<Row> {
            Some(row(n))
        }
    }

    impl Rows for Table {
        #[memo(clone, in_trait)]
        fn all(&self) -> Vec<Row> {
            RUNS.fetch_add(1, SeqCst);
            vec![row(self.0)]
        }
    }

    #[memo(clone)]
    fn same<T: Clone + Send + Sync + 'static>(n: u8, _value: T) -> Vec<T> {
        vec![_value; n.into()]
    }

    let table = Table(1);
    assert_eq!((table.first(1), table.first(1), Table::of(3)), (row(2), row(2), Some(row(3))));
    assert_eq!((table.first_get(1), Table::of_stats().entries), (Some(row(2)), 1));
    assert_eq!((table.all(), table.all(), RUNS.load(SeqCst)), (vec![row(1)], vec![row(1)], 1));
    assert_eq!((same(2, "a"), same(2, 7), same(2, "b")), (vec!["a"; 2], vec![7; 2], vec!["a"; 2]));
}

#[test]
fn tasks_share_what_is_kept() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(clone)]
    async fn load(n: u64) -> Result<Row, Rc<u8>> {
        RUNS.fetch_add(1, SeqCst);
        if n == 0 {
            Err(Rc::new(1))
        } else {
            Ok(row(n))
        }
    }
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    for _ in 0..3 {
        assert_eq!(block_on(is_send(load(1))), Ok(row(1)));
        assert!(block_on(load(0)).is_err());
    }
    assert_eq!((RUNS.load(SeqCst), load::get(1)), (4, Some(Ok(row(1)))));
    assert_eq!(block_on(load::refresh(1)), Ok(row(1)));
}

#[test]
fn eight_threads_on_one_cold_key_run_the_body_once_and_have_a_clone_each() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(clone)]
    fn slow(n: u64) -> Row {
        RUNS.fetch_add(1, SeqCst);
        row(n)
    }
    for round in 0..100 {
        together(8, |_| assert_eq!(slow(round), row(round)));
    }
    let stats = slow::stats();
    assert_eq!((RUNS.load(SeqCst), stats.misses, stats.hits), (100, 100, 700));
}

#[test]
fn a_clear_wins_over_what_is_being_computed() {
    static RUNS: Runs = Runs::new();
    #[memo(clone)]
    fn held(n: u8) -> Result<Vec<u32>, String> {
        RUNS.held().map(|n| vec![n])
    }
    let call = thread::spawn(|| held(1));
    RUNS.wait_for(1);
    held::clear();
    RUNS.end(0, End::Returns(7));
    assert_eq!(call.join().unwrap(), Ok(vec![7]));
    assert!(!held::contains(1));
}

/// Panics or not, as it is told, when it is cloned and when it is dropped.
#[derive(Debug)]
struct Moody {
    clone: &'static AtomicBool,
    drop: &'static AtomicBool,
}

impl Clone for Moody {
    fn clone(&self) -> Self {
        if self.clone.load(SeqCst) {
            panic_any("no clone");
        }
        Self { ..*self }
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        if self.drop.load(SeqCst) && !thread::panicking() {
            panic_any("no end");
        }
    }
}

#[test]
fn a_clone_that_panics_at_a_hit_is_the_callers_and_the_next_call_hits() {
    static CLONE: AtomicBool = AtomicBool::new(false);
    static DROP: AtomicBool = AtomicBool::new(false);
    #[memo(clone)]
    fn moody(n: u8) -> Moody {
        Moody { clone: &CLONE, drop: &DROP }
    }
    moody(1);
    moody(1);
    CLONE.store(true, SeqCst);
    for _ in 0..10 {
        let caught = catch_unwind(|| moody(1)).unwrap_err();
        assert_eq!(caught.downcast_ref(), Some(&"no clone"));
        assert!(catch_unwind(|| moody::get(1)).is_err());
    }
    CLONE.store(false, SeqCst);
    moody(1);
    moody::clear();
    let stats = moody::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (1, 2, 0));
}

#[test]
fn a_clone_that_panics_at_a_miss_loses_no_result() {
    static CLONE: AtomicBool = AtomicBool::new(true);
    static DROP: AtomicBool = AtomicBool::new(false);
    #[memo(clone)]
    fn moody(n: u8) -> Moody {
        Moody { clone: &CLONE, drop: &DROP }
    }
    moody(1);
    assert!(!moody::contains(1));
    assert_eq!(moody::stats().uncacheable, 1);
    CLONE.store(false, SeqCst);
    moody(1);
    assert!(moody::contains(1));
}

#[test]
fn a_drop_that_panics_spoils_nothing() {
    static CLONE: AtomicBool = AtomicBool::new(false);
    static DROP: AtomicBool = AtomicBool::new(false);
    #[memo(clone, max_entries = 2)]
    fn moody(n: u32) -> Moody {
        Moody { clone: &CLONE, drop: &DROP }
    }
    let held: Vec<_> = (0..200)
        .map(|n| {
            DROP.store(true, SeqCst);
            let value = moody(n);
            assert_eq!(moody::stats().entries, 2.min(n as usize + 1));
            value
        })
        .collect();
    moody::insert(7, held[0].clone());
    moody::clear();
    assert_eq!(moody::stats().entries, 0);
    DROP.store(false, SeqCst);
    drop(held);
    moody(7);
    assert!(moody::contains(7));
}

/// Calls a function at its end, and at its clone.
struct Caller(fn());

impl Clone for Caller {
    fn clone(&self) -> Self {
        self.0();
        Self(self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0();
    }
}

#[test]
fn clones_and_ends_may_use_the_cache_as_no_lock_is_held() {
    #[memo(clone, max_entries = 2)]
    fn caller(n: u32) -> Caller {
        let _ = n;
        Caller(|| {
            caller::contains(0);
            caller::remove(1);
            caller::stats();
            let _ = memo::stats();
        })
    }
    for n in 0..300 {
        caller(n % 5);
        caller(n % 5);
        caller::insert(n % 7, caller(n % 5));
        if n % 50 == 0 {
            caller::clear();
        }
    }
}

#[test]
fn a_clone_that_takes_its_time_keeps_nobody_from_a_clear_nor_from_its_end() {
    static INSIDE: Barrier = Barrier::new(2);
    static DONE: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
    static ENDS: AtomicUsize = AtomicUsize::new(0);

    struct Slow(bool);
    impl Clone for Slow {
        fn clone(&self) -> Self {
            let done = DONE.lock().unwrap().take();
            if let Some(done) = done {
                INSIDE.wait();
                done.recv_timeout(Duration::from_secs(60)).unwrap();
            }
            assert!(self.0, "it is not freed while it is cloned");
            Self(self.0)
        }
    }
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0 = false;
            ENDS.fetch_add(1, SeqCst);
        }
    }
    #[memo(clone)]
    fn slow(n: u32) -> Slow {
        Slow(true)
    }
    slow(1);
    let (done, receiver) = mpsc::channel();
    *DONE.lock().unwrap() = Some(receiver);
    thread::scope(|scope| {
        let clone = scope.spawn(|| slow(1));
        INSIDE.wait();
        slow::clear();
        assert!(!slow::contains(1));
        // Others are freed meanwhile: the clone holds its own entry alone. (A thread of another test
        // that is made to pause in a hit keeps what is unlinked, but for no longer than that.)
        let before = ENDS.load(SeqCst);
        for n in 2..200 {
            slow(n);
            slow::remove(n);
        }
        eventually(|| {
            slow::clear();
            ENDS.load(SeqCst) == before + 2 * 198
        });
        done.send(()).unwrap();
        assert!(clone.join().unwrap().0);
    });
}

#[test]
fn every_value_ends_once_it_is_cleared() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    struct Counted;
    impl Counted {
        fn new() -> Self {
            ALIVE.fetch_add(1, SeqCst);
            Self
        }
    }
    impl Clone for Counted {
        fn clone(&self) -> Self {
            Self::new()
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, SeqCst);
        }
    }
    #[memo(clone, max_entries = 50)]
    fn counted(n: usize) -> Counted {
        Counted::new()
    }
    together(4, |thread| {
        for n in 0..2000 {
            counted(n * (thread + 1) % 70);
        }
    });
    eventually(|| {
        counted::clear();
        ALIVE.load(SeqCst) == 0
    });
}

#[test]
fn a_panic_of_the_body_is_not_kept() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(clone)]
    fn once(n: u8) -> Row {
        assert!(RUNS.fetch_add(1, SeqCst) > 0);
        row(1)
    }
    assert!(catch_unwind(AssertUnwindSafe(|| once(1))).is_err());
    assert_eq!((once(1), once(1), RUNS.load(SeqCst)), (row(1), row(1), 2));
}

#[test]
fn each_hit_clones_once_on_a_thread_that_has_never_called_it_and_within_clones_too() {
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    struct Nested(u32);
    impl Clone for Nested {
        fn clone(&self) -> Self {
            CLONES.fetch_add(1, SeqCst);
            if let Some(inner) = self.0.checked_sub(1) {
                assert_eq!(nested(inner).0, inner);
            }
            Self(self.0)
        }
    }
    #[memo(clone)]
    fn nested(depth: u32) -> Nested {
        Nested(depth)
    }
    for depth in 0..=20 {
        nested(depth);
    }
    CLONES.store(0, SeqCst);
    thread::spawn(|| nested(20)).join().unwrap();
    // One of each depth.
    assert_eq!(CLONES.load(SeqCst), 21);
}

#[test]
fn what_expired_was_evicted_or_replaced_is_dropped_and_not_only_forgotten() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[derive(Clone)]
    struct Large(#[allow(dead_code)] Arc<Counted>);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, SeqCst);
        }
    }
    #[memo(clone, max_entries = 1)]
    fn large(key: u32) -> Large {
        let _ = key;
        ALIVE.fetch_add(1, SeqCst);
        Large(Arc::new(Counted))
    }
    for key in 0..5 {
        large(key);
    }
    // A thread of another test that is made to pause in a hit keeps what is unlinked for so long.
    eventually(|| {
        large::refresh(4);
        ALIVE.load(SeqCst) == 1
    });
    large::remove(4);
    eventually(|| {
        large::clear();
        ALIVE.load(SeqCst) == 0
    });
}

#[test]
fn a_trait_object_over_all_lifetimes_is_kept() {
    #[memo(clone)]
    fn trimmer(from: char) -> Arc<dyn for<'a> Fn(&'a str) -> &'a str + Send + Sync> {
        Arc::new(move |text| text.trim_matches(from))
    }
    assert_eq!((trimmer('-')("-a-"), trimmer('-')("b-")), ("a", "b"));
}
