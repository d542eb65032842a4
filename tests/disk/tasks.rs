//! Async functions wait for the disk, and their executor does not.

use std::future::{ready, Future};
use std::path::PathBuf;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{Changes, DiskStore, Failure, FunctionId, Key, Lookup, Store, Ticket};

use crate::children::{ask_another, command, computed, Scratch, AGES};

/// A disk store that tells what it is asked, on the thread on which it is. It has no patience: each
/// call asks for changes.
struct Watched {
    disk: DiskStore,
    asked: fn(&'static str),
}

/// How many questions are being answered.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// One of them.
struct Asking;

impl Asking {
    fn new() -> Self {
        ASKED.fetch_add(1, SeqCst);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKED.fetch_sub(1, SeqCst);
    }
}

/// Comes back when nobody asks any more, whoever waited for the answer: the directory can go.
fn wait_for_answers() {
    let start = Instant::now();
    while ASKED.load(SeqCst) > 0 {
        assert!(start.elapsed() < AGES, "somebody asks for ever");
        thread::yield_now();
    }
}

impl Watched {
    fn open(directory: &OnceLock<PathBuf>, asked: fn(&'static str)) -> Self {
        asked("open");
        Self { disk: DiskStore::open(directory.get().unwrap()), asked }
    }
}

impl Store for Watched {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let _asking = Asking::new();
        (self.asked)("get");
        self.disk.get(function, key)
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let _asking = Asking::new();
        (self.asked)("put");
        self.disk.put(function, key, ticket, value, life)
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let _asking = Asking::new();
        (self.asked)("remove");
        self.disk.remove(function, key)
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let _asking = Asking::new();
        (self.asked)("clear");
        self.disk.clear(function)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        let _asking = Asking::new();
        (self.asked)("clear_all");
        self.disk.clear_all()
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let _asking = Asking::new();
        (self.asked)("changes");
        let answer = self.disk.changes(function, since);
        (self.asked)("changes, asked");
        answer
    }

    fn max_staleness(&self) -> Duration {
        Duration::ZERO
    }
}

/// An executor of one task, which runs on its own thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(AGES),
        }
    }
}

/// A future that is polled by hand.
struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl<T> Task<T> {
    fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Box::pin(future), flag: Arc::new(Flag(AtomicBool::new(true))) }
    }

    /// Polls it whenever it is woken, until something happens elsewhere.
    fn poll_until(&mut self, happens: &Receiver<()>) {
        let start = Instant::now();
        while happens.try_recv().is_err() {
            assert!(start.elapsed() < AGES, "it never came to that");
            if self.flag.0.swap(false, SeqCst) {
                assert!(self.poll().is_pending());
            }
            thread::yield_now();
        }
    }

    fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[test]
fn the_executor_s_thread_never_asks_the_store() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    static ASKED: Mutex<Vec<(&str, ThreadId)>> = Mutex::new(Vec::new());
    fn asked(what: &'static str) {
        ASKED.lock().unwrap().push((what, thread::current().id()));
    }
    #[memo(store = Watched::open(&DIRECTORY, asked), cache_if = |number| *number < 100)]
    async fn double(number: u32, _times: u32) -> u32 {
        ready(number * _times).await
    }
    #[memo(store = Watched::open(&DIRECTORY, asked))]
    async fn checked(number: u32) -> Result<u32, String> {
        ready(if number < 10 { Ok(number) } else { Err("too large".into()) }).await
    }
    let scratch = Scratch::new();
    DIRECTORY.set(scratch.path().into()).unwrap();

    block_on(async {
        assert_eq!((double(1, 2).await, double(1, 3).await), (2, 2));
        assert_eq!((double::refresh(1, 4).await, double(1, 2).await), (4, 4));
        // What is not to be stored replaces what is.
        assert_eq!((double::refresh(1, 100).await, double(1, 2).await), (100, 2));
        assert_eq!((double(60, 2).await, double(60, 1).await), (120, 60));
        assert_eq!((checked(1).await, checked(1).await), (Ok(1), Ok(1)));
        assert!(checked(10).await.is_err() && checked::refresh(10).await.is_err());
    });

    let asked = std::mem::take(&mut *ASKED.lock().unwrap());
    for what in ["open", "get", "put", "remove", "changes"] {
        assert!(asked.iter().any(|(asked, _)| *asked == what), "`{what}` was not asked: {asked:?}");
    }
    let own = thread::current().id();
    let blocking: Vec<_> = asked.iter().filter(|(_, thread)| *thread == own).collect();
    assert!(blocking.is_empty(), "{blocking:?}");
    assert_eq!((double::stats().store_errors, checked::stats().store_errors), (0, 0));
}

#[test]
fn the_companions_for_tasks_do_what_the_others_do_and_never_block_the_executor_s_thread() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    static ASKED: Mutex<Vec<(&str, ThreadId)>> = Mutex::new(Vec::new());
    fn asked(what: &'static str) {
        ASKED.lock().unwrap().push((what, thread::current().id()));
    }
    #[memo(store = Watched::open(&DIRECTORY, asked), cache_if = |number| *number < 100)]
    async fn double(text: &str, _times: u32) -> u32 {
        ready(text.len() as u32 * _times).await
    }
    #[memo(store = Watched::open(&DIRECTORY, asked), key = text.parse::<u32>()?)]
    async fn parsed(text: String) -> Result<u32, String> {
        ready(text.parse::<u32>().map_err(|error| error.to_string())).await
    }
    struct Scale(u32);
    impl Scale {
        #[memo(store = Watched::open(&DIRECTORY, asked), key = (self.0, x))]
        async fn apply(&self, x: u32) -> u32 {
            ready(self.0 * x).await
        }
    }
    let scratch = Scratch::new();
    DIRECTORY.set(scratch.path().into()).unwrap();
    fn assert_send<F: Future + Send>(future: F) -> F {
        future
    }

    block_on(assert_send(async {
        assert_eq!(
            (double::get_async("a").await, double::contains_async("a").await),
            (None, false)
        );
        double::insert_async("a", 7).await;
        assert_eq!((double("a", 1).await, double::get_async("a").await), (7, Some(7)));
        // What the condition says no to replaces what is stored.
        double::insert_async("a", 100).await;
        assert_eq!((double::contains_async("a").await, double("a", 2).await), (false, 2));
        assert_eq!(
            (double::remove_async("a").await, double::remove_async("a").await),
            (true, false)
        );
        assert_eq!((double("b", 1).await, double("c", 1).await), (1, 1));
        double::clear_async().await;
        assert!(!double::contains_async("b").await && !double::contains_async("c").await);

        parsed::insert_async("1".to_owned(), Ok(2)).await;
        parsed::insert_async("x".to_owned(), Ok(2)).await;
        assert_eq!(
            (parsed::get_async("1".to_owned()).await, parsed("1".to_owned()).await),
            (Some(Ok(2)), Ok(2))
        );
        assert_eq!(
            (parsed::get_async("x".to_owned()).await, parsed::remove_async("x".to_owned()).await),
            (None, false)
        );

        let scale = Scale(2);
        assert_eq!((scale.apply(3).await, scale.apply_get_async(3).await), (6, Some(6)));
        assert!(scale.apply_remove_async(3).await && !scale.apply_contains_async(3).await);
        scale.apply_insert_async(3, 1).await;
        Scale::apply_clear_async().await;
        assert_eq!(scale.apply_get_async(3).await, None);
    }));

    let asked = std::mem::take(&mut *ASKED.lock().unwrap());
    for what in ["open", "get", "put", "remove", "clear", "changes"] {
        assert!(asked.iter().any(|(asked, _)| *asked == what), "`{what}` was not asked: {asked:?}");
    }
    let own = thread::current().id();
    let blocking: Vec<_> = asked.iter().filter(|(_, thread)| *thread == own).collect();
    assert!(blocking.is_empty(), "{blocking:?}");
    assert_eq!((double::stats().store_errors, parsed::stats().store_errors), (0, 0));
}

/// Where a store is to wait until it is let on, once.
struct Gate {
    at: &'static str,
    is_there: Sender<()>,
    go_on: Receiver<()>,
}

/// Shut for the next one who asks for that.
fn shut(gate: &Mutex<Option<Gate>>, at: &'static str) -> (Receiver<()>, Sender<()>) {
    let (is_there, there) = channel();
    let (let_on, go_on) = channel();
    *gate.lock().unwrap() = Some(Gate { at, is_there, go_on });
    (there, let_on)
}

fn pass(gate: &Mutex<Option<Gate>>, at: &'static str) {
    let gate = gate.lock().unwrap().take_if(|gate| gate.at == at);
    if let Some(gate) = gate {
        gate.is_there.send(()).unwrap();
        // A test that fails lets nobody on.
        let _ = gate.go_on.recv_timeout(AGES);
    }
}

#[test]
fn a_future_dropped_while_it_waits_for_the_store_leaves_nothing_behind() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    static GATE: Mutex<Option<Gate>> = Mutex::new(None);
    #[memo(store = Watched::open(&DIRECTORY, |at| pass(&GATE, at)))]
    async fn double(number: u32) -> u32 {
        ready(2 * number).await
    }
    let scratch = Scratch::new();
    DIRECTORY.set(scratch.path().into()).unwrap();

    let places = ["open", "changes", "get", "put"];
    for (number, place) in (1..).zip(places) {
        let (is_there, let_on) = shut(&GATE, place);
        let mut task = Task::new(double(number));
        task.poll_until(&is_there);
        drop(task);
        if place == "open" {
            // The others wait for that, whoever asked for it.
            let_on.send(()).unwrap();
        }
        // The store has not answered yet; the call asks anew.
        assert_eq!(block_on(double(number)), 2 * number, "{place}");
        let _ = let_on.send(());
    }
    let stats = double::stats();
    assert_eq!((stats.unshared, stats.store_errors), (0, 0), "{stats:?}");
    // Whoever goes on does so on threads of memo's own, until it is done.
    let start = Instant::now();
    let store = DiskStore::open(scratch.path());
    while store.entries().len() < places.len() {
        assert!(start.elapsed() < AGES, "{:?}", store.entries());
        thread::yield_now();
    }
    assert!((1..=4).all(|number| block_on(double(number)) == 2 * number));
    assert_eq!(double::stats().misses, stats.misses);
    wait_for_answers();
}

#[test]
fn the_first_question_for_changes_voids_nothing_that_is_computed_since_another_s() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    static GATE: Mutex<Option<Gate>> = Mutex::new(None);
    type Other = (Sender<()>, thread::JoinHandle<u32>);
    static OTHER: Mutex<Option<Other>> = Mutex::new(None);
    #[memo(store = Watched::open(&DIRECTORY, |at| pass(&GATE, at)))]
    fn double(number: u32) -> u32 {
        let other = OTHER.lock().unwrap().take();
        if let Some((let_on, other)) = other {
            let_on.send(()).unwrap();
            assert_eq!(other.join().unwrap(), 2);
        }
        2 * number
    }
    let scratch = Scratch::new();
    DIRECTORY.set(scratch.path().into()).unwrap();

    let (is_there, let_on) = shut(&GATE, "changes, asked");
    let other = thread::spawn(|| double(1));
    is_there.recv_timeout(AGES).unwrap();
    *OTHER.lock().unwrap() = Some((let_on, other));
    // The other's answer comes while this is computed.
    assert_eq!(double(2), 4);
    assert_eq!(double(2), 4);
    let stats = double::stats();
    assert_eq!((stats.misses, stats.hits, stats.store_errors), (2, 1, 0), "{stats:?}");
}

#[test]
fn who_waits_takes_over_from_a_future_dropped_while_it_waits_for_the_store() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    static GATE: Mutex<Option<Gate>> = Mutex::new(None);
    #[memo(store = Watched::open(&DIRECTORY, |at| pass(&GATE, at)))]
    async fn double(number: u32) -> u32 {
        ready(2 * number).await
    }
    let scratch = Scratch::new();
    DIRECTORY.set(scratch.path().into()).unwrap();

    let (is_there, let_on) = shut(&GATE, "get");
    let mut leader = Task::new(double(1));
    leader.poll_until(&is_there);
    // The second of these questions is the waiter's; after that it is about to wait.
    let (asks, asked) = shut(&GATE, "changes");
    let mut waiter = Task::new(double(1));
    waiter.poll_until(&asks);
    asked.send(()).unwrap();
    let start = Instant::now();
    while !waiter.flag.0.swap(false, SeqCst) {
        assert!(start.elapsed() < AGES, "nobody woke it");
        thread::yield_now();
    }
    assert!(waiter.poll().is_pending(), "somebody computes already");
    drop(leader);
    assert_eq!(block_on(waiter.future), 2);
    let_on.send(()).unwrap();
    let stats = double::stats();
    assert_eq!((stats.misses, stats.hits, stats.unshared), (1, 0, 0));
    wait_for_answers();
}

#[memo(store = "disk")]
async fn triple(number: u64) -> u64 {
    computed(ready(3 * number).await)
}

#[memo(store = "disk")]
async fn halved(number: u64) -> Result<u64, String> {
    let half = if number.is_multiple_of(2) { Ok(number / 2) } else { Err("odd".to_owned()) };
    computed(ready(half).await)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "triple" => block_on(triple(number)).to_string(),
        "refresh" => block_on(triple::refresh(number)).to_string(),
        "halved" => format!("{:?}", block_on(halved(number))),
        "get" => format!("{:?} {:?}", triple::get(number), halved::get(number)),
        "get_async" => format!("{:?}", block_on(triple::get_async(number))),
        "remove_async" => block_on(triple::remove_async(number)).to_string(),
        _ => unreachable!("{line}"),
    }
}

#[test]
fn what_a_task_computes_the_next_process_finds() {
    let scratch = Scratch::new();
    let ask = |line: &str| ask_another("tasks", &scratch, line);
    assert_eq!(ask("triple 4"), "12, computed");
    assert_eq!(ask("triple 4"), "12");
    assert_eq!(ask("get_async 4"), "Some(12)");
    assert_eq!((ask("remove_async 4"), ask("get_async 4")), ("true".into(), "None".into()));
    assert_eq!(ask("triple 4"), "12, computed");
    assert_eq!(ask("refresh 4"), "12, computed");
    assert_eq!(ask("triple 4"), "12");
    assert_eq!(ask("halved 4"), "Ok(2), computed");
    assert_eq!(ask("halved 4"), "Ok(2)");
    assert_eq!(ask("halved 5"), "Err(\"odd\"), computed");
    assert_eq!(ask("halved 5"), "Err(\"odd\"), computed");
    assert_eq!(ask("get 4"), "Some(12) Some(Ok(2))");
}
