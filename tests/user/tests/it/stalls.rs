//! Futures that other people's crates keep without polling them, though they were woken.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use memo::memo;
use tokio::sync::Notify;
use tokio::task::{spawn, yield_now};
use tokio_test::{assert_pending, task};

use crate::Count;

/// Well within this a leader that is not polled is noticed; its bound alone would take five.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_buffered_streams_consumer_may_ask_for_what_is_in_the_buffer() {
    #[memo]
    async fn block(number: u32) -> u32 {
        for _ in 0..5 {
            yield_now().await;
        }
        2 * number
    }
    let start = Instant::now();
    let mut ahead = stream::iter(0..6).map(block).buffered(3);
    let mut number = 0;
    while let Some(value) = ahead.next().await {
        assert_eq!(value, 2 * number);
        // Nobody polls the stream meanwhile.
        assert_eq!(block(number + 1).await, value + 2);
        number += 1;
    }
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_arm_of_a_select_may_ask_for_what_another_one_computes() {
    static RUNS: Count = Count::new();
    #[memo]
    async fn page(number: u32, _loaded: &Notify) -> u32 {
        if RUNS.add() == 0 {
            _loaded.notified().await;
        }
        2 * number
    }
    let (loaded, asked) = (Notify::new(), Notify::new());
    let start = Instant::now();
    let mut ahead = pin!(page(3, &loaded));
    asked.notify_one();
    let value = tokio::select! {
        biased;
        value = &mut ahead => value,
        () = asked.notified() => {
            // It could go on now, and is not polled.
            loaded.notify_one();
            page(3, &loaded).await
        }
    };
    assert_eq!((value, RUNS.get()), (6, 2));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(ahead.await, 6);
}

#[tokio::test]
async fn tasks_behind_a_future_that_is_kept_in_a_list_go_on() {
    static RUNS: Count = Count::new();
    static LOADED: Notify = Notify::const_new();
    #[memo]
    async fn page(number: u32) -> u32 {
        if RUNS.add() == 0 {
            LOADED.notified().await;
        }
        2 * number
    }
    let mut kept = vec![task::spawn(page(3))];
    assert_pending!(kept[0].poll());
    let start = Instant::now();
    let tasks: Vec<_> = (0..50).map(|_| spawn(page(3))).collect();
    yield_now().await;
    LOADED.notify_one();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 6);
    }
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(RUNS.get() <= 5, "{} runs", RUNS.get());
    assert_eq!(kept.remove(0).await, 6);
}
