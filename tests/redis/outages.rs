//! A server that goes away costs one deadline, then nothing until it is there again; and each time
//! it is reported once.

use std::time::{Duration, Instant};

use crate::common::{doubling, scale, until, Doubling, DEADLINE, LATE, RECOVERY};
use crate::proxy::{Fate, Proxy};
use crate::server::{Admin, Server};

/// How many calls are made while nothing answers.
const CALLS: u32 = 1000;

/// Has a function go through an outage, and through another.
#[track_caller]
pub(crate) fn suffer(double: &Doubling, breaks: impl Fn(), mends: impl Fn()) {
    for round in 1..=2 {
        until("all is well", RECOVERY + DEADLINE, || double.is_well());
        breaks();
        lasts(double, round);
        mends();
        recovers(double);
        assert_eq!(double.reports().len(), round, "reports: {:#?}", double.reports());
    }
}

/// Calls during an outage, which is the function's so many-th.
#[track_caller]
fn lasts(double: &Doubling, round: usize) {
    let errors = double.errors();
    let mut longest = Duration::ZERO;
    until("the outage shows", RECOVERY, || {
        longest = longest.max(double.call_anew());
        double.errors() > errors
    });
    let start = Instant::now();
    for _ in 0..CALLS * scale() as u32 {
        longest = longest.max(double.call_anew());
    }
    let cost = start.elapsed() / (CALLS * scale() as u32);
    println!("{}: {longest:?} at the longest, then {cost:?}", (double.stats)().name);
    assert!(longest < LATE, "a call took {longest:?}");
    // Twice what is promised, for who has half a processor.
    assert!(cost < Duration::from_millis(2), "a call takes {cost:?} during an outage");
    assert!(double.errors() > errors + 1);
    assert_eq!(double.reports().len(), round, "reports: {:#?}", double.reports());
}

#[track_caller]
fn recovers(double: &Doubling) {
    let took = until("the server is used again", RECOVERY, || double.is_well());
    println!("{}: used again after {took:?}", (double.stats)().name);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn there_is_no_server_and_then_one() {
    let server = Server::later(&[]);
    let double = doubling!("no server", server.url());
    lasts(&double, 1);
    server.start();
    recovers(&double);
    assert_eq!(double.reports().len(), 1);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_is_stopped_and_goes_on() {
    let server = Server::new();
    let double = doubling!("stopped", server.url());
    suffer(&double, || server.stop(), || server.go_on());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_is_killed_and_restarted() {
    let server = Server::new();
    let double = doubling!("killed", server.url());
    suffer(&double, || server.kill(), || server.start());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_pauses_for_two_seconds() {
    let server = Server::new();
    let double = doubling!("paused", server.url());
    let pause = || drop(server.ask(&["CLIENT", "PAUSE", "2000"]));
    // Answered when the pause is over.
    suffer(&double, pause, || drop(server.ask(&["PING"])));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_cluster_is_stopped_and_goes_on() {
    let server = Server::cluster();
    let url = format!("redis-cluster://127.0.0.1:{}", server.port);
    let double = doubling!("cluster stopped", url);
    suffer(&double, || server.stop(), || server.go_on());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_cluster_is_killed_and_restarted() {
    let server = Server::cluster();
    let url = format!("redis-cluster://127.0.0.1:{}", server.port);
    let double = doubling!("cluster killed", url);
    let restart = || {
        server.start();
        server.until_it_is_one();
    };
    suffer(&double, || server.kill(), restart);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_network_accepts_and_never_answers() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("half open", proxy.url());
    suffer(&double, || proxy.mute(), || proxy.leave_alone());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_network_hangs_up_on_whoever_comes() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("hung up", proxy.url());
    suffer(&double, || proxy.hang_up(), || proxy.mend());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_speaks_another_language() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("another language", proxy.url());
    let breaks = || {
        proxy.tamper(|part| match part.offset {
            0 => Fate::Sent(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            _ => Fate::Sent(Vec::new()),
        });
    };
    suffer(&double, breaks, || proxy.leave_alone());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_has_room_for_one_client_who_is_another() {
    let server = Server::new();
    let double = doubling!("no room", server.url());
    let admin = std::cell::RefCell::new(Admin::new(server.port).unwrap());
    let ask = |command: &[&str]| admin.borrow_mut().ask(command).unwrap();
    let breaks = || {
        ask(&["CONFIG", "SET", "maxclients", "1"]);
        ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    };
    suffer(&double, breaks, || drop(ask(&["CONFIG", "SET", "maxclients", "1000"])));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_password_is_another_for_a_while() {
    let server = Server::new();
    let double = doubling!("another password", server.url());
    let mut admin = Admin::new(server.port).unwrap();
    admin.ask(&["CONFIG", "SET", "requirepass", ""]).unwrap();
    let admin = std::cell::RefCell::new(admin);
    let ask = |command: &[&str]| admin.borrow_mut().ask(command).unwrap();
    let breaks = || {
        ask(&["CONFIG", "SET", "requirepass", "other"]);
        ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    };
    suffer(&double, breaks, || drop(ask(&["CONFIG", "SET", "requirepass", ""])));
}
