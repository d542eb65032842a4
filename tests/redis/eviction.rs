//! A server that is full forgets results, and not what is void.

use std::time::{Duration, Instant};

use memo::store::{FunctionId, Key, RedisStore, Store, Tag};

use crate::common::scale;
use crate::server::Server;

const FUNCTION: FunctionId<'static> = FunctionId::new("evicted", [7; 16]);

fn key(number: u64) -> Key {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

/// How often the function was cleared while it filled a server of such a policy many times.
fn clears(policy: &str) -> u64 {
    let server = Server::with(&["--maxmemory", "4mb", "--maxmemory-policy", policy]);
    let store = RedisStore::builder(server.url()).deadline(Duration::from_secs(10)).connect();
    let (mut clears, mut epoch, mut puts) = (0, None, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) * scale() as u32 {
        let ticket = store.get(&FUNCTION, &key(puts)).unwrap().ticket;
        clears +=
            u64::from(epoch.replace(ticket.epoch).is_some_and(|before| before != ticket.epoch));
        store.put(&FUNCTION, &key(puts), ticket, &[7; 1000], None).unwrap();
        puts += 1;
    }
    let stats = server.ask(&["INFO", "stats"]).concat();
    let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap();
    println!("{policy}: {puts} results put, {} evicted, {clears} clears", evicted.trim());
    assert!(evicted.trim().parse::<u64>().unwrap() > puts / 2, "nothing was evicted");
    clears
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_full_server_clears_next_to_nothing() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"] {
        let clears = clears(policy);
        assert!(clears <= 1, "{policy}: {clears} clears");
    }
}

/// How often a tag was cleared while results of it filled a server of such a policy, and how many did.
fn clears_of_a_tag(policy: &str) -> (u64, u64) {
    const TAG: Tag = [1; 32];
    let server = Server::with(&["--maxmemory", "4mb", "--maxmemory-policy", policy]);
    let store = RedisStore::builder(server.url()).deadline(Duration::from_secs(10)).connect();
    let (mut clears, mut before, mut puts) = (0, None, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) * scale() as u32 {
        let (lookup, stamps) = store.get_tagged(&FUNCTION, &key(puts), &[TAG]).unwrap();
        clears += u64::from(before.replace(stamps[0]).is_some_and(|before| before != stamps[0]));
        store.put(&FUNCTION, &key(puts), lookup.ticket, &[7; 1000], None).unwrap();
        puts += 1;
    }
    println!("{policy}: {puts} results put, {clears} clears of their tag");
    (clears, puts)
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_full_server_clears_a_tag_no_more_often_than_it_is_filled_anew() {
    /// A fraction of what it has room for, as it goes by samples.
    const ROOM: u64 = 500;
    for policy in ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl"] {
        let (clears, puts) = clears_of_a_tag(policy);
        assert!(clears <= 1 + puts / ROOM, "{policy}: {clears} clears");
    }
}
