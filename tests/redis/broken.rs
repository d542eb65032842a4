//! Replies that are cut, held up, changed or doubled: the result is right, or there is none.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{FunctionId, Key, RedisStore, Store};

use crate::common::{doubling, random_below, scale, until, DEADLINE, LATE, RECOVERY};
use crate::proxy::{Fate, Part, Proxy};
use crate::server::Server;

const FUNCTION: FunctionId<'static> = FunctionId::new("broken", [7; 16]);
const KEY: Key = [3; 32];
const VALUE: &[u8] = b"the value that is stored";

/// Only a look asks how long there is left.
fn is_look(part: &Part<'_>) -> bool {
    part.request.windows(4).any(|word| word == b"PTTL")
}

/// Puts the value there: how long the reply to a look is.
fn prepare(server: &Server) -> usize {
    let proxy = Proxy::new(server.port);
    let len = Arc::new(AtomicUsize::new(0));
    let store = RedisStore::builder(proxy.url()).deadline(Duration::from_secs(10)).connect();
    let ticket = store.get(&FUNCTION, &KEY).unwrap().ticket;
    store.put(&FUNCTION, &KEY, ticket, VALUE, None).unwrap();
    let counted = Arc::clone(&len);
    proxy.tamper(move |part| {
        if is_look(&part) {
            counted.fetch_add(part.bytes.len(), SeqCst);
        }
        Fate::Sent(part.bytes.to_vec())
    });
    assert_eq!(store.get(&FUNCTION, &KEY).unwrap().found.unwrap().value, VALUE);
    let len = len.load(SeqCst);
    assert!((150..400).contains(&len), "a reply of {len} bytes");
    len
}

/// Looks with a store of its own, for each byte of the reply with which something happens.
#[track_caller]
fn at_every_byte(fate: fn(Part<'_>, usize) -> Fate) {
    let server = Server::new();
    let len = prepare(&server);
    let next = AtomicUsize::new(0);
    let found = AtomicUsize::new(0);
    thread::scope(|scope| {
        let threads = [(); 4].map(|()| {
            scope.spawn(|| {
                let proxy = Proxy::new(server.port);
                loop {
                    let at = next.fetch_add(1, SeqCst);
                    if at >= len {
                        return;
                    }
                    proxy.tamper(move |part| {
                        if is_look(&part) {
                            fate(part, at)
                        } else {
                            Fate::Sent(part.bytes.to_vec())
                        }
                    });
                    let deadline = Duration::from_millis(30);
                    let store = RedisStore::builder(proxy.url()).deadline(deadline).connect();
                    let start = Instant::now();
                    let looked = store.get(&FUNCTION, &KEY);
                    let took = start.elapsed();
                    assert!(took < LATE, "byte {at}: it took {took:?}");
                    if let Ok(Some(there)) = looked.map(|lookup| lookup.found) {
                        assert_eq!(there.value, VALUE, "byte {at}");
                        found.fetch_add(1, SeqCst);
                    }
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    println!("{len} bytes; at {} of them the result was found all the same", found.into_inner());
    // Nothing is broken that stays so.
    let store = RedisStore::builder(server.url()).deadline(Duration::from_secs(10)).connect();
    assert_eq!(store.get(&FUNCTION, &KEY).unwrap().found.unwrap().value, VALUE);
}

/// What of a part comes before a byte of the whole reply.
fn before<'a>(part: &Part<'a>, at: usize) -> Option<&'a [u8]> {
    part.bytes.get(..at.checked_sub(part.offset)?)
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_connection_cut_after_any_byte_of_a_reply_gives_no_wrong_result() {
    at_every_byte(|part, at| match before(&part, at) {
        Some(sent) => Fate::Cut(sent.to_vec()),
        None => Fate::Sent(part.bytes.to_vec()),
    });
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_reply_that_stops_after_any_byte_gives_no_wrong_result() {
    at_every_byte(|part, at| match before(&part, at) {
        Some(sent) => Fate::Sent(sent.to_vec()),
        None if part.offset > at => Fate::Sent(Vec::new()),
        None => Fate::Sent(part.bytes.to_vec()),
    });
}

fn changed(part: &Part<'_>, at: usize, change: fn(&mut Vec<u8>, usize)) -> Fate {
    let mut bytes = part.bytes.to_vec();
    if let Some(at) = at.checked_sub(part.offset).filter(|at| *at < bytes.len()) {
        change(&mut bytes, at);
    }
    Fate::Sent(bytes)
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_byte_changed_anywhere_in_a_reply_gives_no_wrong_result() {
    at_every_byte(|part, at| changed(&part, at, |bytes, at| bytes[at] ^= 1));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_byte_that_comes_twice_anywhere_in_a_reply_gives_no_wrong_result() {
    at_every_byte(|part, at| changed(&part, at, |bytes, at| bytes.insert(at, bytes[at])));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_function_whose_connection_is_cut_once_after_any_byte_asks_again_and_finds_its_result() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("cut once", proxy.url(), max_entries = 1);
    until("both results are stored", RECOVERY, || {
        double.call(1);
        double.call(2);
        double.is_well()
    });
    let misses = (double.stats)().misses;
    let mut longest = Duration::ZERO;
    for at in 0..250 {
        let left = AtomicUsize::new(1);
        proxy.tamper(move |part| {
            let cut = before(&part, at).filter(|_| is_look(&part));
            match cut {
                Some(sent) if left.swap(0, SeqCst) == 1 => Fate::Cut(sent.to_vec()),
                _ => Fate::Sent(part.bytes.to_vec()),
            }
        });
        longest = longest.max(double.call(1)).max(double.call(2));
    }
    let stats = (double.stats)();
    println!("{longest:?} at the longest, {} errors", stats.store_errors);
    assert!(longest < LATE, "a call took {longest:?}");
    assert_eq!((stats.misses - misses, stats.store_errors), (0, 0), "{:?}", double.reports());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_function_answers_right_though_every_tenth_reply_is_noise() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("noise", proxy.url(), max_entries = 1);
    let noise = |part: Part<'_>| {
        let mut bytes = part.bytes.to_vec();
        let at = random_below(bytes.len() as u64) as usize;
        match random_below(40) {
            0 => bytes[at] = random_below(256) as u8,
            1 => bytes.insert(at, bytes[at]),
            2 => drop(bytes.remove(at)),
            3 => bytes.extend_from_within(..),
            _ => {}
        }
        Fate::Sent(bytes)
    };
    proxy.tamper(noise);
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    let mut calls = 0;
    while start.elapsed() < Duration::from_secs(3) * scale() as u32 {
        longest = longest.max(double.call(random_below(20)));
        calls += 1;
        thread::sleep(Duration::from_micros(random_below(1000)));
    }
    println!("{calls} calls, {longest:?} at the longest, {} errors", double.errors());
    assert!(double.errors() > 0);
    assert!(longest < LATE, "a call took {longest:?}");
    proxy.leave_alone();
    // What was mixed up stays behind on connections that are there.
    proxy.cut();
    until("all is well", RECOVERY, || double.is_well());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_slow_network_never_costs_much_more_than_the_deadline() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("slow", proxy.url());
    let mut longest = Duration::ZERO;
    for delay in [1, 10, 30, 60, 90, 120, 300] {
        proxy.tamper(move |part| {
            thread::sleep(Duration::from_millis(random_below(delay + 1)));
            Fate::Sent(part.bytes.to_vec())
        });
        let mut of_this = Duration::ZERO;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            of_this = of_this.max(double.call_anew());
            thread::sleep(Duration::from_millis(1));
        }
        println!("up to {delay} ms a reply: {of_this:?} at the longest");
        longest = longest.max(of_this);
    }
    assert!(longest < LATE, "a call took {longest:?}");
    proxy.leave_alone();
    until("all is well", RECOVERY + DEADLINE, || double.is_well());
}
