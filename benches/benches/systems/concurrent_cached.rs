//! cached: `#[concurrent_cached]`, a lock a shard.

use std::sync::Arc;

use cached::macros::concurrent_cached;
use cached::ConcurrentCached;

use super::cached::Expiring;
use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

#[concurrent_cached]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[concurrent_cached]
pub fn integers(a: u64, b: u32) -> u64 {
    work::integers(a, b)
}

#[concurrent_cached]
pub fn text(text: &str) -> u64 {
    work::text(text)
}

#[concurrent_cached]
pub fn string(name: &str) -> String {
    work::string(name)
}

#[concurrent_cached]
pub fn query(query: &Query) -> u64 {
    work::query(query)
}

#[concurrent_cached]
pub fn slice(values: &[u64]) -> u64 {
    work::slice(values)
}

#[concurrent_cached]
pub fn record(id: u64) -> Record {
    work::record(id)
}

#[concurrent_cached]
pub fn records(count: u64) -> Vec<Record> {
    work::records(count)
}

#[concurrent_cached]
pub fn column(count: u64) -> Vec<f64> {
    work::column(count)
}

#[concurrent_cached]
pub fn columns(count: u64) -> Columns {
    work::columns(count)
}

#[concurrent_cached]
pub async fn number_async(n: u64) -> u64 {
    work::number(n)
}

#[concurrent_cached]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

#[concurrent_cached]
fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

#[concurrent_cached]
pub fn pool_of(url: &str) -> Arc<Pool> {
    Arc::new(work::pool(url))
}

#[concurrent_cached(ttl = "work::TTL")]
pub fn lasting(n: u64) -> u64 {
    work::number(n)
}

#[concurrent_cached(expires = true)]
pub fn own_life(n: u64) -> Expiring {
    Expiring::new(work::number(n))
}

#[concurrent_cached(ttl = "work::TTL", refresh = true)]
pub fn idle(n: u64) -> u64 {
    work::number(n)
}

#[concurrent_cached(ttl = "work::TTL", result_fallback = true)]
pub fn stale(n: u64) -> Result<u64, String> {
    work::answer(n)
}

#[concurrent_cached(force_refresh = { n == 0 })]
pub fn enabled(n: u64) -> u64 {
    work::number(n)
}

#[concurrent_cached(max_size = 10_000)]
pub fn bounded(n: u64) -> u64 {
    work::number(n)
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        // The shards keep their tables' memory; there is no way to have them give it up.
        let Ok(()) = NUMBER.cache_reset();
        let Ok(()) = STRING.cache_reset();
        let Ok(()) = FIB.cache_reset();
        Self
    }

    fn number(&self, n: u64) -> u64 {
        number(n)
    }

    fn string(&self, name: &str) -> String {
        string(name)
    }
}

impl Recursive for Caches {
    fn fib(&self, n: u64) -> u64 {
        fib(n)
    }
}
