//! Async functions wait for the server, and their executor does not.

use std::future::{poll_fn, ready, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::RedisStore;

use crate::common::{block_on, join, store, until, AGES, LATE, RECOVERY};
use crate::proxy::Proxy;
use crate::server::Server;

/// Longer than any other thing that could keep a thread.
const LONG: Duration = Duration::from_millis(600);

fn patient(url: &OnceLock<String>) -> RedisStore {
    RedisStore::builder(url.get().unwrap()).deadline(LONG).connect()
}

/// Is polled again and again until it is to end: the longest time between two times.
async fn ticks(is_over: &AtomicBool) -> Duration {
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    poll_fn(|context| {
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if is_over.load(SeqCst) {
            return Poll::Ready(longest);
        }
        thread::sleep(Duration::from_micros(200));
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn another_task_of_the_same_thread_goes_on_while_the_server_does_not_answer() {
    static URL: OnceLock<String> = OnceLock::new();
    #[memo(store = patient(&URL))]
    async fn double(number: u64) -> u64 {
        ready(2 * number).await
    }
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    URL.set(proxy.url()).unwrap();
    let call = |number| async move {
        let is_over = AtomicBool::new(false);
        let start = Instant::now();
        let called = async {
            let result = double(number).await;
            is_over.store(true, SeqCst);
            (result, start.elapsed())
        };
        join(called, ticks(&is_over)).await
    };
    proxy.mute();
    let ((result, took), longest) = block_on(call(1));
    println!("mute: the call took {took:?}, the other waited {longest:?} at the longest");
    assert_eq!(result, 2);
    assert!(took > LONG / 2 && took < LONG + LATE, "the call took {took:?}");
    assert!(longest < LONG / 2, "the thread was kept for {longest:?}");

    // What is to be put waits as well.
    proxy.leave_alone();
    let mut number = 10;
    until("all is well", RECOVERY + LONG, || {
        let before = double::stats().store_errors;
        number += 1;
        block_on(double(number));
        double::stats().store_errors == before
    });
    server.stop();
    let ((result, took), longest) = block_on(call(2));
    println!("stopped: the call took {took:?}, the other waited {longest:?} at the longest");
    assert_eq!(result, 4);
    assert!(took < LONG + LATE, "the call took {took:?}");
    assert!(longest < LONG / 2, "the thread was kept for {longest:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn many_tasks_at_once_wait_no_longer_than_one_while_the_server_does_not_answer() {
    static URL: OnceLock<String> = OnceLock::new();
    #[memo(store = store(&URL))]
    async fn double(number: u64) -> u64 {
        ready(2 * number).await
    }
    let server = Server::new();
    URL.set(server.url()).unwrap();
    assert_eq!(block_on(double(0)), 0);
    server.stop();
    let start = Instant::now();
    let mut tasks: Vec<Pin<Box<dyn Future<Output = u64>>>> = (1..=64)
        .map(|number| -> Pin<Box<dyn Future<Output = u64>>> { Box::pin(double(number)) })
        .collect();
    let mut results = vec![None; tasks.len()];
    block_on(poll_fn(|context| {
        for (task, result) in tasks.iter_mut().zip(&mut results) {
            if result.is_none() {
                if let Poll::Ready(output) = task.as_mut().poll(context) {
                    *result = Some(output);
                }
            }
        }
        if results.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
    let took = start.elapsed();
    println!("64 tasks took {took:?}");
    assert!((1..).zip(&results).all(|(number, result)| *result == Some(2 * number)));
    assert!(took < LATE, "{took:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_a_task_computed_is_found_by_the_next() {
    static URL: OnceLock<String> = OnceLock::new();
    #[memo(store = patient(&URL), max_entries = 1)]
    async fn double(number: u64) -> u64 {
        ready(2 * number).await
    }
    let server = Server::new();
    URL.set(server.url()).unwrap();
    for _ in 0..3 {
        for number in 0..20 {
            assert_eq!(block_on(double(number)), 2 * number);
        }
    }
    let stats = double::stats();
    assert_eq!((stats.misses, stats.hits, stats.store_errors), (20, 40, 0));
}

fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T>>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_future_dropped_while_it_waits_for_the_server_leaves_nothing_behind() {
    static URL: OnceLock<String> = OnceLock::new();
    #[memo(store = patient(&URL))]
    async fn double(number: u64) -> u64 {
        ready(2 * number).await
    }
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    URL.set(proxy.url()).unwrap();
    assert_eq!(block_on(double(0)), 0);
    let drops = 20;
    for number in 1..=drops {
        // Somewhere on its way: sooner, or later.
        let mut future: Pin<Box<dyn Future<Output = u64>>> = Box::pin(double(number));
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(100 * number) {
            if poll(&mut future).is_ready() {
                break;
            }
        }
    }
    // The next ones neither wait for them nor compute beside them.
    for number in 1..=drops {
        let start = Instant::now();
        assert_eq!(block_on(double(number)), 2 * number);
        assert!(start.elapsed() < LATE, "{:?}", start.elapsed());
    }
    let stats = double::stats();
    assert_eq!((stats.unshared, stats.store_errors), (0, 0), "{stats:?}");
    assert_eq!(stats.entries, drops as usize + 1);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_future_dropped_while_it_computes_for_the_fleet_gives_the_right_back() {
    static URL: OnceLock<String> = OnceLock::new();
    static IS_SHUT: AtomicBool = AtomicBool::new(true);
    static STARTED: AtomicU64 = AtomicU64::new(0);
    #[memo(store = patient(&URL), flight = "fleet")]
    async fn double(number: u64) -> u64 {
        STARTED.fetch_add(1, SeqCst);
        poll_fn(|_| if IS_SHUT.load(SeqCst) { Poll::Pending } else { Poll::Ready(()) }).await;
        2 * number
    }
    let server = Server::new();
    URL.set(server.url()).unwrap();
    let leases = || server.ask(&["KEYS", "*:lease"]).len();
    let mut future: Pin<Box<dyn Future<Output = u64>>> = Box::pin(double(1));
    until("it computes", AGES, || {
        assert!(poll(&mut future).is_pending());
        STARTED.load(SeqCst) == 1
    });
    assert_eq!(leases(), 1);
    drop(future);
    until("the right is given back", AGES, || leases() == 0);
    IS_SHUT.store(false, SeqCst);
    assert_eq!(block_on(double(1)), 2);
    until("the right is given back", AGES, || leases() == 0);
    assert_eq!((STARTED.load(SeqCst), double::stats().unshared), (2, 0));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_wait_for_another_process_keeps_no_thread() {
    static URL: OnceLock<String> = OnceLock::new();
    #[memo(store = patient(&URL), flight = "fleet")]
    async fn double(number: u64) -> u64 {
        ready(2 * number).await
    }
    let server = Server::new();
    URL.set(server.url()).unwrap();
    assert_eq!(block_on(double(0)), 0);
    // Another has the right to compute what is asked for next, for a while.
    until("the right is given back", AGES, || server.ask(&["KEYS", "*:lease"]).is_empty());
    let result = server.ask(&["KEYS", "memo:redis:1:????????????????????????????????:*"]).remove(0);
    server.ask(&["DEL", &result]);
    for record in server.ask(&["KEYS", "memo:redis:1:{*}*"]) {
        server.ask(&["DEL", &record]);
    }
    server.ask(&["PUBLISH", "memo:redis:1:invalidations", ""]);
    let is_over = Arc::new(AtomicBool::new(false));
    until("memory has forgotten it", AGES, || double::get(0).is_none());
    server.ask(&["SET", &format!("{result}:lease"), "another", "PX", "400"]);
    let start = Instant::now();
    let (took, longest) = block_on(async {
        let called = async {
            assert_eq!(double(0).await, 0);
            is_over.store(true, SeqCst);
            start.elapsed()
        };
        join(called, ticks(&is_over)).await
    });
    println!("the call took {took:?}, the other waited {longest:?} at the longest");
    assert!(took > Duration::from_millis(200) && took < LATE + LATE, "{took:?}");
    assert!(longest < LONG / 2, "the thread was kept for {longest:?}");
}
