//! What memory has costs no message, and what it does not have costs one.

use crate::common::{doubling, scale, until, Doubling, AGES, RECOVERY};
use crate::proxy::Proxy;
use crate::server::Server;

/// Memory no more asks whether there are changes.
fn hears(server: &Server, double: &Doubling) {
    double.call(0);
    until("the link hears", AGES, || {
        server.ask(&["PUBSUB", "CHANNELS"]) == ["memo:redis:1:invalidations"]
    });
    // It says so to itself once it is subscribed, and what comes after that is of the calls.
    until("the link has said hello", AGES, || {
        server.ask(&["INFO", "commandstats"]).concat().contains("cmdstat_publish:")
    });
    until("all is well", RECOVERY, || double.is_well());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_hit_in_memory_asks_the_server_nothing() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("hits", proxy.url());
    hears(&server, &double);
    for number in 0..100 {
        double.call(number);
    }
    // The first call after the link heard asks for what it did not hear before.
    double.call(0);
    let (commands, hits) = (server.commands(), (double.stats)().hits);
    proxy.requests();
    for _ in 0..100 * scale() {
        for number in 0..100 {
            double.call(number);
        }
    }
    assert_eq!((double.stats)().hits - hits, 10_000 * scale());
    let requests = proxy.requests();
    assert!(requests.is_empty(), "{requests:?}");
    assert_eq!(server.commands(), commands);
    assert_eq!(double.errors(), 0);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_is_not_in_memory_takes_one_message_to_look_and_one_to_put() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("misses", proxy.url(), max_entries = 1);
    hears(&server, &double);
    double.call(1);
    double.call(2);
    proxy.requests();
    let hits = (double.stats)().hits;
    for round in 0..50 {
        double.call(1 + round % 2);
    }
    let requests = proxy.requests();
    assert_eq!((double.stats)().hits - hits, 50);
    assert_eq!(requests.len(), 50, "{requests:?}");
    assert!(requests.iter().all(|request| request.contains("PTTL")), "{requests:?}");

    for _ in 0..50 {
        double.call_anew();
    }
    let requests = proxy.requests();
    let looks = requests.iter().filter(|request| request.contains("PTTL")).count();
    let puts = requests.iter().filter(|request| request.contains("SET")).count();
    assert_eq!((requests.len(), looks, puts), (100, 50, 50), "{requests:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn an_idle_process_sends_a_few_pings_and_nothing_else() {
    let server = Server::new();
    let proxy = Proxy::new(server.port);
    let double = doubling!("idle", proxy.url());
    hears(&server, &double);
    double.call(1);
    let commands = server.commands();
    proxy.requests();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(proxy.requests(), Vec::<String>::new());
    assert_eq!(server.commands(), commands);
}
