//! A reporter that panics, in a process of its own: there is one for all.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use memo::{memo, singleton, Session};
use serde::{Serialize, Serializer};

static TOLD: AtomicU32 = AtomicU32::new(0);

/// As a panic, but without a message.
fn panic_quietly<T>() -> T {
    resume_unwind(Box::new("not today"))
}

struct NoKey;

impl Serialize for NoKey {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no key today"))
    }
}

#[memo]
fn keyless(key: &NoKey) -> u32 {
    let _ = key;
    1
}

#[memo(cache_if = |_| panic_quietly())]
fn conditional(key: u32) -> u32 {
    key + 1
}

#[memo(ttl = panic_quietly::<Duration>())]
fn aging(key: u32) -> Result<u32, String> {
    Ok(key + 2)
}

#[singleton(ttl = panic_quietly::<Duration>())]
fn resource(key: u32) -> u32 {
    key + 3
}

#[memo(ttl = |_| panic_quietly())]
fn lived(key: u32) -> u32 {
    key + 4
}

#[memo(enabled = key == 0 || panic_quietly())]
fn enabled(key: u32) -> u32 {
    key + 5
}

#[memo(idle = panic_quietly::<Duration>())]
fn idle(key: u32) -> u32 {
    key + 6
}

#[memo(detached)]
async fn detached(key: u32) -> u32 {
    key + 7
}

#[memo(scope = "session")]
fn scoped(key: &NoKey) -> u32 {
    let _ = key;
    7
}

#[memo]
fn private(key: u32) -> u32 {
    scoped(&NoKey) + key
}

#[test]
fn a_reporter_that_panics_costs_no_call_its_result_and_is_told_of_the_next() {
    memo::set_reporter(|_| {
        TOLD.fetch_add(1, SeqCst);
        panic_quietly()
    });
    for _ in 0..2 {
        assert_eq!((keyless(&NoKey), conditional(1), aging(1), *resource(1)), (1, 2, Ok(3), 4));
        assert_eq!((lived(1), enabled(1), idle(1)), (5, 6, 7));
        detached::clear();
        let mut call = pin!(detached(1));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(8));
    }
    // Once each.
    assert_eq!(TOLD.load(SeqCst), 8);
    let counted = [keyless::stats(), conditional::stats(), aging::stats(), resource::stats()];
    assert_eq!(counted.map(|stats| stats.uncacheable), [2; 4]);
    let counted = [lived::stats(), enabled::stats(), idle::stats()];
    assert_eq!(counted.map(|stats| stats.uncacheable), [2; 3]);
    assert_eq!(conditional::get(1), None);
    // Once for a function, in however many sessions.
    for _ in 0..3 {
        Session::new().enter(|| assert_eq!((private(1), private(2)), (8, 9)));
    }
    assert_eq!((private::stats().uncacheable, scoped::stats().uncacheable), (6, 6));
    assert_eq!(TOLD.load(SeqCst), 10);
}
