//! What is slow, old, of another kind or not allowed on a server costs a miss, and no wrong result.

use std::thread;
use std::time::{Duration, Instant};

use memo::store::{FunctionId, Key, RedisStore, Store};

use crate::common::{until, AGES, DEADLINE, LATE, RECOVERY};
use crate::proxy::{Fate, Proxy};
use crate::server::Server;

const FUNCTION: FunctionId<'static> = FunctionId::new("damage", [7; 16]);
const ONE: Key = [1; 32];
const OTHER: Key = [2; 32];

fn store(url: &str) -> RedisStore {
    RedisStore::builder(url).deadline(Duration::from_secs(10)).connect()
}

#[track_caller]
fn put(store: &RedisStore, key: &Key, value: &[u8]) {
    let ticket = store.get(&FUNCTION, key).unwrap().ticket;
    store.put(&FUNCTION, key, ticket, value, None).unwrap();
}

#[track_caller]
fn value(store: &RedisStore, key: &Key) -> Option<Vec<u8>> {
    store.get(&FUNCTION, key).unwrap().found.map(|found| found.value)
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_reply_in_drips_takes_no_longer_than_the_deadline_and_is_not_asked_for_again() {
    let server = Server::new();
    let large = vec![7; 200_000];
    put(&store(&server.url()), &ONE, &large);
    put(&store(&server.url()), &OTHER, b"small");
    let proxy = Proxy::new(server.port);
    let store = RedisStore::builder(proxy.url()).deadline(DEADLINE).connect();
    assert_eq!(value(&store, &OTHER).as_deref(), Some(&b"small"[..]));
    // Each part is a long while on its way, and no pause is as long as the deadline.
    proxy.tamper(|part| {
        if part.offset > 0 {
            thread::sleep(DEADLINE / 3);
        }
        Fate::Sent(part.bytes.to_vec())
    });
    let start = Instant::now();
    let looked = store.get(&FUNCTION, &ONE);
    let took = start.elapsed();
    assert!(took < LATE, "{took:?}");
    assert!(looked.unwrap_err().to_string().contains("deadline"));
    // The server is not to blame, and the next question about it is short.
    let start = Instant::now();
    assert_eq!(value(&store, &ONE), None);
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert_eq!(value(&store, &OTHER).as_deref(), Some(&b"small"[..]));
    // A small result takes its place at once.
    put(&store, &ONE, b"now small");
    assert_eq!(value(&store, &ONE).as_deref(), Some(&b"now small"[..]));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn of_a_result_that_is_too_large_no_more_is_fetched_than_may_be_stored() {
    let server = Server::new();
    put(&store(&server.url()), &ONE, &vec![7; 1 << 20]);
    let small = RedisStore::builder(server.url())
        .deadline(Duration::from_secs(10))
        .max_value_bytes(1000)
        .connect();
    let sent = || -> u64 {
        let stats = server.ask(&["INFO", "stats"]).concat();
        let line = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        line.unwrap().trim().parse().unwrap()
    };
    let before = sent();
    assert_eq!(value(&small, &ONE), None);
    let after = sent();
    assert!(after - before < 100_000, "{} bytes", after - before);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_comes_back_from_a_snapshot_of_before_is_a_cleared_one() {
    let server = Server::with(&["--save", "3600 1"]);
    let store = store(&server.url());
    put(&store, &ONE, b"one");
    put(&store, &OTHER, b"other");
    server.ask(&["SAVE"]);
    store.remove(&FUNCTION, &OTHER).unwrap();
    let after_removal = store.get(&FUNCTION, &OTHER).unwrap().ticket;
    store.clear(&FUNCTION).unwrap();
    server.kill();
    server.start();
    assert!(server.ask(&["KEYS", "memo:redis:1:*"]).len() >= 6, "the snapshot was not read");
    until("it is used again", RECOVERY, || store.get(&FUNCTION, &ONE).is_ok());
    assert_eq!(value(&store, &ONE), None, "a cleared result is back");
    assert_eq!(value(&store, &OTHER), None, "a removed result is back");
    store.put(&FUNCTION, &OTHER, after_removal, b"late", None).unwrap();
    assert_eq!(value(&store, &OTHER), None, "what was looked up before the restart is served");
    put(&store, &ONE, b"new");
    assert_eq!(value(&store, &ONE).as_deref(), Some(&b"new"[..]));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_is_no_record_and_no_result_is_overwritten_once() {
    let server = Server::new();
    let store = store(&server.url());
    put(&store, &ONE, b"one");
    let keys = server.ask(&["KEYS", "memo:redis:1:*"]);
    assert_eq!(keys.len(), 5, "{keys:?}");
    for key in keys {
        let is_record = key.contains('{');
        let damages: [&[&str]; 3] =
            [&["SET", &key, "text"], &["RPUSH", &key, "a"], &["HSET", &key, "epoch", "no number"]];
        for damage in damages {
            if damage[0] != "HSET" || !is_record {
                server.ask(&["DEL", &key]);
            }
            server.ask(damage);
            assert_eq!(value(&store, &ONE), None, "{damage:?}");
            put(&store, &ONE, b"one");
            let before = server.commands();
            assert_eq!(value(&store, &ONE).as_deref(), Some(&b"one"[..]), "{damage:?}");
            let commands = server.commands() - before;
            assert!(commands <= 8, "{commands} commands after {damage:?}");
            server.ask(&["DEL", &key]);
            put(&store, &ONE, b"one");
        }
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_right_is_renewed_and_given_back_where_no_scripts_are_allowed() {
    let server = Server::new();
    server.ask(&["ACL", "SETUSER", "plain", "on", ">pass", "~*", "&*", "+@all", "-@scripting"]);
    let url = format!("redis://plain:pass@127.0.0.1:{}", server.port);
    let store = RedisStore::builder(url)
        .deadline(Duration::from_secs(10))
        .lease(Duration::from_millis(600))
        .connect();
    let leases = || server.ask(&["KEYS", "*:lease"]).len();
    let lease = store.lease(&FUNCTION, &ONE).unwrap().expect("nobody has it");
    assert!(store.lease(&FUNCTION, &ONE).unwrap().is_none(), "two have it");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        assert_eq!(leases(), 1, "after {:?}", start.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
    drop(lease);
    let took = until("it is given back", AGES, || leases() == 0);
    assert!(took < LATE, "{took:?}");
    // One without an end is nobody's.
    let place = format!("memo:redis:1:{}:{}:lease", "07".repeat(16), "01".repeat(32));
    server.ask(&["SET", &place, "another"]);
    assert!(store.lease(&FUNCTION, &ONE).unwrap().is_some());
}
