//! memo.

use ::memo::{memo, singleton};
use serde::{Deserialize, Serialize};

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

#[memo]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[memo]
pub fn integers(a: u64, b: u32) -> u64 {
    work::integers(a, b)
}

#[memo]
pub fn text(text: &str) -> u64 {
    work::text(text)
}

#[memo]
pub fn string(name: &str) -> String {
    work::string(name)
}

#[memo]
pub fn query(query: &Query) -> u64 {
    work::query(query)
}

#[memo]
pub fn slice(values: &[u64]) -> u64 {
    work::slice(values)
}

#[memo]
pub fn record(id: u64) -> Record {
    work::record(id)
}

#[memo]
pub fn records(count: u64) -> Vec<Record> {
    work::records(count)
}

#[memo(clone)]
pub fn record_clone(id: u64) -> Record {
    work::record(id)
}

#[memo(clone)]
pub fn records_clone(count: u64) -> Vec<Record> {
    work::records(count)
}

#[memo]
pub fn column(count: u64) -> Vec<f64> {
    work::column(count)
}

#[memo]
pub fn columns(count: u64) -> Columns {
    work::columns(count)
}

#[memo]
pub async fn number_async(n: u64) -> u64 {
    work::number(n)
}

#[memo]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

#[memo]
fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

#[memo(ttl = "1h")]
pub fn lasting(n: u64) -> u64 {
    work::number(n)
}

#[memo(ttl = |_| work::TTL)]
pub fn own_life(n: u64) -> u64 {
    work::number(n)
}

#[memo(ttl = "1h", jitter = "1m")]
pub fn jittered(n: u64) -> u64 {
    work::number(n)
}

#[memo(idle = "1h")]
pub fn idle(n: u64) -> u64 {
    work::number(n)
}

#[memo(ttl = "1h", stale_if_error = "1h")]
pub fn stale(n: u64) -> Result<u64, String> {
    work::answer(n)
}

#[memo(share_err)]
pub fn shared_err(n: u64) -> Result<u64, String> {
    work::answer(n)
}

#[memo(enabled = n != 0)]
pub fn enabled(n: u64) -> u64 {
    work::number(n)
}

#[memo(ttl = "1h", refresh = "background")]
pub fn refreshed(n: u64) -> u64 {
    work::number(n)
}

// `work::BOUND`: the option takes a literal.
#[memo(max_entries = 10_000)]
pub fn bounded(n: u64) -> u64 {
    work::number(n)
}

/// [`work::Columns`], as who cares for speed writes them for memo.
#[derive(Serialize, Deserialize)]
pub struct BulkColumns {
    #[serde(with = "::memo::bulk")]
    time: Vec<f64>,
    #[serde(with = "::memo::bulk")]
    price: Vec<f64>,
    #[serde(with = "::memo::bulk")]
    volume: Vec<u64>,
}

#[memo]
pub fn columns_bulk(count: u64) -> BulkColumns {
    let Columns { time, price, volume } = work::columns(count);
    BulkColumns { time, price, volume }
}

#[singleton]
pub fn pool() -> Pool {
    work::pool("")
}

#[singleton]
pub fn pool_of(url: &str) -> Pool {
    work::pool(url)
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        number::clear();
        string::clear();
        fib::clear();
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
