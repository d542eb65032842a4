//! Tags of the store alone, without a cache before it: processes look up, put and clear through all
//! that happens to a server, and nobody finds what was void.

#[path = "../support/tagged.rs"]
mod tagged;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{Changes, RedisStore, Stamp, Store, Tag};

use tagged::{clear, clears_in, key, numbers, prepare, tag, Caller, CALLS, CLEARS, FUNCTION};

use crate::children::{command, directory, url, Child};
use crate::common::{random_below, scale, until, AGES, DEADLINE, RECOVERY};
use crate::proxy::{Fate, Proxy};
use crate::server::{Scratch, Server};

const PROCESSES: usize = 6;

fn store(url: &str) -> RedisStore {
    RedisStore::builder(url).deadline(Duration::from_secs(2)).connect()
}

pub(crate) fn role(line: &str) -> String {
    let (what, calls) = command(line);
    let store = store(&url());
    match what {
        "call" => Caller::new(store).calls(calls),
        "clear" => clear(&store, calls),
        _ => unreachable!("{line}"),
    }
}

/// Has processes call and clear while something happens again and again.
fn storm(happens: impl Fn(&Server, &Proxy)) -> u64 {
    let (server, scratch) = (Server::new(), Scratch::new());
    let proxy = Proxy::new(server.port);
    prepare(scratch.path());
    let calls = CALLS * scale();
    let start = Instant::now();
    let mut children: Vec<_> =
        (0..PROCESSES).map(|_| Child::new("stamps", &proxy.url(), &scratch)).collect();
    let (clearer, callers) = children.split_first_mut().unwrap();
    clearer.tell(&format!("clear {calls}"));
    callers.iter_mut().for_each(|caller| caller.tell(&format!("call {calls}")));
    let clears = calls / (CALLS / CLEARS);
    for round in 1..20 {
        // Evenly among the clears, however long those take.
        until("it goes on", AGES, || clears_in(scratch.path()) >= round * clears / 20);
        happens(&server, &proxy);
    }
    let refused = numbers(&clearer.answer());
    let said: Vec<_> = callers.iter_mut().map(|caller| numbers(&caller.answer())).collect();
    let sum = |at: usize| said.iter().map(|said| said[at]).sum::<u64>();
    println!(
        "{} calls, {} clears in {:?}: {} found, {} in memory, {} forgotten; {} errors, {} of clears",
        calls * (PROCESSES as u64 - 1),
        refused[1],
        start.elapsed(),
        sum(1),
        sum(2),
        sum(3),
        sum(0),
        refused[0],
    );
    assert!(sum(1) > 0 && sum(2) > 0 && sum(3) > 0, "nothing was ever found, or forgotten");
    sum(0) + refused[0]
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_is_found_by_a_tag_that_was_cleared() {
    assert_eq!(storm(|_, _| {}), 0, "errors");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_is_found_by_a_tag_that_was_cleared_while_links_are_cut() {
    storm(|server, proxy| match random_below(3) {
        0 => proxy.cut(),
        1 => drop(server.ask(&["CLIENT", "KILL", "TYPE", "normal"])),
        _ => drop(server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"])),
    });
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_is_found_by_a_tag_that_was_cleared_while_the_server_forgets() {
    let errors = storm(|server, _| {
        let forget = |pattern| {
            for key in server.ask(&["KEYS", pattern]) {
                server.ask(&["DEL", &key]);
            }
        };
        match random_below(5) {
            0 => drop(server.ask(&["FLUSHALL"])),
            1 => forget("memo:redis:1:tag:*"),
            2 => forget("memo:redis:1:tags"),
            3 => {
                // What is not memo's is in their place.
                for key in server.ask(&["KEYS", "memo:redis:1:tag*"]) {
                    server.ask(&["DEL", &key]);
                    // Unless it is there again.
                    let _ = server.try_ask(&["HSET", &key, "a", "b"]);
                }
            }
            _ => {
                for key in server.ask(&["KEYS", "memo:redis:1:tag:*"]) {
                    server.ask(&["SET", &key, "no number"]);
                }
            }
        }
    });
    // Of those who came between two commands of this.
    assert!(errors < 100, "{errors} errors");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_is_found_by_a_tag_that_was_cleared_before_a_server_came_back_from_its_snapshot() {
    storm(|server, _| {
        // Of now; what is cleared until it is killed the snapshot has not got.
        let _ = server.try_ask(&["SAVE"]);
        thread::sleep(Duration::from_millis(random_below(100)));
        server.kill();
        server.start();
    });
}

fn stamp(store: &RedisStore, tag: Tag) -> Stamp {
    store.stamps(&[tag]).unwrap()[0]
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_clear_that_is_sent_twice_does_not_give_the_same_stamp_twice() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let (store, other) = (store(&proxy.url()), store(&server.url()));
    stamp(&store, tag(1));
    let cuts = AtomicUsize::new(1);
    proxy.requests();
    proxy.tamper(move |part| {
        let is_it = part.request.windows(4).any(|word| word == b"XADD");
        if is_it && cuts.swap(0, SeqCst) == 1 {
            Fate::Cut(Vec::new())
        } else {
            Fate::Sent(part.bytes.to_vec())
        }
    });
    store.clear_tag(&tag(1)).unwrap();
    let requests = proxy.requests();
    let sets: Vec<_> = requests.iter().filter(|request| request.contains("XADD")).collect();
    assert_eq!(sets.len(), 2, "{requests:?}");
    assert_ne!(sets[0], sets[1], "another may have cleared in between");
    assert_eq!(stamp(&store, tag(1)), stamp(&other, tag(1)));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_comes_back_from_a_snapshot_has_cleared_all_tags() {
    let server = Server::new();
    let store = store(&server.url());
    let before = stamp(&store, tag(1));
    let (moment, _) = store.tag_changes(None).unwrap();
    server.ask(&["SAVE"]);
    store.clear_tag(&tag(1)).unwrap();
    server.kill();
    server.start();
    until("the server is used again", RECOVERY, || store.stamps(&[tag(1)]).is_ok());
    assert_ne!(stamp(&store, tag(1)), before, "a stamp came back with a snapshot");
    assert_eq!(store.tag_changes(Some(moment)).unwrap().1, Changes::Everything);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_tagged_look_is_one_message_and_writes_nothing() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let store = store(&proxy.url());
    let tags = [tag(1), tag(2), tag(3)];
    let look = || store.get_tagged(&FUNCTION, &key(1), &tags).unwrap().1;
    let stamps = look();
    until("all is heard", RECOVERY, || {
        server.ask(&["PUBSUB", "CHANNELS"]) == ["memo:redis:1:invalidations"]
    });
    proxy.requests();
    for _ in 0..50 {
        assert_eq!(look(), stamps);
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 50, "{requests:?}");
    let writes = |request: &&String| request.contains("EXPIRE") || request.contains("SET");
    assert_eq!(requests.iter().find(writes), None);
    // What is about to run out is kept.
    let place = server.ask(&["KEYS", "memo:redis:1:tag:0101*"]).concat();
    server.ask(&["EXPIRE", &place, "1000"]);
    assert_eq!(look(), stamps);
    let left: u64 = server.ask(&["TTL", &place]).concat().parse().unwrap();
    assert!(left > 14 * 24 * 3600, "{left} s");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn more_clears_than_are_listed_are_everything() {
    let server = Server::new();
    let store = store(&server.url());
    let (start, _) = store.tag_changes(None).unwrap();
    let mut moments = Vec::new();
    for number in 0..1200 {
        moments.push(store.clear_tag(&tag(number % 100)).unwrap());
    }
    let since = |ticket| store.tag_changes(Some(ticket)).unwrap().1;
    assert_eq!(since(start), Changes::Everything);
    assert_eq!(since(moments[100]), Changes::Everything);
    let Changes::Removed(told) = since(moments[400]) else { panic!("not all are told") };
    assert_eq!(told.len(), 1200 - 401);
    assert_eq!(since(moments[1199]), Changes::Nothing);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_user_who_may_not_list_clears_no_tag_and_looks_up_all_the_same() {
    let server = Server::new();
    server.ask(&[
        "ACL",
        "SETUSER",
        "memo",
        "on",
        ">pass",
        "~*",
        "&*",
        "+@all",
        "-xadd",
        "-xrange",
        "-xrevrange",
    ]);
    let store = store(&format!("redis://memo:pass@127.0.0.1:{}", server.port));
    let before = store.stamps(&[tag(1)]).unwrap();
    let why = store.clear_tag(&tag(1)).unwrap_err().to_string();
    assert!(why.contains("NOPERM"), "{why}");
    let why = store.tag_changes(None).unwrap_err().to_string();
    assert!(why.contains("NOPERM"), "{why}");
    // It is not down.
    let (_, stamps) = store.get_tagged(&FUNCTION, &key(1), &[tag(1)]).unwrap();
    assert_ne!(stamps, before, "what could be done of a clear was not");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_result_that_is_too_long_for_the_deadline_is_a_miss_and_its_stamps_are_told() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let store = RedisStore::builder(proxy.url()).deadline(DEADLINE).connect();
    let tags = [tag(1), tag(2)];
    let look = || store.get_tagged(&FUNCTION, &key(1), &tags);
    let (lookup, stamps) = look().unwrap();
    let other = self::store(&server.url());
    other.put(&FUNCTION, &key(1), lookup.ticket, &[7; 500_000], None).unwrap();
    // What is long stops before its end.
    proxy.tamper(|part| match 100_000_usize.checked_sub(part.offset) {
        Some(left) => Fate::Sent(part.bytes[..left.min(part.bytes.len())].to_vec()),
        None => Fate::Sent(Vec::new()),
    });
    let why = look().unwrap_err().to_string();
    assert!(why.contains("does not come within the deadline"), "{why}");
    // It is not asked for again for a while, and the server is not down.
    let (again, now) = look().unwrap();
    assert!(again.found.is_none());
    assert_eq!((again.ticket, now), (lookup.ticket, stamps));
}
