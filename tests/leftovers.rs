//! What calls leave behind that fail, are given up, wait, or are made void: nothing. In a process of
//! its own, as the allocator is everybody's.

#[path = "support/allocator.rs"]
mod allocator;
#[path = "schedule/mod.rs"]
mod schedule;

use std::future::{pending, Future};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use allocator::held;
use memo::{memo, singleton};
use schedule::{eventually, impatiently, together, End, Runs};

/// Whatever is held for a call has one: its arguments, its body, its waker, its resource.
type Alive = Arc<()>;

/// How a body ends.
fn end(number: usize, _alive: Alive) -> Result<usize, Alive> {
    match number % 4 {
        0 => Err(_alive),
        1 => resume_unwind(Box::new(_alive)),
        _ => Ok(number),
    }
}

#[memo]
fn data(key: usize, _number: usize, _alive: Alive) -> Result<usize, Alive> {
    let _ = key;
    end(_number, _alive)
}

#[singleton(max_entries = 2)]
fn resource(key: usize, _number: usize, _alive: Alive) -> Result<(usize, Alive), Alive> {
    end(key + _number, Arc::clone(&_alive)).map(|number| (number, _alive))
}

#[memo]
async fn task(key: usize, _number: usize, _alive: Alive) -> Result<usize, Alive> {
    let _ = key;
    yielding(_number % 3).await;
    if _number.is_multiple_of(5) {
        pending::<()>().await;
    }
    end(_number, _alive)
}

#[singleton(ttl = "1ms")]
async fn shared(key: usize, _number: usize, _alive: Alive) -> Result<Alive, Alive> {
    let inner = task(key, _number, Arc::clone(&_alive)).await?;
    yielding(inner % 3).await;
    end(_number + inner, Arc::clone(&_alive)).map(|_| Arc::new(()))
}

async fn yielding(times: usize) {
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Holding(#[allow(dead_code)] Alive);

impl Wake for Holding {
    fn wake(self: Arc<Self>) {}
}

/// Polls calls of few keys in turns, some of which are dropped, some forgotten by others.
fn tasks(seed: usize, alive: &Alive) {
    let waker = Waker::from(Arc::new(Holding(Arc::clone(alive))));
    let mut context = Context::from_waker(&waker);
    let mut calls: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for step in 0..60 {
        let number = step * 7 + seed;
        let (key, alive) = (number % 3, Arc::clone(alive));
        match number % 9 {
            0..=2 => calls.push(Box::pin(async move { drop(task(key, number, alive).await) })),
            3 | 4 => calls.push(Box::pin(async move { drop(shared(key, number, alive).await) })),
            5 => calls.push(Box::pin(async move { drop(task::refresh(key, number, alive).await) })),
            6 if !calls.is_empty() => drop(calls.swap_remove(number % calls.len())),
            7 => drop((task::remove(key), shared::remove(key))),
            _ if number.is_multiple_of(4) => task::clear(),
            _ => {}
        }
        calls.retain_mut(|call| {
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut context)));
            matches!(polled, Ok(Poll::Pending))
        });
    }
}

/// Calls on threads, of few keys as well.
fn threads(seed: usize, alive: &Alive) {
    for step in 0..60 {
        let number = step * 7 + seed;
        let (key, alive) = (number % 3, || Arc::clone(alive));
        // What it panics with is dropped as the rest.
        let _ = catch_unwind(AssertUnwindSafe(|| match number % 9 {
            0..=3 => drop(data(key, number, alive())),
            4 | 5 => drop(resource(key, number, alive())),
            6 => drop(data::refresh(key, number, alive())),
            7 => drop((data::remove(key), resource::remove(key))),
            _ => resource::clear(),
        }));
    }
}

/// A leader that is held, one that relieves it, and others that wait; they end in either order.
fn relief(seed: usize, alive: &Alive) {
    let runs = Runs::new();
    #[memo(wait = "1h")]
    fn held(key: usize, _runs: &Runs, _alive: Alive) -> Result<u32, Alive> {
        let _ = key;
        _runs.held().map_err(|_| _alive)
    }
    std::thread::scope(|scope| {
        let runs = &runs;
        let call = move || held(seed, runs, Arc::clone(alive));
        scope.spawn(call);
        runs.wait_for(1);
        scope.spawn(move || impatiently(call));
        runs.wait_for(2);
        let ends = [End::Fails, End::Returns(1)];
        runs.end(seed % 2, ends[seed / 2 % 2]);
        runs.end(1 - seed % 2, End::Returns(2));
    });
    held::clear();
}

fn storm(seed: usize, alive: &Alive) {
    together(6, |thread| {
        let seed = seed * 6 + thread;
        if thread % 2 == 0 {
            tasks(seed, alive);
        } else {
            threads(seed, alive);
        }
    });
    relief(seed, alive);
    for clear in [data::clear, resource::clear, task::clear, shared::clear] {
        clear();
    }
}

#[test]
fn nothing_is_left_of_calls_that_failed_were_given_up_waited_or_were_made_void() {
    let alive = Arc::new(());
    let storms = |seeds: std::ops::Range<usize>| {
        for seed in seeds {
            storm(seed, &alive);
            // What is told late is told soon after.
            eventually(|| Arc::strong_count(&alive) == 1);
        }
        // The threads of our own go when they have nothing to do, and with them what they keep.
        let least = (0..40).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            held()
        });
        least.min().unwrap_or_default()
    };
    let before = storms(0..30);
    let after = storms(30..180);
    assert!(after < before + 20_000, "{} bytes are left", after - before);
    let stats = [data::stats(), resource::stats(), task::stats(), shared::stats()];
    assert_eq!(stats.map(|stats| (stats.entries, stats.bytes)), [(0, 0); 4]);
}
