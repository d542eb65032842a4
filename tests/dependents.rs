//! What is kept of results that depend on others and have gone: little. In a process of its own, as the
//! allocator is everybody's.

#[path = "support/allocator.rs"]
mod allocator;

use std::cell::RefCell;
use std::future::{poll_fn, Future};
use std::pin::{pin, Pin};
use std::task::{Context, Poll, Waker};

use allocator::held;
use memo::memo;

const RESULTS: u64 = 20_000;

#[memo]
fn price(item: u64) -> u64 {
    item
}

#[memo(depends)]
fn total(order: u64) -> u64 {
    price(order % 1000) + price(order % 777)
}

#[memo(depends, max_entries = 100)]
fn bounded(order: u64) -> u64 {
    price(order % 1000)
}

/// Of a thousand hits each, and one at a time.
#[memo(depends, max_entries = 1)]
fn wide(order: u64) -> u64 {
    (0..1000).map(price).sum::<u64>() + order
}

/// A body that goes on after its end, and asks for its own result.
#[memo(depends)]
async fn begun(key: u64) -> u64 {
    let mut rest: Rest = Box::pin(goes_on(key));
    assert!(rest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    RESTS.with_borrow_mut(|rests| rests.push(rest));
    key
}

#[memo]
async fn goes_on(key: u64) -> u64 {
    let mut is_first = true;
    poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
    begun(key).await + 1
}

type Rest = Pin<Box<dyn Future<Output = u64>>>;

thread_local! {
    static RESTS: RefCell<Vec<Rest>> = const { RefCell::new(Vec::new()) };
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(it) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return it;
        }
    }
}

#[memo]
fn other(x: u64) -> u64 {
    x
}

/// Misses of another function, which reclaim what others have left.
fn misses(round: u64) {
    for x in 0..20_000 {
        other(x + round);
    }
    other::clear();
    for x in 0..20_000 {
        other(x);
    }
    other::clear();
}

#[test]
fn what_has_gone_is_not_kept_by_what_it_was_computed_from() {
    let round = |round| {
        for order in 0..RESULTS {
            total(order);
            bounded(order);
        }
        let filled = held();
        let before = held();
        for order in 0..300 {
            wide(order);
        }
        assert!(held() < before + 2_000_000, "{} bytes for one entry", held() - before);
        for key in 0..1000 {
            ready(begun(key));
            let rests = RESTS.take();
            rests.into_iter().for_each(|rest| assert_eq!(ready(rest), key + 1));
        }
        begun::clear();
        goes_on::clear();
        wide::clear();
        total::clear();
        bounded::clear();
        misses(round);
        (filled, held())
    };
    round(0);
    let (filled, before) = round(1);
    round(2);
    let (_, after) = round(3);
    assert!(filled > before + 2_000_000, "{filled} bytes when filled, {before} when cleared");
    assert!(after < before + 500_000, "{after} bytes after {before}");
}
