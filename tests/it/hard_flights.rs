//! Flights whose waiters, wakers and values do what is allowed and seldom done.

use std::cell::Cell;
use std::env;
use std::future::{pending, poll_fn, Future};
use std::panic::{catch_unwind, resume_unwind};
use std::pin::Pin;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::Duration;

use memo::{memo, singleton};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nothing takes that long; it is there for a failure to be one.
const AGES: Duration = Duration::from_secs(20);

/// A future that is polled by hand, with a waker of its own.
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
        Self { future: Box::pin(future), flag: Arc::default() }
    }

    fn poll(&mut self) -> Poll<T> {
        self.flag.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it was woken after it was polled.
    fn is_woken(&self) -> bool {
        self.flag.0.load(SeqCst)
    }
}

/// Done once the flag is set, when somebody polls.
async fn until(is_open: &AtomicBool) {
    poll_fn(|_| if is_open.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[test]
fn a_waiter_that_looks_late_does_not_get_what_was_forgotten_meanwhile() {
    static NOW: AtomicU32 = AtomicU32::new(0);
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    #[memo]
    async fn now(key: usize) -> u32 {
        let _ = key;
        let now = NOW.load(SeqCst);
        until(&IS_OPEN).await;
        now
    }
    let ways: [(fn(usize), u32); 3] = [
        (|_| now::clear(), 2),
        (|key| assert!(now::remove(key)), 2),
        (|key| now::insert(key, 7), 7),
    ];
    for (key, (forget, expected)) in ways.into_iter().enumerate() {
        NOW.store(1, SeqCst);
        IS_OPEN.store(false, SeqCst);
        let (mut leader, mut waiter) = (Task::new(now(key)), Task::new(now(key)));
        assert!(leader.poll().is_pending() && waiter.poll().is_pending());
        IS_OPEN.store(true, SeqCst);
        assert_eq!(leader.poll(), Poll::Ready(1));
        // The result waits for the waiter now.
        NOW.store(2, SeqCst);
        forget(key);
        assert_eq!(waiter.poll(), Poll::Ready(expected));
    }
}

#[test]
fn a_waker_left_by_who_took_over_is_no_waiter() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    #[memo]
    async fn held(key: u32) -> u32 {
        until(&IS_OPEN).await;
        key
    }
    let [mut leader, mut woken, mut eager, mut last] = [(); 4].map(|()| Task::new(held(1)));
    assert!(leader.poll().is_pending() && woken.poll().is_pending() && eager.poll().is_pending());
    drop(leader);
    assert!(woken.is_woken());
    // Polled without having been woken, as in a `join!`: it takes over before the other looks.
    assert!(eager.poll().is_pending());
    drop(woken);
    assert!(last.poll().is_pending());
    drop(eager);
    assert!(last.is_woken());
    IS_OPEN.store(true, SeqCst);
    assert_eq!(last.poll(), Poll::Ready(1));
}

#[test]
fn a_waker_may_clear_the_cache() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum When {
        Cloned,
        Woken,
        Dropped,
    }
    thread_local!(static CLEARS: Cell<Option<When>> = const { Cell::new(None) });
    #[memo]
    async fn endless(key: u32) -> u32 {
        pending::<()>().await;
        key
    }
    fn happens(now: When) {
        if CLEARS.get() == Some(now) {
            CLEARS.set(None);
            endless::clear();
        }
    }
    fn clone() -> RawWaker {
        happens(When::Cloned);
        RawWaker::new(ptr::null(), &TABLE)
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| clone(),
        |_| happens(When::Woken),
        |_| happens(When::Woken),
        |_| happens(When::Dropped),
    );
    // SAFETY: the functions of the table use no data, and may be called on any thread.
    let waker = unsafe { Waker::from_raw(clone()) };
    let mut context = Context::from_waker(&waker);
    for when in [When::Cloned, When::Woken, When::Dropped] {
        let (mut leader, mut waiter) = (Box::pin(endless(1)), Box::pin(endless(1)));
        assert!(leader.as_mut().poll(&mut context).is_pending());
        if when != When::Cloned {
            assert!(waiter.as_mut().poll(&mut context).is_pending());
        }
        CLEARS.set(Some(when));
        match when {
            When::Cloned => assert!(waiter.as_mut().poll(&mut context).is_pending()),
            When::Woken => drop(leader),
            When::Dropped => drop(waiter),
        }
        assert_eq!(CLEARS.get(), None, "{when:?}");
    }
}

#[test]
fn a_panic_whose_payload_panics_again_leaves_no_flight_behind() {
    /// Panics once more, where it is dropped.
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            if !thread::panicking() {
                resume_unwind(Box::new(()));
            }
        }
    }
    struct Moody(bool);
    impl Serialize for Moody {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if !self.0 {
                resume_unwind(Box::new(Again));
            }
            serializer.serialize_bool(self.0)
        }
    }
    impl<'de> Deserialize<'de> for Moody {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            bool::deserialize(deserializer).map(Self)
        }
    }
    #[memo]
    fn moody(key: u32, _is_calm: bool) -> Moody {
        let _ = key;
        Moody(_is_calm)
    }
    assert!(!moody(1, false).0);
    assert!(moody(1, true).0);
    assert!(moody(1, false).0);
    let stats = moody::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable, stats.unshared), (2, 1, 1, 0));

    #[memo]
    fn explosive(key: u32, _is_calm: bool) -> u32 {
        if !_is_calm {
            resume_unwind(Box::new(Again));
        }
        key
    }
    // Its body's panic is the caller's, down to the payload.
    std::mem::forget(catch_unwind(|| explosive(1, false)));
    assert_eq!(explosive(1, true), 1);
    assert_eq!(explosive::stats().unshared, 0);
}

#[test]
fn a_wait_leaves_the_park_token_to_its_owner() {
    static BOTH_RUN: Barrier = Barrier::new(2);
    #[memo]
    fn slow(key: u32) -> u32 {
        // Both run only when one has waited for the other until its bound ran out.
        if key == 1 {
            BOTH_RUN.wait();
        }
        key
    }
    // Two first calls of a function may wait for each other in ways that do take tokens.
    slow(0);
    let (over, is_over) = channel();
    for over in [over.clone(), over] {
        thread::spawn(move || {
            thread::current().unpark();
            slow(1);
            // Returns, as the token is there still.
            thread::park();
            over.send(()).unwrap();
        });
    }
    for _ in 0..2 {
        is_over.recv_timeout(AGES).expect("the token is gone");
    }
    assert_eq!(slow::stats().unshared, 1);
}

#[test]
fn a_bound_that_ran_out_does_not_lengthen_the_next() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    // Its body needs a call with its own key on another thread: only a bound ends that circle.
    #[memo]
    fn stuck(key: u32, _is_outer: bool) -> u32 {
        if _is_outer {
            thread::spawn(move || stuck(key, false)).join().unwrap()
        } else {
            key
        }
    }
    #[memo]
    async fn held(key: u32) -> u32 {
        until(&IS_OPEN).await;
        key
    }
    // Takes as long as the other's bound, so that a wait for the next may take twice that.
    let mut leader = Task::new(held(1));
    assert!(leader.poll().is_pending());
    stuck(1, true);
    IS_OPEN.store(true, SeqCst);
    assert_eq!(leader.poll(), Poll::Ready(1));

    IS_OPEN.store(false, SeqCst);
    let (mut leader, mut waiter) = (Task::new(held(2)), Task::new(held(2)));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    // Over before that wait is, unless the first time has doubled its bound as well.
    stuck(2, true);
    assert!(waiter.poll().is_pending());
    assert_eq!((stuck::stats().unshared, held::stats().unshared), (2, 0));
}

#[test]
fn a_new_result_that_cannot_be_stored_replaces_the_old_one_all_the_same() {
    static NOW: AtomicU32 = AtomicU32::new(1);
    #[memo(cache_if = |now| *now < 10)]
    fn small(key: u32) -> u32 {
        let _ = key;
        NOW.load(SeqCst)
    }
    assert_eq!(small(1), 1);
    NOW.store(20, SeqCst);
    assert_eq!(small::refresh(1), 20);
    assert_eq!((small::get(1), small(1)), (None, 20));
    small::insert(1, 2);
    assert_eq!(small(1), 2);
    small::insert(1, 30);
    assert_eq!((small::get(1), small(1)), (None, 20));

    // Carried by no codec, if it is large.
    #[derive(Debug, Deserialize, PartialEq)]
    struct Number(u32);
    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 < 10 {
                serializer.serialize_newtype_struct("Number", &self.0)
            } else {
                Err(serde::ser::Error::custom("too large"))
            }
        }
    }
    #[memo]
    fn number(key: u32, _now: u32) -> Number {
        let _ = key;
        Number(_now)
    }
    assert_eq!(number(1, 1), Number(1));
    assert_eq!(number::refresh(1, 20), Number(20));
    assert_eq!((number::get(1), number(1, 2)), (None, Number(2)));
    number::insert(1, Number(30));
    assert_eq!((number::get(1), number(1, 3)), (None, Number(3)));
}

/// Runs a test in a process of its own, where it disturbs no other.
fn alone(test: &str, run: impl FnOnce()) {
    const ALONE: &str = "MEMO_TEST_RUNS_ALONE";
    if env::var_os(ALONE).is_some() {
        return run();
    }
    let mut alone = Command::new(env::current_exe().unwrap());
    let output = alone.args(["--exact", test]).env(ALONE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn what_a_clear_gives_up_while_another_function_is_read_ends_all_the_same() {
    // For as long as a reader is held, no function's resources can end.
    alone(
        "hard_flights::what_a_clear_gives_up_while_another_function_is_read_ends_all_the_same",
        || {
            static READS: Barrier = Barrier::new(2);
            static IS_CLEARED: Barrier = Barrier::new(2);
            thread_local!(static IS_HELD: Cell<bool> = const { Cell::new(false) });
            struct Key;
            impl Serialize for Key {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if IS_HELD.take() {
                        READS.wait();
                        IS_CLEARED.wait();
                    }
                    serializer.serialize_unit()
                }
            }
            #[memo]
            fn read(key: &Key) -> u32 {
                let _ = key;
                1
            }
            #[singleton]
            fn resource(_alive: &Sender<()>) -> Sender<()> {
                _alive.clone()
            }
            let (alive, ended) = channel();
            read(&Key);
            resource(&alive);
            drop(alive);
            thread::scope(|scope| {
                scope.spawn(|| {
                    IS_HELD.set(true);
                    read(&Key)
                });
                READS.wait();
                resource::clear();
                IS_CLEARED.wait();
            });
            // Once nothing is left that could send.
            assert_eq!(ended.recv_timeout(AGES), Err(RecvTimeoutError::Disconnected));
        },
    );
}
