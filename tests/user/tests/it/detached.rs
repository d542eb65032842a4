//! Computations that are tasks of tokio's, in whichever runtime a call is made; no spawner is set here.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;

use memo::memo;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Where bodies wait for a test.
static NOTIFIED: Notify = Notify::const_new();

#[test]
fn clients_that_time_out_fill_the_cache_with_one_computation() {
    for runtime in [current_thread(), multi_thread()] {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        #[memo(detached)]
        async fn slow(id: u32) -> u32 {
            RUNS.fetch_add(1, SeqCst);
            sleep(Duration::from_millis(200)).await;
            id * 2
        }
        slow::clear();
        RUNS.store(0, SeqCst);
        runtime.block_on(async {
            let mut clients = 0;
            while timeout(Duration::from_millis(50), slow(1)).await.is_err() {
                clients += 1;
                assert!(clients < 20, "it is never there");
            }
            assert_eq!(slow::get(1), Some(2));
        });
        assert_eq!(RUNS.load(SeqCst), 1);
    }
}

#[tokio::test]
async fn a_panic_resumes_in_the_call() {
    #[memo(detached)]
    async fn panics(x: u32) -> u32 {
        assert!(x > 4, "too small");
        x
    }
    let panic = tokio::spawn(panics(4)).await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"too small"));
    assert_eq!(panics(5).await, 5);
}

#[test]
fn a_runtime_that_is_shut_down_in_the_middle_hands_over() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        if RUNS.fetch_add(1, SeqCst).is_multiple_of(2) {
            NOTIFIED.notified().await;
        }
        2 * x
    }
    for (key, first) in (1..).zip([current_thread, multi_thread]) {
        let (first, second) = (first(), current_thread());
        // Its call has gone, and a waiter elsewhere inherits.
        first.block_on(async {
            let call = timeout(Duration::from_millis(20), twice(key));
            assert!(call.await.is_err());
        });
        let begun = Arc::new(Notify::new());
        let told = Arc::clone(&begun);
        let waiter = std::thread::spawn(move || {
            second.block_on(async {
                let mut call = Box::pin(twice(key));
                let not_yet = timeout(Duration::from_millis(1), &mut call).await;
                told.notify_one();
                match not_yet {
                    Ok(result) => result,
                    Err(_) => call.await,
                }
            })
        });
        current_thread().block_on(begun.notified());
        first.shutdown_background();
        assert_eq!(waiter.join().unwrap(), 2 * key);
    }
}

#[tokio::test]
async fn an_old_result_is_refreshed_behind_its_callers() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(ttl = "1h", refresh = "background")]
    async fn count(name: &str) -> usize {
        name.len() + RUNS.fetch_add(1, SeqCst)
    }
    memo::isolated_async(async {
        assert_eq!(count("EUR").await, 3);
        memo::advance(Duration::from_secs(3600));
        assert_eq!(count("EUR").await, 3);
        while count("EUR").await == 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!((count("EUR").await, RUNS.load(SeqCst)), (4, 2));
    })
    .await;
}

#[test]
fn without_a_runtime_a_call_computes_itself() {
    #[memo(detached)]
    async fn twice(x: u32) -> u32 {
        2 * x
    }
    assert_eq!(smol::block_on(twice(4)), 8);
    assert_eq!(twice::get(4), Some(8));
}
