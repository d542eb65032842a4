use std::cell::{Cell, RefCell};
use std::future::{poll_fn, Future};
use std::pin::{pin, Pin};
use std::task::{Context, Poll, Waker};

use memo::memo;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending the first time that any is polled.
async fn once(is_polled: &Cell<bool>) {
    poll_fn(|_| if is_polled.replace(true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

pub(super) fn a_task_finds_what_another_computed() {
    #[memo]
    async fn double(x: u64, _is_polled: &Cell<bool>) -> u64 {
        once(_is_polled).await;
        x * 2
    }
    let is_polled = Cell::new(false);
    let mut first = pin!(double(4, &is_polled));
    assert_eq!(poll(first.as_mut()), Poll::Pending);
    assert_eq!(poll(first.as_mut()), Poll::Ready(8));
    is_polled.set(false);
    assert_eq!(poll(pin!(double(4, &is_polled))), Poll::Ready(8));
    let stats = double::stats();
    assert_eq!((stats.hits, stats.misses, is_polled.get()), (1, 1, false));
}

pub(super) fn a_task_does_not_wait_for_one_that_nobody_polls() {
    #[memo(wait = "100ms")]
    async fn kept(x: u64, _is_polled: &Cell<bool>) -> u64 {
        once(_is_polled).await;
        x
    }
    let is_polled = Cell::new(false);
    let mut leader = pin!(kept(1, &is_polled));
    assert_eq!(poll(leader.as_mut()), Poll::Pending);
    let mut waiter = pin!(kept(1, &is_polled));
    while poll(waiter.as_mut()).is_pending() {
        if cfg!(target_family = "wasm") {
            panic!("nobody will wake it");
        }
        std::thread::yield_now();
    }
    assert_eq!((poll(leader.as_mut()), kept::stats().unshared), (Poll::Ready(1), 1));
}

pub(super) fn a_dropped_leader_is_followed_by_the_next_call() {
    #[memo]
    async fn left(x: u64, _is_polled: &Cell<bool>) -> u64 {
        once(_is_polled).await;
        x
    }
    let is_polled = Cell::new(false);
    {
        let mut leader = pin!(left(1, &is_polled));
        assert_eq!(poll(leader.as_mut()), Poll::Pending);
    }
    assert_eq!(poll(pin!(left(1, &is_polled))), Poll::Ready(1));
    assert_eq!(left::get(1), Some(1));
}

thread_local! {
    static WAITING: RefCell<Option<Pin<Box<dyn Future<Output = u64>>>>> =
        const { RefCell::new(None) };
}

pub(super) fn a_sync_call_does_not_wait_for_what_its_own_thread_would_have_to_compute() {
    /// An executor in its body polls a task that began before it, and that no call knows to be in it.
    #[memo(wait = "100ms")]
    fn outside(x: u64) -> u64 {
        match WAITING.take() {
            Some(mut task) => match poll(task.as_mut()) {
                Poll::Ready(inside) => inside + x,
                Poll::Pending => unreachable!("it has been polled twice"),
            },
            None => x,
        }
    }
    #[memo]
    async fn task(x: u64, _is_polled: &'static Cell<bool>) -> u64 {
        once(_is_polled).await;
        outside(x)
    }
    let is_polled = Box::leak(Box::new(Cell::new(false)));
    let mut begun: Pin<Box<dyn Future<Output = u64>>> = Box::pin(task(1, is_polled));
    assert_eq!(poll(begun.as_mut()), Poll::Pending);
    WAITING.set(Some(begun));
    assert_eq!(outside(1), 2);
    assert_eq!(outside::stats().unshared, 1);
}
