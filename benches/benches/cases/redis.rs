//! Results on a Redis server of the run's own: in memory before it, found there, and not.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::Criterion;

use crate::measure::Group;
use crate::systems::redis::{cached, memo};
use crate::{server, systems};

/// Results that are asked for in turns: more than memo may keep in memory here.
const KEYS: u64 = 2;

pub fn all(criterion: &mut Criterion) {
    let Some(url) = server::url() else {
        eprintln!("no redis-server and no valkey-server on this machine: its cases are left out");
        return;
    };
    std::env::set_var("CACHED_REDIS_CONNECTION_STRING", url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    let mut group = Group::new(criterion, "redis-memory", 1);
    group.hits("memo", 1, |_| memo::number(black_box(42)));
    group.hits("memo without a store", 1, |_| systems::memo::number(black_box(42)));
    drop(group);

    let mut group = Group::new(criterion, "redis-hit", 1).few_samples();
    let turn = turns();
    group.hits("memo", KEYS, |_| memo::bytes(turn()));
    let turn = turns();
    group.hits("cached", KEYS, |_| cached::bytes(turn()).unwrap());
    drop(group);

    let mut group = Group::new(criterion, "redis-hit-async", 1).few_samples();
    let turn = turns();
    group.hits("memo", KEYS, |_| runtime.block_on(memo::bytes_async(turn())));
    let turn = turns();
    group.hits("cached", KEYS, |_| runtime.block_on(cached::bytes_async(turn())).unwrap());
    drop(group);

    let mut group = Group::new(criterion, "redis-miss", 1).few_samples();
    group.churn("memo", |i| memo::bytes(KEYS + i));
    group.churn("cached", |i| cached::bytes(KEYS + i).unwrap());
}

/// In turns throughout: what one sample ends with is not what the next begins with.
fn turns() -> impl Fn() -> u64 + Sync {
    let next = AtomicU64::new(0);
    move || next.fetch_add(1, Ordering::Relaxed) % KEYS
}
