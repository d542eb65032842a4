//! Stores and the functions in front of them, where they are hard on each other.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{Changes, DiskStore, Failure, FunctionId, Key, Lookup, Store, Ticket};

use crate::removing::remove;

/// Polls until it is done; the thread is woken for that.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// A directory of this test process, gone with it if all goes well.
fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("memo-hard-{}-{name}", std::process::id()))
}

fn open(name: &str) -> DiskStore {
    DiskStore::open(directory(name))
}

struct Gone(&'static str);

impl Drop for Gone {
    fn drop(&mut self) {
        remove(&directory(self.0));
    }
}

#[test]
fn functions_in_functions_share_no_results_though_all_their_tokens_are_the_same() {
    fn two() -> u64 {
        const FACTOR: u64 = 2;
        #[memo(store = open("nested"))]
        fn scaled(x: u64) -> u64 {
            x * FACTOR
        }
        scaled(10)
    }
    fn three() -> u64 {
        const FACTOR: u64 = 3;
        #[memo(store = open("nested"))]
        fn scaled(x: u64) -> u64 {
            x * FACTOR
        }
        scaled(10)
    }
    let _gone = Gone("nested");
    assert_eq!((two(), three()), (20, 30));
}

#[test]
fn a_store_whose_opening_calls_its_function_is_opened_all_the_same() {
    fn make() -> DiskStore {
        open(&setting(0).to_string())
    }
    #[memo(store = make())]
    fn setting(x: u64) -> u64 {
        x + 40
    }
    let _gone = Gone("40");
    assert_eq!(setting(2), 42);
    assert!(setting::contains(2));
}

#[test]
fn what_opens_a_store_is_asked_once_though_it_panics() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn make() -> DiskStore {
        ASKED.fetch_add(1, SeqCst);
        panic!("there is none")
    }
    #[memo(store = make())]
    fn square(x: u64) -> u64 {
        x * x
    }
    assert_eq!((square(3), square(4), square(3)), (9, 16, 9));
    assert_eq!(ASKED.load(SeqCst), 1);
    assert!(square::stats().store_errors > 0);
}

struct Panics;

impl Store for Panics {
    fn get(&self, _: &FunctionId<'_>, _: &Key) -> Result<Lookup, Failure> {
        panic!("get")
    }
    fn put(
        &self,
        _: &FunctionId<'_>,
        _: &Key,
        _: Ticket,
        _: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        panic!("put")
    }
    fn remove(&self, _: &FunctionId<'_>, _: &Key) -> Result<(bool, Ticket), Failure> {
        panic!("remove")
    }
    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        panic!("clear")
    }
    fn clear_all(&self) -> Result<(), Failure> {
        panic!("clear_all")
    }
    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        panic!("changes")
    }
    fn max_staleness(&self) -> Duration {
        panic!("patience")
    }
}

#[test]
fn a_store_that_always_panics_fails_no_call() {
    #[memo(store = Panics)]
    fn square(x: u64) -> u64 {
        x * x
    }
    assert_eq!((square(3), square(3)), (9, 9));
    square::insert(4, 16);
    assert_eq!((square::get(4), square::remove(4), square::get(4)), (Some(16), true, None));
    square::clear();
    assert_eq!((square::get(3), square(3)), (None, 9));
}

#[test]
fn async_functions_of_a_trait_are_stored() {
    trait Squares {
        fn square(&self, x: u64) -> impl std::future::Future<Output = u64>;
    }
    struct Plain;
    static RUNS: AtomicU32 = AtomicU32::new(0);
    impl Squares for Plain {
        #[memo(in_trait, skip(self), ttl = "1h", max_entries = 1, store = open("traits"))]
        async fn square(&self, x: u64) -> u64 {
            RUNS.fetch_add(1, SeqCst);
            x * x
        }
    }
    let _gone = Gone("traits");
    // Memory has room for one of them.
    let square = |x| block_on(Plain.square(x));
    assert_eq!((square(2), square(3), square(2)), (4, 9, 4));
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn what_was_inserted_before_any_call_is_cleared_by_others() {
    #[memo(store = open("inserted"))]
    fn square(x: u64) -> u64 {
        x * x
    }
    let _gone = Gone("inserted");
    square::insert(1, 7);
    assert_eq!(square(1), 7);
    // As another process does.
    open("inserted").clear_all().unwrap();
    let cleared = Instant::now();
    while square(1) == 7 {
        assert!(cleared.elapsed() < Duration::from_secs(10), "nobody noticed");
    }
}

/// A disk store that does not do what it is told for a while.
struct Faulty(DiskStore);

static IS_DOWN: AtomicBool = AtomicBool::new(false);

impl Faulty {
    fn up(&self) -> Result<&DiskStore, Failure> {
        if IS_DOWN.load(SeqCst) {
            return Err("it is down".into());
        }
        Ok(&self.0)
    }
}

impl Store for Faulty {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.up()?.get(function, key)
    }
    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        self.up()?.put(function, key, ticket, value, life)
    }
    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        self.up()?.remove(function, key)
    }
    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.up()?.clear(function)
    }
    fn clear_all(&self) -> Result<(), Failure> {
        self.up()?.clear_all()
    }
    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        self.up()?.changes(function, since)
    }
}

#[test]
fn what_was_replaced_removed_or_cleared_while_the_store_was_down_does_not_come_back() {
    static NOW: AtomicU32 = AtomicU32::new(1);
    static FAULTY: LazyLock<Arc<Faulty>> = LazyLock::new(|| Arc::new(Faulty(open("faulty"))));
    // Memory forgets at once, so that the store is asked.
    #[memo(store = Arc::clone(&FAULTY), max_entries = 1)]
    fn now(_x: u32, x: u32) -> u32 {
        NOW.load(SeqCst) + x
    }
    let _gone = Gone("faulty");
    let of = |x| now(0, x);
    assert_eq!([of(10), of(20), of(30), of(40)], [11, 21, 31, 41]);

    IS_DOWN.store(true, SeqCst);
    NOW.store(2, SeqCst);
    assert_eq!(now::refresh(0, 10), 12);
    now::insert(20, 22);
    now::remove(30);
    IS_DOWN.store(false, SeqCst);
    assert_eq!([of(40), of(30), of(20), of(10)], [41, 32, 22, 12]);

    IS_DOWN.store(true, SeqCst);
    NOW.store(3, SeqCst);
    now::clear();
    IS_DOWN.store(false, SeqCst);
    assert_eq!([of(40), of(30)], [43, 33]);
}

/// A store that cannot be cleared at first, and then takes until the test has it go on.
struct ClearsLate(DiskStore);

static CLEARS: AtomicU32 = AtomicU32::new(0);
static IS_UNDER_WAY: Barrier = Barrier::new(2);
static GOES_ON: Barrier = Barrier::new(2);

impl Store for ClearsLate {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.0.get(function, key)
    }
    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        self.0.put(function, key, ticket, value, life)
    }
    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        self.0.remove(function, key)
    }
    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        match CLEARS.fetch_add(1, SeqCst) {
            0 => return Err("not now".into()),
            1 => {
                IS_UNDER_WAY.wait();
                GOES_ON.wait();
            }
            _ => {}
        }
        self.0.clear(function)
    }
    fn clear_all(&self) -> Result<(), Failure> {
        self.0.clear_all()
    }
    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        self.0.changes(function, since)
    }
}

#[test]
fn what_could_not_be_cleared_is_not_found_while_another_call_makes_up_for_that() {
    static NOW: AtomicU32 = AtomicU32::new(1);
    #[memo(store = ClearsLate(open("late")))]
    fn version(x: u64) -> u32 {
        let _ = x;
        NOW.load(SeqCst)
    }
    let _gone = Gone("late");
    assert_eq!((version(1), version(2)), (1, 1));
    NOW.store(2, SeqCst);
    version::clear();
    std::thread::scope(|scope| {
        let clears = scope.spawn(|| version(1));
        IS_UNDER_WAY.wait();
        let found = version(2);
        GOES_ON.wait();
        assert_eq!((found, clears.join().unwrap()), (2, 2));
    });
}
