//! Hits of async functions. comemo and memoize have none; the naive cache would be the sync one.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::Criterion;

use crate::measure::Group;
use crate::systems;

pub fn all(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "async", 1);
    macro_rules! hits {
        ($($system:ident),+) => {
            $(group.hits(stringify!($system), 1, |_| {
                block_on(systems::$system::number_async(black_box(42)))
            });)+
        };
    }
    hits!(memo, cached, concurrent_cached, moka, quick_cache);
}

/// The least that an executor can be: a hit is ready when it is first polled.
fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}
