//! One attribute for every executor.

use std::future::Future;
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Duration;

use futures::executor::{LocalPool, ThreadPool};
use futures::task::SpawnExt;
use memo::{memo, singleton};
use smol::future::yield_now;
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::{pending, Count};

/// Calls of an async memo function and an async singleton, declared where this is written.
macro_rules! calls {
    () => {{
        #[memo]
        async fn length(text: &str) -> usize {
            yield_now().await;
            text.len()
        }
        #[singleton]
        async fn pool(url: &str) -> Result<String, String> {
            yield_now().await;
            Ok(url.into())
        }
        async {
            let text = String::from("borrowed");
            assert_eq!((length(&text).await, length(&text).await), (8, 8));
            let (first, second) = (pool("db").await, pool("db").await);
            assert!(Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
            assert_eq!((length::stats().misses, pool::stats().misses), (1, 1));
        }
    }};
}

#[test]
fn tokio_on_one_thread() {
    Builder::new_current_thread().build().unwrap().block_on(calls!());
}

#[test]
fn tokio_on_many_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(runtime.spawn(calls!())).unwrap();
}

#[test]
fn smol() {
    smol::block_on(smol::spawn(calls!()));
}

#[test]
fn the_executors_of_futures() {
    futures::executor::block_on(calls!());
    LocalPool::new().run_until(calls!());
    let pool = ThreadPool::builder().pool_size(1).create().unwrap();
    futures::executor::block_on(pool.spawn_with_handle(calls!()).unwrap());
}

#[test]
fn tasks_of_different_executors_share_one_flight() {
    static RUNS: Count = Count::new();
    #[memo]
    async fn held(x: u32, _go_on: &Notify) -> u32 {
        RUNS.add();
        _go_on.notified().await;
        x
    }
    let go_on = Notify::new();
    let (left, is_left) = mpsc::channel();
    let call = || pending(held(1, &go_on), || left.send(()).unwrap());
    type BlockOn<F> = fn(F) -> u32;
    fn block_on_tokio(future: impl Future<Output = u32>) -> u32 {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }
    thread::scope(|scope| {
        let executors: [BlockOn<_>; 3] =
            [|f| block_on_tokio(f), |f| smol::block_on(f), |f| futures::executor::block_on(f)];
        let threads = executors.map(|block_on| {
            let call = call();
            scope.spawn(move || block_on(call))
        });
        // Each has been polled once: one leads, two wait.
        is_left.iter().take(3).for_each(drop);
        go_on.notify_one();
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [1; 3]);
    });
    let stats = held::stats();
    assert_eq!((RUNS.get(), stats.hits, stats.unshared), (1, 2, 0));
}

#[test]
fn isolated_tasks_are_apart_on_whichever_threads_they_are_polled() {
    const TASKS: usize = 50;
    static RUNS: Count = Count::new();
    #[memo(ttl = "1h")]
    async fn counted(_task: usize, x: usize) -> usize {
        RUNS.add();
        yield_now().await;
        _task + x
    }
    #[singleton]
    async fn shared(_task: usize) -> usize {
        yield_now().await;
        _task
    }
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let task = |task: usize| {
        memo::isolated_async(async move {
            for round in 0..20 {
                // It yields in the middle of calls, and others go on on its thread.
                for x in [0, 100, 0, 100] {
                    assert_eq!(counted(task, x).await, task + x);
                    assert_eq!(*shared(task).await, task);
                }
                // What is spawned is outside.
                let outside = tokio::spawn(async { (counted::contains(0), shared::contains()) });
                assert_eq!(outside.await.unwrap(), (false, false));
                assert_eq!(counted::stats().misses, 2 * (round + 1));
                memo::advance(Duration::from_secs(3600));
                assert!(!counted::contains(0) && shared::contains());
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(|number| runtime.spawn(task(number))).collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert_eq!(RUNS.get() as usize, TASKS * 40);
    assert_eq!((counted::stats().misses, shared::stats().misses), (0, 0));
}
