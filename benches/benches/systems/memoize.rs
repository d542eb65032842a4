//! memoize: `SharedCache`, the one that threads share, with the hasher that its README recommends.
//!
//! Its functions take owned arguments, so who has a borrowed one pays for a copy at each call.

use std::sync::Arc;

use ahash::{HashMap, HashMapExt};
use memoize::memoize;

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn integers(a: u64, b: u32) -> u64 {
    work::integers(a, b)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn owned_text(text: String) -> u64 {
    work::text(&text)
}

pub fn text(text: &str) -> u64 {
    owned_text(text.to_owned())
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn owned_string(name: String) -> String {
    work::string(&name)
}

pub fn string(name: &str) -> String {
    owned_string(name.to_owned())
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn owned_query(query: Query) -> u64 {
    work::query(&query)
}

pub fn query(query: &Query) -> u64 {
    owned_query(query.clone())
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn owned_slice(values: Vec<u64>) -> u64 {
    work::slice(&values)
}

pub fn slice(values: &[u64]) -> u64 {
    owned_slice(values.to_owned())
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn record(id: u64) -> Record {
    work::record(id)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn records(count: u64) -> Vec<Record> {
    work::records(count)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn column(count: u64) -> Vec<f64> {
    work::column(count)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn columns(count: u64) -> Columns {
    work::columns(count)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

#[memoize(SharedCache, CustomHasher: HashMap)]
pub fn pool() -> Arc<Pool> {
    Arc::new(work::pool(""))
}

#[memoize(SharedCache, CustomHasher: HashMap)]
fn owned_pool_of(url: String) -> Arc<Pool> {
    Arc::new(work::pool(&url))
}

pub fn pool_of(url: &str) -> Arc<Pool> {
    owned_pool_of(url.to_owned())
}

#[memoize(SharedCache, CustomHasher: HashMap, TimeToLive: work::TTL)]
pub fn lasting(n: u64) -> u64 {
    work::number(n)
}

// A capacity and a hasher do not go together.
#[memoize(SharedCache, Capacity: 10_000)]
pub fn bounded(n: u64) -> u64 {
    work::number(n)
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        // A flush keeps the table's memory; there is no way to have it given up.
        memoized_flush_number();
        memoized_flush_owned_string();
        memoized_flush_fib();
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
