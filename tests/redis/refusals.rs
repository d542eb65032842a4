//! A server that answers and refuses: it costs what it takes to be told so, and is reported once
//! each time.

use crate::common::doubling;
use crate::outages::suffer;
use crate::server::Server;

fn ask(server: &Server, command: &[&str]) {
    server.ask(command);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_is_full() {
    let server = Server::with(&["--maxmemory-policy", "noeviction"]);
    let double = doubling!("full", server.url());
    let limit = |bytes| ask(&server, &["CONFIG", "SET", "maxmemory", bytes]);
    suffer(&double, || limit("500kb"), || limit("0"));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_fills_up() {
    let server = Server::with(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    // 1 MB is what it needs for itself.
    let double = doubling!("fills up", server.url());
    for _ in 0..1000 {
        double.call_anew();
    }
    assert!(double.errors() > 0);
    assert_eq!(double.reports().len(), 1, "reports: {:#?}", double.reports());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_becomes_a_replica_that_is_only_read() {
    let server = Server::new();
    let double = doubling!("replica", server.url());
    suffer(
        &double,
        || ask(&server, &["REPLICAOF", "127.0.0.1", "1"]),
        || ask(&server, &["REPLICAOF", "NO", "ONE"]),
    );
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_server_becomes_a_replica_without_data() {
    let server = Server::with(&["--replica-serve-stale-data", "no"]);
    let double = doubling!("replica without data", server.url());
    suffer(
        &double,
        || ask(&server, &["REPLICAOF", "127.0.0.1", "1"]),
        || ask(&server, &["REPLICAOF", "NO", "ONE"]),
    );
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_user_may_do_nothing_any_more() {
    let server = Server::new();
    ask(&server, &["ACL", "SETUSER", "memo", "on", ">pass", "~*", "&*", "+@all"]);
    let double =
        doubling!("nothing allowed", format!("redis://memo:pass@127.0.0.1:{}", server.port));
    suffer(
        &double,
        || ask(&server, &["ACL", "SETUSER", "memo", "-@all"]),
        || ask(&server, &["ACL", "SETUSER", "memo", "+@all"]),
    );
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_user_may_read_and_not_write() {
    let server = Server::new();
    ask(&server, &["ACL", "SETUSER", "memo", "on", ">pass", "~*", "&*", "+@all"]);
    let double = doubling!("no writes", format!("redis://memo:pass@127.0.0.1:{}", server.port));
    suffer(
        &double,
        || ask(&server, &["ACL", "SETUSER", "memo", "-@write"]),
        || ask(&server, &["ACL", "SETUSER", "memo", "+@all"]),
    );
}
