//! Rights to compute, by the store alone: whoever cannot give one back keeps nobody waiting for it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;

use memo::store::{FunctionId, Key, RedisStore, Store};

use crate::common::{until, AGES, RECOVERY};
use crate::proxy::{Fate, Proxy};
use crate::server::Server;

const FUNCTION: FunctionId<'static> = FunctionId::new("rights", [5; 16]);
const KEY: Key = [5; 32];

/// A right lasts longer than a test.
fn open(url: String) -> RedisStore {
    RedisStore::builder(url).deadline(Duration::from_secs(2)).lease(2 * AGES).connect()
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_right_that_could_not_be_given_back_is_given_back_once_that_is_possible() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let (one, other) = (open(proxy.url()), open(server.url()));
    let right = one.lease(&FUNCTION, &KEY).unwrap().expect("nobody has it");
    assert!(other.lease(&FUNCTION, &KEY).unwrap().is_none());
    proxy.hang_up();
    drop(right);
    until("it is noticed", RECOVERY, || one.lease(&FUNCTION, &[1; 32]).is_err());
    assert!(other.lease(&FUNCTION, &KEY).unwrap().is_none(), "it was given back after all");
    proxy.mend();
    until("it is given back", 2 * RECOVERY, || other.lease(&FUNCTION, &KEY).unwrap().is_some());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_left_a_right_takes_it_again_and_others_wait_for_that() {
    let server = Server::new();
    let (one, other) = (open(server.url()), open(server.url()));
    for _ in 0..200 {
        let right = one.lease(&FUNCTION, &KEY).unwrap();
        // Given back in the background: by then it may be, or be on its way.
        let Some(right) = right else { continue };
        assert!(other.lease(&FUNCTION, &KEY).unwrap().is_none(), "two have it");
        drop(right);
    }
    until("it is given back", RECOVERY, || server.ask(&["KEYS", "*:lease"]).is_empty());
    assert!(other.lease(&FUNCTION, &KEY).unwrap().is_some());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_right_that_was_given_over_a_connection_that_was_cut_is_had() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let (one, other) = (open(proxy.url()), open(server.url()));
    until("all is heard", RECOVERY, || {
        server.ask(&["PUBSUB", "NUMSUB", "memo:redis:1:invalidations"]).last() != Some(&"0".into())
    });
    one.get(&FUNCTION, &KEY).unwrap();
    let cuts = AtomicUsize::new(1);
    proxy.tamper(move |part| {
        let is_it = part.request.windows(2).any(|word| word == b"NX");
        if is_it && cuts.swap(0, SeqCst) == 1 {
            Fate::Cut(Vec::new())
        } else {
            Fate::Sent(part.bytes.to_vec())
        }
    });
    let right = one.lease(&FUNCTION, &KEY).unwrap();
    assert!(right.is_some(), "it is had by nobody");
    assert!(other.lease(&FUNCTION, &KEY).unwrap().is_none());
    drop(right);
    until("it is given back", RECOVERY, || other.lease(&FUNCTION, &KEY).unwrap().is_some());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_right_that_was_asked_for_while_it_could_not_be_given_back_is_had() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let one = open(proxy.url());
    let right = one.lease(&FUNCTION, &KEY).unwrap().expect("nobody has it");
    proxy.requests();
    proxy.mute();
    drop(right);
    until("it is being given back", AGES, || {
        proxy.requests().iter().any(|request| request.contains("WATCH"))
    });
    assert!(one.lease(&FUNCTION, &KEY).is_err(), "it is not muted");
    proxy.leave_alone();
    until("it is had", AGES, || one.lease(&FUNCTION, &KEY).is_ok_and(|right| right.is_some()));
    until("it is given back", AGES, || server.ask(&["KEYS", "*:lease"]).is_empty());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_listener_that_panics_keeps_nobody_from_hearing() {
    let server = Server::new();
    let store = open(server.url());
    let heard = Arc::new(AtomicUsize::new(0));
    let listener = Arc::clone(&heard);
    store.on_invalidation(&FUNCTION, Arc::new(|| panic!("a listener that panics")));
    let listen = move || {
        listener.fetch_add(1, SeqCst);
    };
    store.on_invalidation(&FUNCTION, Arc::new(listen));
    for _ in 0..3 {
        let before = heard.load(SeqCst);
        until("it is heard", AGES, || {
            store.clear(&FUNCTION).unwrap();
            heard.load(SeqCst) > before
        });
    }
}
