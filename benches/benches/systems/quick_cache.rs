//! quick_cache: caches written by hand, `get_or_insert_with`. It has no unbounded form, so where no
//! bound is measured it is one that is not reached. It has no expiry.

use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use ::quick_cache::sync::Cache;
use ::quick_cache::Equivalent;

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

type Static<K, V> = LazyLock<Cache<K, V>>;

fn new<K: Hash + Eq, V: Clone>() -> Cache<K, V> {
    Cache::new(100_000)
}

fn get_or<K, Q, V>(cache: &Cache<K, V>, key: &Q, body: impl FnOnce() -> V) -> V
where
    K: Hash + Eq,
    Q: ?Sized + Hash + Equivalent<K> + ToOwned<Owned = K>,
    V: Clone,
{
    let Ok(value) = cache.get_or_insert_with(key, || Ok::<_, Infallible>(body()));
    value
}

pub fn number(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    get_or(&CACHE, &n, || work::number(n))
}

pub fn integers(a: u64, b: u32) -> u64 {
    static CACHE: Static<(u64, u32), u64> = LazyLock::new(new);
    get_or(&CACHE, &(a, b), || work::integers(a, b))
}

pub fn text(text: &str) -> u64 {
    static CACHE: Static<String, u64> = LazyLock::new(new);
    get_or(&CACHE, text, || work::text(text))
}

pub fn string(name: &str) -> String {
    static CACHE: Static<String, String> = LazyLock::new(new);
    get_or(&CACHE, name, || work::string(name))
}

pub fn query(query: &Query) -> u64 {
    static CACHE: Static<Query, u64> = LazyLock::new(new);
    get_or(&CACHE, query, || work::query(query))
}

pub fn slice(values: &[u64]) -> u64 {
    static CACHE: Static<Vec<u64>, u64> = LazyLock::new(new);
    get_or(&CACHE, values, || work::slice(values))
}

pub fn record(id: u64) -> Record {
    static CACHE: Static<u64, Record> = LazyLock::new(new);
    get_or(&CACHE, &id, || work::record(id))
}

pub fn records(count: u64) -> Vec<Record> {
    static CACHE: Static<u64, Vec<Record>> = LazyLock::new(new);
    get_or(&CACHE, &count, || work::records(count))
}

pub fn column(count: u64) -> Vec<f64> {
    static CACHE: Static<u64, Vec<f64>> = LazyLock::new(new);
    get_or(&CACHE, &count, || work::column(count))
}

pub fn columns(count: u64) -> Columns {
    static CACHE: Static<u64, Columns> = LazyLock::new(new);
    get_or(&CACHE, &count, || work::columns(count))
}

pub async fn number_async(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    let Ok(value) =
        CACHE.get_or_insert_async(&n, async { Ok::<_, Infallible>(work::number(n)) }).await;
    value
}

pub fn slow(seed: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    get_or(&CACHE, &seed, || work::slow(seed))
}

pub fn pool() -> Arc<Pool> {
    static CACHE: Static<(), Arc<Pool>> = LazyLock::new(new);
    get_or(&CACHE, &(), || Arc::new(work::pool("")))
}

pub fn pool_of(url: &str) -> Arc<Pool> {
    static CACHE: Static<String, Arc<Pool>> = LazyLock::new(new);
    get_or(&CACHE, url, || Arc::new(work::pool(url)))
}

pub fn bounded(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| Cache::new(work::BOUND));
    get_or(&CACHE, &n, || work::number(n))
}

pub fn enabled(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    if n == 0 {
        return work::number(n);
    }
    get_or(&CACHE, &n, || work::number(n))
}

pub struct Caches {
    numbers: Cache<u64, u64>,
    strings: Cache<String, String>,
}

impl Cold for Caches {
    fn fresh() -> Self {
        Self { numbers: new(), strings: new() }
    }

    fn number(&self, n: u64) -> u64 {
        get_or(&self.numbers, &n, || work::number(n))
    }

    fn string(&self, name: &str) -> String {
        get_or(&self.strings, name, || work::string(name))
    }
}

impl Recursive for Caches {
    fn fib(&self, n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        get_or(&self.numbers, &n, || self.fib(n - 1) + self.fib(n - 2))
    }
}
