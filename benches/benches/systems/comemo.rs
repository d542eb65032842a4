//! comemo: `#[memoize]`. It has no bounds and no expiry, and does not memoize across an `await`.

use std::sync::Arc;

use ::comemo::memoize;

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

#[memoize]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[memoize]
pub fn integers(a: u64, b: u32) -> u64 {
    work::integers(a, b)
}

#[memoize]
pub fn text(text: &str) -> u64 {
    work::text(text)
}

#[memoize]
pub fn string(name: &str) -> String {
    work::string(name)
}

#[memoize]
pub fn query(query: &Query) -> u64 {
    work::query(query)
}

#[memoize]
pub fn slice(values: &[u64]) -> u64 {
    work::slice(values)
}

#[memoize]
pub fn record(id: u64) -> Record {
    work::record(id)
}

#[memoize]
pub fn records(count: u64) -> Vec<Record> {
    work::records(count)
}

#[memoize]
pub fn column(count: u64) -> Vec<f64> {
    work::column(count)
}

#[memoize]
pub fn columns(count: u64) -> Columns {
    work::columns(count)
}

#[memoize]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

#[memoize]
fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

#[memoize]
pub fn pool() -> Arc<Pool> {
    Arc::new(work::pool(""))
}

#[memoize]
pub fn pool_of(url: &str) -> Arc<Pool> {
    Arc::new(work::pool(url))
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        // Every function's results, as there is no other way; their tables keep their memory.
        ::comemo::evict(0);
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
