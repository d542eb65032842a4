//! What the Redis store promises, with a server that the tests start, stop and kill. Each test has
//! functions and a server of its own.
//!
//! The server is the first that is found of `redis-server` and `valkey-server`, or
//! `$MEMO_TEST_SERVER`. `MEMO_TEST_SCALE=10` has the tests that count do ten times as much, as
//! the project's gate does.

#[cfg(all(unix, feature = "redis"))]
mod children;
#[cfg(all(unix, feature = "redis"))]
mod common;
#[cfg(all(unix, feature = "redis"))]
mod nodes;
#[cfg(all(unix, feature = "redis"))]
mod proxy;
#[cfg(all(unix, feature = "redis"))]
mod server;
#[cfg(all(unix, feature = "redis"))]
#[path = "../support/waiting.rs"]
mod waiting;

#[cfg(all(unix, feature = "redis"))]
mod broken;
#[cfg(all(unix, feature = "redis"))]
mod cluster;
#[cfg(all(unix, feature = "redis"))]
mod conforming;
#[cfg(all(unix, feature = "redis"))]
mod damage;
#[cfg(all(unix, feature = "redis"))]
mod eviction;
#[cfg(all(unix, feature = "redis"))]
mod expiry;
#[cfg(all(unix, feature = "redis"))]
mod explain;
#[cfg(all(unix, feature = "redis"))]
mod fleet;
#[cfg(all(unix, feature = "redis"))]
mod late;
#[cfg(all(unix, feature = "redis"))]
mod outages;
#[cfg(all(unix, feature = "redis"))]
mod refusals;
#[cfg(all(unix, feature = "redis"))]
mod rights;
#[cfg(all(unix, feature = "redis"))]
mod secrets;
#[cfg(all(unix, feature = "redis"))]
mod shared;
#[cfg(all(unix, feature = "redis"))]
mod stale;
#[cfg(all(unix, feature = "redis"))]
mod stamps;
#[cfg(all(unix, feature = "redis"))]
mod storm;
#[cfg(all(unix, feature = "redis"))]
mod tasks;
#[cfg(all(unix, feature = "redis-tls"))]
mod tls;
#[cfg(all(unix, feature = "redis"))]
mod traffic;

#[cfg(all(unix, feature = "redis"))]
const ROLES: &[(&str, children::Role)] = &[
    ("expiry", expiry::role),
    ("fleet", fleet::role),
    ("shared", shared::role),
    ("stale", stale::role),
    ("stale_tags", stale::role_of_tags),
    ("stamps", stamps::role),
    #[cfg(feature = "redis-tls")]
    ("tls", tls::role),
];

#[cfg(all(unix, feature = "redis"))]
#[test]
#[ignore = "the process that the other tests start and talk to; by itself it does nothing"]
fn child() {
    children::play(ROLES);
}

#[cfg(not(all(unix, feature = "redis")))]
#[test]
#[ignore = "needs the feature `redis` and a server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn the_tests_with_a_server() {}
