//! The end of resources that are shared, that panic, or that nobody could keep.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use memo::singleton;
use serde::{Serialize, Serializer};

/// A resource that tells when it is released. Its channel ends with it.
struct Telling {
    number: u32,
    released: Sender<u32>,
}

impl Telling {
    fn new(number: u32, released: &Sender<u32>) -> Self {
        Self { number, released: released.clone() }
    }

    fn tell(&self) {
        self.released.send(self.number).unwrap();
    }
}

/// The next number told; nothing once all resources have ended. The bound is there for a failure to
/// be one.
fn next(told: &Receiver<u32>) -> Option<u32> {
    match told.recv_timeout(Duration::from_secs(10)) {
        Ok(number) => Some(number),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("a resource neither tells nor ends"),
    }
}

/// All that is told until all resources have ended, in order.
fn all(told: &Receiver<u32>) -> Vec<u32> {
    let mut all: Vec<_> = std::iter::from_fn(|| next(told)).collect();
    all.sort_unstable();
    all
}

#[test]
fn one_arc_under_two_keys_is_released_once() {
    #[singleton(on_release = Telling::tell)]
    fn alias(name: &str, _of: &Arc<Telling>) -> Arc<Telling> {
        let _ = name;
        _of.clone()
    }
    for outlives_the_cache in [false, true] {
        let (released, told) = channel();
        let resource = Arc::new(Telling { number: 7, released });
        alias("a", &resource);
        alias("b", &resource);
        let held = outlives_the_cache.then(|| resource.clone());
        drop(resource);
        alias::clear();
        if let Some(held) = held {
            assert!(told.try_recv().is_err());
            drop(held);
        }
        assert_eq!(all(&told), [7]);
    }
    // Given up one by one.
    let (released, told) = channel();
    let resource = Arc::new(Telling { number: 8, released });
    alias("a", &resource);
    alias("b", &resource);
    drop(resource);
    assert!(alias::remove("a"));
    assert!(told.try_recv().is_err());
    assert!(alias::remove("b"));
    assert_eq!(all(&told), [8]);
}

#[test]
fn a_release_that_panics_loses_no_other() {
    fn tell_and_panic(resource: &Telling) {
        resource.tell();
        if resource.number % 4 == 3 {
            // As a panic, but without a message.
            resume_unwind(Box::new("not now"));
        }
    }
    #[singleton(on_release = tell_and_panic)]
    fn telling(number: u32, _released: &Sender<u32>) -> Telling {
        Telling::new(number, _released)
    }
    let (released, told) = channel();
    for number in 0..8 {
        telling(number, &released);
    }
    // Some are released by the clear, some once they are let go.
    let held: Vec<_> = (4..8).map(|number| telling(number, &released)).collect();
    drop(released);
    telling::clear();
    drop(held);
    assert_eq!(all(&told), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn what_a_release_panics_with_is_dropped_and_kept_by_nobody() {
    /// What the panics are called with; it ends with the last of them.
    struct Payload(#[allow(dead_code, reason = "held for its end")] Sender<u32>);
    #[singleton(on_release = |released| resume_unwind(Box::new(Payload(released.clone()))))]
    fn sender(number: u32, _released: &Sender<u32>) -> Sender<u32> {
        let _ = number;
        _released.clone()
    }
    let (released, told) = channel();
    // Both ways to a release: by who clears, and by who waits until it is let go.
    let held = [1, 2].map(|number| sender(number, &released));
    sender(3, &released);
    drop(released);
    sender::clear();
    drop(held);
    assert_eq!(next(&told), None);
}

#[test]
fn a_drop_that_panics_loses_no_other() {
    struct Moody(Telling);
    impl Drop for Moody {
        fn drop(&mut self) {
            if self.0.number % 4 == 3 {
                resume_unwind(Box::new("not now"));
            }
        }
    }
    #[singleton(on_release = |moody| moody.0.tell())]
    fn moody(number: u32, _released: &Sender<u32>) -> Moody {
        Moody(Telling::new(number, _released))
    }
    let (released, told) = channel();
    for number in 0..8 {
        moody(number, &released);
    }
    let held: Vec<_> = (4..8).map(|number| moody(number, &released)).collect();
    moody::clear();
    drop(held);
    let mut first: Vec<_> = (0..8).map_while(|_| next(&told)).collect();
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2, 3, 4, 5, 6, 7]);
    // Nor one that comes later.
    let later = moody(8, &released);
    moody::clear();
    drop((later, released));
    assert_eq!(all(&told), [8]);
}

#[test]
fn a_resource_whose_arguments_make_no_key_is_released() {
    struct NoKey;
    impl Serialize for NoKey {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no key today"))
        }
    }
    #[singleton(on_release = Telling::tell)]
    fn made(no_key: &NoKey, _released: &Sender<u32>) -> Telling {
        let _ = no_key;
        Telling::new(1, _released)
    }
    #[singleton(on_release = Telling::tell)]
    fn tried(no_key: &NoKey, _released: &Sender<u32>) -> Result<Telling, ()> {
        let _ = no_key;
        Ok(Telling::new(2, _released))
    }
    #[singleton(on_release = Telling::tell)]
    async fn awaited(no_key: &NoKey, _released: &Sender<u32>) -> Telling {
        let _ = no_key;
        Telling::new(3, _released)
    }
    {
        let (released, told) = channel();
        let made = made(&NoKey, &released);
        drop(released);
        assert!(told.try_recv().is_err());
        drop(made);
        assert_eq!(all(&told), [1]);
    }
    {
        let (released, told) = channel();
        drop(tried(&NoKey, &released));
        drop(released);
        assert_eq!(all(&told), [2]);
    }
    let (released, told) = channel();
    let polled = pin!(awaited(&NoKey, &released)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(&polled, Poll::Ready(telling) if telling.number == 3));
    drop((polled, released));
    assert_eq!(all(&told), [3]);
}

#[test]
fn a_resource_that_has_a_weak_to_itself_is_released() {
    struct Actor {
        me: Weak<Actor>,
        telling: Telling,
    }
    fn tell(actor: &Actor) {
        // It is there still, when it is told of its end.
        actor.me.upgrade().unwrap().telling.tell();
    }
    #[singleton(on_release = tell)]
    fn actor(_released: &Sender<u32>) -> Arc<Actor> {
        let telling = Telling::new(1, _released);
        Arc::new_cyclic(|me| Actor { me: me.clone(), telling })
    }
    let (released, told) = channel();
    let held = actor(&released);
    drop(released);
    actor::clear();
    assert!(told.try_recv().is_err());
    drop(held);
    assert_eq!(all(&told), [1]);
}
