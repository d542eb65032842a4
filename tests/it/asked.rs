//! What the user's code is asked about a result: it may call its function, wait for others that do,
//! and panic, and no call hangs, fails or loses its result for that.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use memo::{memo, singleton};
use serde::{Deserialize, Serialize, Serializer};

use crate::schedule::{block_on, impatiently, together, End, Runs, Task};

const HOUR: Duration = Duration::from_secs(3600);

/// As a panic, but without a message.
fn panic_quietly<T>() -> T {
    resume_unwind(Box::new("asked the wrong one"))
}

/// Comes back soon, though what is called may wait for a bound that is no one's fault.
#[track_caller]
fn soon<T>(call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = call();
    assert!(start.elapsed() < Duration::from_secs(3), "it took {:?}", start.elapsed());
    result
}

#[test]
fn a_ttl_may_call_the_function_that_it_is_of() {
    #[memo(ttl = Duration::from_secs(u64::from(setting("ttl"))))]
    fn setting(name: &str) -> u32 {
        name.len() as u32 * 1000
    }
    #[memo(ttl = HOUR * block_on(awaited(1)))]
    async fn awaited(key: u32) -> u32 {
        key
    }
    #[singleton(ttl = HOUR * *shared(1))]
    fn shared(key: u32) -> u32 {
        key
    }
    assert_eq!(soon(|| setting("ttl")), 3000);
    assert_eq!(soon(|| setting("wait")), 4000);
    // What there was no answer for yet is not stored; from then on all is.
    assert_eq!(setting("ttl"), 3000);
    assert!(setting::contains("ttl") && setting::contains("wait"));
    assert_eq!(soon(|| block_on(awaited(2))), 2);
    assert_eq!(block_on(awaited(2)), 2);
    assert!(awaited::contains(2));
    assert_eq!(*soon(|| shared(2)), 2);
    assert!(Arc::ptr_eq(&shared(2), &shared(2)));
    assert!(Arc::ptr_eq(&shared(1), &shared(1)));
}

#[test]
fn a_ttl_may_wait_for_threads_that_call_the_function_that_it_is_of() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn ask_others() -> Duration {
        ASKED.fetch_add(1, SeqCst);
        let answers = together(4, |number| limits(1 + number as u32 % 2));
        HOUR * answers.iter().sum::<u32>()
    }
    #[memo(ttl = ask_others())]
    fn limits(key: u32) -> u32 {
        key
    }
    assert_eq!(soon(|| limits(0)), 0);
    assert_eq!((soon(|| limits(1)), limits(2), limits(0)), (1, 2, 0));
    assert!((0..3).all(limits::contains));
    assert_eq!(ASKED.load(SeqCst), 1);

    // The very call whose result it is asked about: that circle nobody sees, and a bound ends it.
    #[memo(ttl = HOUR * thread::spawn(|| own(1)).join().unwrap(), wait = "100ms")]
    fn own(key: u32) -> u32 {
        key
    }
    assert_eq!(soon(|| own(1)), 1);
    assert_eq!((own(1), own::contains(1)), (1, true));
    assert!(own::stats().unshared <= 1);
}

#[test]
fn a_result_whose_ttl_panics_is_returned_and_not_stored_and_the_next_call_asks_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn moody() -> Duration {
        match ASKED.fetch_add(1, SeqCst) {
            0..3 => panic_quietly(),
            _ => HOUR,
        }
    }
    #[memo(ttl = moody())]
    fn number(key: u32) -> u32 {
        key
    }
    for asked in 1..=3 {
        assert_eq!((number(1), number::get(1)), (1, None));
        assert_eq!(ASKED.load(SeqCst), asked);
        assert_eq!(number::stats().uncacheable, u64::from(asked));
    }
    assert_eq!((number(1), number(1)), (1, 1));
    let stats = number::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable, ASKED.load(SeqCst)), (4, 1, 3, 4));
}

#[test]
fn who_waits_for_a_result_whose_ttl_panics_shares_it_all_the_same() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = panic_quietly::<Duration>(), wait = "1h")]
    async fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let (mut leader, mut waiter) = (Task::new(held(1)), Task::new(held(1)));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    RUNS.end(0, End::Returns(3));
    assert_eq!((leader.poll(), waiter.poll()), (Poll::Ready(Ok(3)), Poll::Ready(Ok(3))));
    assert_eq!((RUNS.count(), held::get(1), held::stats().uncacheable), (1, None, 1));
}

#[test]
fn a_resource_whose_ttl_panics_is_its_callers_and_the_next_call_asks_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    fn moody() -> Duration {
        match ASKED.fetch_add(1, SeqCst) {
            0 => panic_quietly(),
            _ => HOUR,
        }
    }
    #[singleton(ttl = moody(), on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn made(key: u32) -> u32 {
        key
    }
    let (first, second) = (made(1), made(1));
    assert_eq!((*first, *second, made::stats().uncacheable), (1, 1, 1));
    assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &made(1)));
    drop(first);
    crate::schedule::eventually(|| RELEASED.load(SeqCst) == 1);
}

#[test]
fn a_result_whose_cache_if_panics_is_returned_and_counted_and_what_was_stored_is_gone() {
    #[memo(cache_if = |value: &u32| *value < 10 || panic_quietly())]
    fn small(key: u32, _value: u32) -> u32 {
        let _ = key;
        _value
    }
    assert_eq!((small(1, 10), small(1, 11)), (10, 11));
    let stats = small::stats();
    assert_eq!((stats.uncacheable, stats.entries, stats.misses), (2, 0, 2));
    assert_eq!((small(1, 2), small(1, 3)), (2, 2));
    // The old result is no longer what the function returns, by all that is known.
    assert_eq!((small::refresh(1, 12), small::get(1)), (12, None));
    small::insert(1, 4);
    small::insert(1, 13);
    assert_eq!((small::get(1), small::stats().uncacheable), (None, 4));
}

#[test]
fn who_waits_for_a_result_whose_cache_if_or_serialize_panics_computes() {
    struct Moody(u32);
    impl Serialize for Moody {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 >= 10 {
                return panic_quietly();
            }
            serializer.serialize_u32(self.0)
        }
    }
    impl<'de> Deserialize<'de> for Moody {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u32::deserialize(deserializer).map(Self)
        }
    }
    static RUNS: [Runs; 2] = [const { Runs::new() }; 2];
    #[memo(wait = "1h", cache_if = |value| value.as_ref().is_ok_and(|value| *value < 10) || panic_quietly())]
    async fn conditional(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS[0].awaited().await
    }
    #[memo(wait = "1h")]
    async fn encoded(key: u32) -> Result<Moody, String> {
        let _ = key;
        RUNS[1].awaited().await.map(Moody)
    }
    fn waits(runs: &Runs, call: impl Fn() -> Task<u32>) {
        let mut tasks = [(); 3].map(|()| call());
        assert!(tasks.iter_mut().all(|task| task.poll().is_pending()));
        let [leader, waiters @ ..] = &mut tasks;
        runs.end(0, End::Returns(10));
        assert_eq!(leader.poll(), Poll::Ready(10));
        for (run, waiter) in (1..).zip(waiters) {
            assert!(waiter.is_woken() && waiter.poll().is_pending());
            runs.end(run, End::Returns(run as u32));
            assert_eq!(waiter.poll(), Poll::Ready(run as u32));
        }
        assert_eq!(runs.count(), 3);
    }
    waits(&RUNS[0], || Task::new(async { conditional(1).await.unwrap() }));
    waits(&RUNS[1], || Task::new(async { encoded(1).await.unwrap().0 }));
    for stats in [conditional::stats(), encoded::stats()] {
        assert_eq!((stats.uncacheable, stats.unshared, stats.entries), (1, 2, 1));
    }
}

#[test]
fn a_bound_of_waits_may_call_its_function_and_panic() {
    static RUNS: Runs = Runs::new();
    static IS_ASKED: AtomicBool = AtomicBool::new(false);
    thread_local!(static IS_INSIDE: Cell<bool> = const { Cell::new(false) });
    fn own() -> Duration {
        // The very call whose wait it is asked for.
        assert!(!IS_INSIDE.replace(true));
        IS_ASKED.store(true, SeqCst);
        let answer = held(1);
        HOUR * answer.unwrap()
    }
    #[memo(wait = own())]
    fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.held()
    }
    thread::scope(|scope| {
        let leader = scope.spawn(|| held(1));
        RUNS.wait_for(1);
        let waiter = scope.spawn(|| held(1));
        crate::schedule::eventually(|| IS_ASKED.load(SeqCst));
        RUNS.end(0, End::Returns(1));
        assert_eq!((leader.join().unwrap(), waiter.join().unwrap()), (Ok(1), Ok(1)));
    });
    assert_eq!(RUNS.count(), 1);

    static OTHERS: Runs = Runs::new();
    #[memo(wait = panic_quietly::<Duration>())]
    fn moody(key: u32) -> Result<u32, String> {
        let _ = key;
        OTHERS.held()
    }
    thread::scope(|scope| {
        let leader = scope.spawn(|| moody(1));
        OTHERS.wait_for(1);
        let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| moody(1))).collect();
        // It does not ask: its bound is its thread's.
        let relief = scope.spawn(|| impatiently(|| moody(1)));
        OTHERS.wait_for(2);
        OTHERS.end(1, End::Returns(2));
        for call in waiters.into_iter().chain([relief]) {
            assert_eq!(call.join().unwrap(), Ok(2));
        }
        OTHERS.end(0, End::Returns(1));
        assert_eq!(leader.join().unwrap(), Ok(1));
    });
}
