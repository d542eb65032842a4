//! What one process makes void is void for all, and what it computed they find.

use std::time::{Duration, Instant};

use memo::memo;
use memo::store::RedisStore;

use crate::children::{command, computed, listen, say, url, Child};
use crate::common::{until, AGES};
use crate::server::{Scratch, Server};

/// Who hears of it forgets at once; this is for a machine that has other things to do.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Until then memory may answer with what was made void, where no message comes.
const BOUND: Duration = Duration::from_millis(1100);

fn store() -> RedisStore {
    RedisStore::builder(url()).deadline(Duration::from_secs(5)).connect()
}

#[memo(store = "redis")]
fn double(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = store())]
fn triple(number: u64) -> u64 {
    computed(3 * number)
}

/// Goes on when it is told to.
#[memo(store = store())]
fn slow(number: u64) -> u64 {
    say("computing");
    listen();
    computed(number)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "double" => double(number).to_string(),
        "triple" => triple(number).to_string(),
        "slow" => slow(number).to_string(),
        "get" => format!("{:?}", triple::get(number)),
        "get slow" => format!("{:?}", slow::get(number)),
        "remove" => triple::remove(number).to_string(),
        "remove slow" => slow::remove(number).to_string(),
        "refresh" => triple::refresh(number).to_string(),
        "insert" => {
            triple::insert(number, 1000);
            "done".into()
        }
        "clear" => {
            triple::clear();
            "done".into()
        }
        "clear slow" => {
            slow::clear();
            "done".into()
        }
        "clear all" => {
            memo::clear_all();
            "done".into()
        }
        "entries" => format!("{}", double::stats().entries + triple::stats().entries),
        "errors" => {
            let stats = [double::stats(), triple::stats(), slow::stats()];
            format!("{:?}", stats.map(|stats| stats.store_errors))
        }
        _ => unreachable!("{line}"),
    }
}

pub(crate) fn two(server: &Server, scratch: &Scratch) -> [Child; 2] {
    [(); 2].map(|()| Child::new("shared", &server.url(), scratch))
}

#[track_caller]
fn until_it_says(child: &mut Child, line: &str, answer: &str) {
    let took = until(answer, AT_ONCE, || child.ask(line) == answer);
    println!("`{line}` says {answer:?} after {took:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_one_process_computes_the_others_find() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    for function in ["double", "triple"] {
        let line = format!("{function} 7");
        let result = if function == "double" { "14" } else { "21" };
        assert_eq!(one.ask(&line), format!("{result}, computed"));
        assert_eq!(one.ask(&line), result);
        assert_eq!(other.ask(&line), result);
    }
    for child in [&mut one, &mut other] {
        assert_eq!(child.ask("errors"), "[0, 0, 0]");
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_removal_reaches_the_memory_of_others_and_leaves_the_rest_there() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    for number in 1..=3 {
        one.ask(&format!("triple {number}"));
        other.ask(&format!("triple {number}"));
    }
    assert_eq!(other.ask("entries"), "3");
    assert_eq!(one.ask("remove 1"), "true");
    assert_eq!(one.ask("get 1"), "None");
    until_it_says(&mut other, "get 1", "None");
    assert_eq!(other.ask("entries"), "2");
    assert_eq!(other.ask("triple 2"), "6");
    assert_eq!(other.ask("triple 1"), "3, computed");
    assert_eq!(one.ask("triple 1"), "3");
    assert_eq!(one.ask("remove 9"), "false");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn an_insertion_and_a_refresh_replace_what_others_have_in_memory() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    assert_eq!(one.ask("triple 1"), "3, computed");
    assert_eq!(other.ask("triple 1"), "3");
    assert_eq!(one.ask("insert 1"), "done");
    until_it_says(&mut other, "get 1", "Some(1000)");
    assert_eq!(one.ask("refresh 1"), "3, computed");
    until_it_says(&mut other, "get 1", "Some(3)");
    assert_eq!(Child::new("shared", &server.url(), &scratch).ask("triple 1"), "3");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_clear_reaches_the_memory_of_others_and_no_other_function() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    for child in [&mut one, &mut other] {
        child.ask("triple 1");
        child.ask("double 1");
    }
    assert_eq!(one.ask("clear"), "done");
    assert_eq!(one.ask("get 1"), "None");
    until_it_says(&mut other, "get 1", "None");
    assert_eq!(other.ask("double 1"), "2");
    assert_eq!(other.ask("triple 1"), "3, computed");
    assert_eq!(one.ask("triple 1"), "3");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn clear_all_reaches_functions_that_the_process_has_not_called() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    other.ask("triple 1");
    other.ask("double 1");
    assert_eq!(one.ask("triple 1"), "3");
    assert_eq!(one.ask("clear all"), "done");
    until_it_says(&mut other, "get 1", "None");
    assert_eq!(one.ask("double 1"), "2, computed");
    assert_eq!(other.ask("triple 1"), "3, computed");
    // Of what memory had, `clear_all` was told like `clear`.
    assert_eq!(other.ask("double 1"), "2");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_removal_reaches_memory_within_a_second_though_no_message_can() {
    let (server, scratch) = (Server::new(), Scratch::new());
    server.ask(&["ACL", "SETUSER", "deaf", "on", ">pass", "~*", "+@all", "-subscribe"]);
    let url = format!("redis://deaf:pass@127.0.0.1:{}", server.port);
    let [mut one, mut other] = [(); 2].map(|()| Child::new("shared", &url, &scratch));
    one.ask("triple 1");
    // Asks for changes whenever it may, until its link has done all it can.
    let start = Instant::now();
    until("its link has tried", AGES, || {
        assert_eq!(other.ask("triple 1"), "3");
        start.elapsed() > Duration::from_secs(1)
    });
    assert_eq!(one.ask("remove 1"), "true");
    let took = until("it is removed", BOUND, || other.ask("get 1") == "None");
    println!("removed after {took:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_clear_reaches_memory_within_a_second_though_who_clears_may_not_tell() {
    let (server, scratch) = (Server::new(), Scratch::new());
    server.ask(&["ACL", "SETUSER", "mute", "on", ">pass", "~*", "+@all", "resetchannels"]);
    let url = format!("redis://mute:pass@127.0.0.1:{}", server.port);
    let mut one = Child::new("shared", &url, &scratch);
    let mut other = Child::new("shared", &server.url(), &scratch);
    one.ask("triple 1");
    // Hears, and has asked for what it did not hear before.
    until("it hears", AGES, || {
        assert_eq!(other.ask("triple 1"), "3");
        server.ask(&["PUBSUB", "NUMSUB", "memo:redis:1:invalidations"])
            == ["memo:redis:1:invalidations", "1"]
    });
    other.ask("triple 2");
    one.ask("clear");
    let took = until("it is cleared", BOUND, || other.ask("get 1") == "None");
    println!("cleared after {took:?}");
}
