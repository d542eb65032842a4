//! cached: `#[cached]`, one lock a function; `#[once]` for the singleton.

use std::sync::Arc;
use std::time::Instant;

use ::cached::macros::{cached, once};
use ::cached::{Cached, Expires};

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

#[cached]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[cached]
pub fn integers(a: u64, b: u32) -> u64 {
    work::integers(a, b)
}

#[cached]
pub fn text(text: &str) -> u64 {
    work::text(text)
}

#[cached]
pub fn string(name: &str) -> String {
    work::string(name)
}

#[cached]
pub fn query(query: &Query) -> u64 {
    work::query(query)
}

#[cached]
pub fn slice(values: &[u64]) -> u64 {
    work::slice(values)
}

#[cached]
pub fn record(id: u64) -> Record {
    work::record(id)
}

#[cached]
pub fn records(count: u64) -> Vec<Record> {
    work::records(count)
}

#[cached]
pub fn column(count: u64) -> Vec<f64> {
    work::column(count)
}

#[cached]
pub fn columns(count: u64) -> Columns {
    work::columns(count)
}

#[cached]
pub async fn number_async(n: u64) -> u64 {
    work::number(n)
}

#[cached]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

#[cached]
fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

#[once]
pub fn pool() -> Arc<Pool> {
    Arc::new(work::pool(""))
}

#[cached]
pub fn pool_of(url: &str) -> Arc<Pool> {
    Arc::new(work::pool(url))
}

#[cached(ttl = "work::TTL")]
pub fn lasting(n: u64) -> u64 {
    work::number(n)
}

#[cached(expires = true)]
pub fn own_life(n: u64) -> Expiring {
    Expiring::new(work::number(n))
}

#[cached(ttl = "work::TTL", refresh = true)]
pub fn idle(n: u64) -> u64 {
    work::number(n)
}

#[cached(ttl = "work::TTL", result_fallback = true)]
pub fn stale(n: u64) -> Result<u64, String> {
    work::answer(n)
}

#[cached(force_refresh = { n == 0 })]
pub fn enabled(n: u64) -> u64 {
    work::number(n)
}

#[cached(max_size = 10_000)]
pub fn bounded(n: u64) -> u64 {
    work::number(n)
}

/// A value that says itself when it expires.
#[derive(Clone)]
pub struct Expiring {
    _value: u64,
    end: Instant,
}

impl Expiring {
    pub fn new(value: u64) -> Self {
        Self { _value: value, end: Instant::now() + work::TTL }
    }
}

impl Expires for Expiring {
    fn is_expired(&self) -> bool {
        Instant::now() >= self.end
    }
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        // A reset gives the table's memory back, which a clear keeps.
        NUMBER.write().cache_reset();
        STRING.write().cache_reset();
        FIB.write().cache_reset();
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
