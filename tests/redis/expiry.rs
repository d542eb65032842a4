//! What expires does so in memory no later than on the server.

use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{FunctionId, RedisStore, Store};

use crate::children::{command, computed, url, Child};
use crate::common::{until, AGES};
use crate::proxy::{Fate, Proxy};
use crate::server::{Scratch, Server};

const LIFE: Duration = Duration::from_millis(400);
/// For how long a thread may have no processor.
const BEAT: Duration = Duration::from_millis(30);

fn store(expiry: Duration) -> RedisStore {
    RedisStore::builder(url()).deadline(Duration::from_secs(5)).expiry(expiry).connect()
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[memo(store = store(DAY), ttl = LIFE)]
fn of_ttl(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = store(LIFE))]
fn of_store(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = store(LIFE), ttl = DAY)]
fn of_both(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = store(DAY))]
fn of_a_day(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = store(DAY), ttl = LIFE, refresh = "background")]
fn refreshed(number: u64) -> u64 {
    computed(2 * number)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "of_ttl" => of_ttl(number).to_string(),
        "of_store" => of_store(number).to_string(),
        "of_both" => of_both(number).to_string(),
        "of_a_day" => of_a_day(number).to_string(),
        "refreshed" => refreshed(number).to_string(),
        "get of_ttl" => format!("{:?}", of_ttl::get(number)),
        "get of_store" => format!("{:?}", of_store::get(number)),
        "get of_both" => format!("{:?}", of_both::get(number)),
        "get refreshed" => format!("{:?}", refreshed::get(number)),
        _ => unreachable!("{line}"),
    }
}

/// How long the one result on the server has left; nothing, while it is being replaced.
fn left(server: &Server) -> i64 {
    match &server.ask(&["KEYS", RESULTS])[..] {
        [] => 0,
        [one] => server.ask(&["PTTL", one])[0].parse().unwrap(),
        more => panic!("{more:?}"),
    }
}

const RESULTS: &str = "memo:redis:1:????????????????????????????????:*";

/// A result is computed in one process, and loaded into the memory of another.
#[track_caller]
fn expires_everywhere_at_once(function: &str, life: Duration) {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = [(); 2].map(|()| Child::new("expiry", &server.url(), &scratch));
    let (call, get) = (format!("{function} 4"), format!("get {function} 4"));
    // What takes long the first time is over.
    other.ask(&get);
    let before = Instant::now();
    assert_eq!(one.ask(&call), "8, computed");
    let computed = Instant::now();
    assert!((1..=life.as_millis() as i64).contains(&left(&server)));
    until("it is half as old", AGES, || before.elapsed() > life / 2);
    let loaded = other.ask(&call);
    if loaded != "8" {
        assert!(before.elapsed() > life, "{loaded} after {:?}", before.elapsed());
        println!("{function}: too slow a machine to tell");
        return;
    }
    for child in [&mut other, &mut one] {
        loop {
            let asked = Instant::now();
            match &*child.ask(&get) {
                "Some(8)" => assert!(asked - computed < life + BEAT, "{:?}", asked - computed),
                _ => break,
            }
        }
        let gone = before.elapsed();
        println!("{function}: gone after {gone:?}");
        assert!(gone > life - BEAT, "gone after {gone:?}");
    }
    assert_eq!(one.ask(&call), "8, computed");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_result_with_a_ttl_expires_in_memory_and_on_the_server_at_once() {
    expires_everywhere_at_once("of_ttl", LIFE);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_result_without_a_ttl_expires_with_the_store_s() {
    expires_everywhere_at_once("of_store", LIFE);
    expires_everywhere_at_once("of_both", LIFE);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_is_refreshed_in_the_background_lives_twice_as_long_in_both() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = [(); 2].map(|()| Child::new("expiry", &server.url(), &scratch));
    assert_eq!(one.ask("refreshed 4"), "8, computed");
    assert!((400..=800).contains(&left(&server)), "{}", left(&server));
    let start = Instant::now();
    until("it is old", AGES, || start.elapsed() > LIFE + BEAT);
    // An old one, which is refreshed behind the call; the other finds the new one at the latest
    // when its own is too old.
    one.ask("refreshed 4");
    until("the new one is there", AGES, || left(&server) > 500);
    until("the old one would be gone", AGES, || start.elapsed() > 2 * LIFE);
    assert_eq!(other.ask("get refreshed 4"), "Some(8)");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_lives_a_day_does_so_by_the_server_s_clock() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut one = Child::new("expiry", &server.url(), &scratch);
    assert_eq!(one.ask("of_a_day 1"), "2, computed");
    let left = Duration::from_millis(left(&server) as u64);
    assert!(left <= DAY && left > DAY - Duration::from_secs(60), "{left:?}");
    // What says when functions were cleared outlives all results, and not for ever.
    let records = server.ask(&["KEYS", "memo:redis:1:{*}*"]);
    let of_function: Vec<_> = records.iter().filter(|key| !key.contains("{all}")).collect();
    assert_eq!(of_function.len(), 2, "{records:?}");
    for key in of_function {
        let left: u64 = server.ask(&["PTTL", key])[0].parse().unwrap();
        assert!(Duration::from_millis(left) > 2 * DAY, "{left}");
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_ttl_counts_though_somebody_makes_the_server_keep_the_result() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = [(); 2].map(|()| Child::new("expiry", &server.url(), &scratch));
    assert_eq!(one.ask("of_ttl 4"), "8, computed");
    let keys = server.ask(&["KEYS", RESULTS]);
    for command in [&["PERSIST", &keys[0]][..], &["PEXPIRE", &keys[0], "100000"]] {
        server.ask(command);
        assert_eq!(other.ask("get of_ttl 4"), "None", "{command:?}");
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_reply_that_was_long_on_its_way_makes_no_result_younger() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let store = RedisStore::builder(proxy.url()).deadline(Duration::from_secs(5)).connect();
    let function = FunctionId::new("late", [7; 16]);
    let ticket = store.get(&function, &[1; 32]).unwrap().ticket;
    store.put(&function, &[1; 32], ticket, b"value", Some(LIFE)).unwrap();
    let put = Instant::now();
    proxy.tamper(|part| {
        thread::sleep(Duration::from_millis(100));
        Fate::Sent(part.bytes.to_vec())
    });
    let found = store.get(&function, &[1; 32]).unwrap().found;
    let age = put.elapsed();
    let Some(found) = found else { return };
    // What memory takes the age for is the time since.
    assert!(found.age + BEAT > age, "{:?} after {age:?}", found.age);
}
