//! Who computes while others make it void comes too late; and a server that forgets is a cleared one.

use crate::children::Child;
use crate::server::{Scratch, Server};
use crate::shared::two;

/// A process computes, something happens, and its result comes too late.
#[track_caller]
fn comes_late(happens: impl FnOnce(&Server, &mut Child)) {
    let (server, scratch) = (Server::new(), Scratch::new());
    let [mut one, mut other] = two(&server, &scratch);
    // Both know an epoch in which there is something.
    one.tell("slow 2");
    assert_eq!(one.answer(), "computing");
    assert_eq!(one.ask("go on"), "2, computed");
    assert_eq!(other.ask("slow 2"), "2");
    one.tell("slow 1");
    assert_eq!(one.answer(), "computing");
    happens(&server, &mut other);
    assert_eq!(one.ask("go on"), "1, computed");
    assert_eq!(other.ask("get slow 1"), "None");
    let mut third = Child::new("shared", &server.url(), &scratch);
    assert_eq!(third.ask("get slow 1"), "None");
    third.tell("slow 1");
    assert_eq!(third.answer(), "computing");
    assert_eq!(third.ask("go on"), "1, computed");
    assert_eq!(other.ask("slow 1"), "1");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_computes_while_others_clear_comes_too_late() {
    comes_late(|_, other| drop(other.ask("clear slow")));
    comes_late(|_, other| drop(other.ask("clear all")));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_computes_while_others_remove_the_call_comes_too_late() {
    comes_late(|_, other| drop(other.ask("remove slow 1")));
}

/// The keys that say when functions were cleared.
fn epochs(server: &Server) -> Vec<String> {
    let keys = server.ask(&["KEYS", "memo:redis:1:{*}*"]);
    assert!(keys.len() >= 4, "{keys:?}");
    keys
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_computes_while_the_server_forgets_its_epochs_comes_too_late() {
    comes_late(|server, _| drop(server.ask(&["FLUSHALL"])));
    comes_late(|server, _| {
        drop(server.ask(&["DEL", "memo:redis:1:{all}", "memo:redis:1:{all}:1"]))
    });
    comes_late(|server, _| {
        for key in epochs(server) {
            server.ask(&["DEL", &key]);
        }
    });
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_forgets_an_epoch_is_a_cleared_one() {
    let forget: [fn(&Server); 4] = [
        |server| drop(server.ask(&["FLUSHALL"])),
        |server| drop(server.ask(&["DEL", "memo:redis:1:{all}", "memo:redis:1:{all}:1"])),
        |server| {
            for key in epochs(server).iter().filter(|key| !key.contains("{all}")) {
                server.ask(&["DEL", key]);
            }
        },
        |server| {
            for key in epochs(server).iter().filter(|key| !key.contains("{all}")) {
                server.ask(&["HDEL", key, "epoch"]);
            }
        },
    ];
    for forget in forget {
        let (server, scratch) = (Server::new(), Scratch::new());
        let ask_another = |line| Child::new("shared", &server.url(), &scratch).ask(line);
        let mut resident = Child::new("shared", &server.url(), &scratch);
        assert_eq!(resident.ask("triple 1"), "3, computed");
        assert_eq!(ask_another("triple 1"), "3");
        forget(&server);
        assert_eq!(ask_another("get 1"), "None");
        assert_eq!(ask_another("triple 1"), "3, computed");
        // And stays so, whatever the one with the old epoch does.
        let says = resident.ask("triple 1");
        assert!(says == "3" || says == "3, computed", "{says}");
        assert_eq!(resident.ask("triple 2"), "6, computed");
        assert_eq!(ask_another("triple 2"), "6");
        assert_eq!(resident.ask("errors"), "[0, 0, 0]");
    }
}
