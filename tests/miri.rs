//! What the attributes do, small enough for an interpreter: `.ci/miri` has Miri look at it, in many
//! schedules. Each test has a body for each way into the runtime that differs, not for each promise.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use memo::{memo, singleton, Session};

/// Two are enough for an interpreter, which has them meet everywhere.
const THREADS: u32 = if cfg!(miri) { 2 } else { 3 };

/// Has so many threads do something from the same moment on.
fn together(act: impl Fn(u32) + Sync) {
    let barrier = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (barrier, act) = (&barrier, &act);
            scope.spawn(move || {
                barrier.wait();
                act(number);
            });
        }
    });
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn threads_share_results_while_they_are_cleared() {
    #[memo]
    fn text(number: u32, tail: &str) -> String {
        format!("{number}{tail}")
    }
    together(|thread| {
        for number in 0..3 {
            assert_eq!(text(number, "a"), format!("{number}a"));
            assert_eq!(text(number, &"b".repeat(40)), format!("{number}{}", "b".repeat(40)));
        }
        match thread {
            0 => text::clear(),
            1 => drop(text::remove(1, "a")),
            _ => assert_eq!(text::refresh(2, "a"), "2a"),
        }
        assert_eq!(text(1, "a"), "1a");
    });
    text::clear();
    assert_eq!(text::stats().entries, 0);
}

#[test]
fn threads_evict_each_others_results() {
    #[memo(max_entries = 2)]
    fn few(number: u32) -> Vec<u32> {
        vec![number; 3]
    }
    #[memo(max_bytes = 400)]
    fn small(number: u32) -> String {
        "x".repeat(number as usize * 10)
    }
    together(|thread| {
        for number in 0..5 {
            assert_eq!(few(number + thread), [number + thread; 3]);
            assert_eq!(small(number).len() as u32, number * 10);
        }
    });
    assert!(few::stats().entries <= 2 && small::stats().bytes <= 400);
}

#[test]
fn companions_change_what_is_stored() {
    #[memo]
    fn data(number: u32) -> u64 {
        u64::from(number)
    }
    assert_eq!((data::get(1), data::contains(1)), (None, false));
    data::insert(1, 10);
    assert_eq!((data(1), data::get(1)), (10, Some(10)));
    assert_eq!((data::refresh(1), data(1)), (1, 1));
    assert!(data::remove(1) && !data::remove(1));
    assert_eq!(data::stats().entries, 0);
}

#[test]
fn clones_of_what_is_kept_are_read_while_it_is_removed() {
    #[memo(clone)]
    fn kept(number: u32) -> Arc<Vec<u32>> {
        Arc::new(vec![number; 2])
    }
    together(|thread| {
        for number in 0..3 {
            assert_eq!(*kept(number), [number; 2]);
            if thread == 0 {
                kept::remove(number);
            }
        }
    });
    let held = kept(0);
    kept::clear();
    assert_eq!(*held, [0; 2]);
}

#[test]
fn threads_have_one_resource_which_is_released_once() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    #[singleton(on_release = |_: &String| { RELEASED.fetch_add(1, SeqCst); })]
    fn resource(number: u32) -> String {
        MADE.fetch_add(1, SeqCst);
        number.to_string()
    }
    together(|thread| {
        let held = resource(1);
        assert_eq!(*held, "1");
        if thread == 0 {
            resource::clear();
        }
        assert_eq!(*held, "1");
        assert_eq!(*resource(2), "2");
    });
    assert!(Arc::ptr_eq(&resource(2), &resource(2)));
    resource::clear();
    while RELEASED.load(SeqCst) < MADE.load(SeqCst) {
        thread::yield_now();
    }
    assert_eq!(RELEASED.load(SeqCst), MADE.load(SeqCst));
}

#[test]
fn futures_share_results_and_a_dropped_one_leaves_them_to_others() {
    #[memo]
    async fn late(number: u32) -> u32 {
        let mut is_ready = false;
        std::future::poll_fn(|context| {
            if is_ready {
                return Poll::Ready(());
            }
            is_ready = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        number + 1
    }
    {
        let mut dropped = pin!(late(1));
        let is_pending = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(is_pending.is_pending());
    }
    together(|_| assert_eq!(block_on(late(1)), 2));
    assert_eq!(late::stats().entries, 1);
    block_on(late::refresh(1));
    late::clear();
}

#[test]
fn errors_and_panics_are_not_stored() {
    #[memo]
    fn failing(number: u32) -> Result<String, String> {
        if number == 1 {
            return Err("not now".into());
        }
        if number == 2 {
            std::panic::resume_unwind(Box::new("told to panic"));
        }
        Ok("a result".into())
    }
    together(|_| {
        assert_eq!(failing(0).as_deref(), Ok("a result"));
        assert!(failing(1).is_err());
        assert!(std::panic::catch_unwind(|| failing(2)).is_err());
    });
    assert_eq!(failing::stats().entries, 1);
}

#[test]
fn sessions_end_while_others_go_on() {
    #[memo(scope = "session")]
    fn data(number: u32, _whose: u32) -> u32 {
        number + 100 * _whose
    }
    together(|thread| {
        for _ in 0..2 {
            let session = Session::new();
            session.enter(|| {
                assert_eq!(data(1, thread), 1 + 100 * thread);
            });
        }
    });
    assert_eq!(data::stats().entries, 0);
}

#[test]
fn what_has_expired_is_computed_again() {
    #[memo(ttl = "1m", max_entries = 4)]
    fn aging(number: u32) -> Vec<u32> {
        vec![number]
    }
    memo::isolated(|| {
        for _ in 0..2 {
            for number in 0..6 {
                assert_eq!(aging(number), [number]);
            }
            memo::advance(Duration::from_secs(120));
        }
        assert_eq!(aging::stats().misses, 12);
    });
}

#[test]
fn tags_are_cleared_in_all_functions() {
    #[memo(tags(format!("miri {}", number % 2)))]
    fn one(number: u32) -> u32 {
        number
    }
    #[memo(clone, tags("miri 1"))]
    fn other(number: u32) -> String {
        number.to_string()
    }
    together(|thread| {
        for number in 0..3 {
            assert_eq!((one(number), other(number)), (number, number.to_string()));
        }
        if thread == 0 {
            memo::clear_tag("miri 1");
        }
    });
    memo::clear_tag("miri 1");
    assert!(one::contains(0) && !one::contains(1) && !other::contains(0));
}
