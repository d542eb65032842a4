//! `func::explain(…)` of what is behind a server.

use memo::Why;

use crate::common::doubling;
use crate::server::Server;

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_the_server_has_is_a_hit_and_what_it_never_had_is_none() {
    let server = Server::new();
    let double = doubling!("explained", server.url(), max_entries = 1);
    double.call(1);
    double.call(2);
    assert_eq!((double.stats)().evictions, 1);
    for number in [1, 2] {
        assert!(matches!((double.explain)(number).why(), Why::Hit { .. }));
    }
    assert_eq!((double.explain)(3).why(), &Why::Never);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_is_not_there_is_not_reached() {
    let server = Server::later(&[]);
    let double = doubling!("unexplained", server.url());
    assert_eq!((double.explain)(1).why(), &Why::StoreUnreachable);
}
