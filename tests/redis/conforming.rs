//! The store is one, wherever the server is and however it lets in.

use std::time::Duration;

use memo::store::{conformance, FunctionId, RedisBuilder, RedisStore, Store};

use crate::common::{until, AGES};
use crate::server::{free_port, Scratch, Server};

/// A machine that has other things to do is no fault of the store's.
fn builder(url: &str) -> RedisBuilder {
    RedisStore::builder(url).deadline(Duration::from_secs(10))
}

fn check(url: &str) {
    conformance::check(|| builder(url).connect());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_over_tcp() {
    let server = Server::new();
    check(&server.url());
    assert!(server.ask(&["KEYS", "memo:redis:1:*"]).len() > 5);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_over_a_unix_socket() {
    let scratch = Scratch::new();
    let socket = scratch.path().join("socket").to_str().unwrap().to_owned();
    let server = Server::with(&["--unixsocket", &socket, "--unixsocketperm", "700"]);
    check(&format!("redis+unix://{socket}"));
    assert!(server.ask(&["KEYS", "memo:redis:1:*"]).len() > 5);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_for_a_user_with_a_password_in_a_database_of_a_number() {
    let server = Server::new();
    server.ask(&["ACL", "SETUSER", "memo", "on", ">p4ss word/@:", "~own:*", "&own:*", "+@all"]);
    let url = format!("redis://memo:p4ss%20word%2F%40%3A@127.0.0.1:{}/3", server.port);
    conformance::check(|| builder(&url).prefix("own").connect());
    assert!(server.ask(&["KEYS", "*"]).is_empty(), "something is in the database of no number");
    let keyspace = server.ask(&["INFO", "keyspace"]).concat();
    assert!(keyspace.contains("db3:keys="), "{keyspace}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_for_a_user_who_may_do_no_more_than_the_documentation_says() {
    let server = Server::new();
    let rights = ["+@read", "+@write", "+@pubsub", "+@transaction", "+info"];
    server.ask(&[&["ACL", "SETUSER", "memo", "on", ">pass", "~*", "&*"][..], &rights].concat());
    check(&format!("redis://memo:pass@127.0.0.1:{}", server.port));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_for_whoever_has_the_password_of_all() {
    let server = Server::with(&["--requirepass", "p4ss"]);
    check(&format!("redis://:p4ss@127.0.0.1:{}", server.port));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_on_a_cluster() {
    let server = Server::cluster();
    check(&format!("redis-cluster://127.0.0.1:{}", server.port));
    assert!(server.ask(&["KEYS", "memo:redis:1:*"]).len() > 5);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn it_is_a_store_on_a_cluster_of_which_not_every_node_is_there() {
    let (server, nobody) = (Server::cluster(), free_port());
    check(&format!("redis-cluster://127.0.0.1:{},127.0.0.1:{nobody}", server.port));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn prefixes_keep_stores_on_one_server_apart() {
    let server = Server::new();
    let function = FunctionId::new("apart", [7; 16]);
    let [one, other] =
        ["one", "other"].map(|prefix| builder(&server.url()).prefix(prefix).connect());
    for store in [&one, &other] {
        let ticket = store.get(&function, &[1; 32]).unwrap().ticket;
        store.put(&function, &[1; 32], ticket, b"value", None).unwrap();
    }
    one.clear_all().unwrap();
    assert!(one.get(&function, &[1; 32]).unwrap().found.is_none());
    assert!(other.get(&function, &[1; 32]).unwrap().found.is_some());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_result_larger_than_allowed_is_not_stored_and_no_error() {
    let server = Server::new();
    let store = builder(&server.url()).max_value_bytes(100).connect();
    let function = FunctionId::new("large", [7; 16]);
    let ticket = store.get(&function, &[1; 32]).unwrap().ticket;
    for (len, is_there) in [(100, true), (101, false)] {
        let key = [len as u8; 32];
        store.put(&function, &key, ticket, &vec![1; len], None).unwrap();
        assert_eq!(store.get(&function, &key).unwrap().found.is_some(), is_there, "{len} bytes");
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_store_that_is_dropped_leaves_no_connection_behind() {
    let server = Server::new();
    let clients = || server.ask(&["CLIENT", "LIST"]).concat().lines().count();
    let before = clients();
    let stores = [(); 20].map(|()| builder(&server.url()).connect());
    for store in &stores {
        store.clear_all().unwrap();
    }
    until("each store hears", AGES, || clients() >= before + 2 * stores.len());
    drop(stores);
    until("their connections are closed", AGES, || clients() == before);
}
