//! What cancelled tasks leave in memory, in a process of its own: the allocator is everybody's.

#[path = "../../support/allocator.rs"]
mod allocator;

use std::time::{Duration, Instant};

use allocator::held;
use memo::memo;
use smol::future::yield_now;
use tokio_test::{assert_pending, task};

#[memo]
async fn inner(x: u32) -> u32 {
    yield_now().await;
    x
}

#[memo]
async fn outer(x: u32) -> u32 {
    inner(x).await
}

/// Two calls of each function that wait for one flight, dropped in either order.
fn abandon(x: u32) {
    let mut calls = [(); 2].map(|()| task::spawn(outer(x)));
    let mut others = [(); 2].map(|()| task::spawn(inner(x)));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    for call in &mut others {
        assert_pending!(call.poll());
    }
    if x.is_multiple_of(2) {
        drop((calls, others));
    } else {
        let ([leader, waiter], [first, second]) = (calls, others);
        drop((second, waiter, first, leader));
    }
}

#[test]
fn calls_that_nobody_stays_for_leave_no_memory_behind() {
    (0..1_000).for_each(abandon);
    let before = held();
    (1_000..21_000).for_each(abandon);
    // The timers of the waits are given back by a thread, which may come to it later.
    let start = Instant::now();
    while held() > before + 20_000 {
        let left = held() - before;
        assert!(start.elapsed() < Duration::from_secs(10), "{left} bytes are left");
        std::thread::yield_now();
    }
    assert_eq!((outer::stats().entries, inner::stats().entries), (0, 0));
}
