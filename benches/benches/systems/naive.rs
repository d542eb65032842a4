//! What one writes in ten minutes: a `HashMap` of owned arguments behind a `Mutex`, clone on hit.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex};

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

struct Cache<K, V>(Mutex<HashMap<K, V>>);

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get_or<Q>(&self, key: &Q, body: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        if let Some(value) = self.0.lock().unwrap().get(key) {
            return value.clone();
        }
        let value = body();
        self.0.lock().unwrap().insert(key.to_owned(), value.clone());
        value
    }
}

type Static<K, V> = LazyLock<Cache<K, V>>;

pub fn number(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(Cache::new);
    CACHE.get_or(&n, || work::number(n))
}

pub fn integers(a: u64, b: u32) -> u64 {
    static CACHE: Static<(u64, u32), u64> = LazyLock::new(Cache::new);
    CACHE.get_or(&(a, b), || work::integers(a, b))
}

pub fn text(text: &str) -> u64 {
    static CACHE: Static<String, u64> = LazyLock::new(Cache::new);
    CACHE.get_or(text, || work::text(text))
}

pub fn string(name: &str) -> String {
    static CACHE: Static<String, String> = LazyLock::new(Cache::new);
    CACHE.get_or(name, || work::string(name))
}

pub fn query(query: &Query) -> u64 {
    static CACHE: Static<Query, u64> = LazyLock::new(Cache::new);
    CACHE.get_or(query, || work::query(query))
}

pub fn slice(values: &[u64]) -> u64 {
    static CACHE: Static<Vec<u64>, u64> = LazyLock::new(Cache::new);
    CACHE.get_or(values, || work::slice(values))
}

pub fn record(id: u64) -> Record {
    static CACHE: Static<u64, Record> = LazyLock::new(Cache::new);
    CACHE.get_or(&id, || work::record(id))
}

pub fn records(count: u64) -> Vec<Record> {
    static CACHE: Static<u64, Vec<Record>> = LazyLock::new(Cache::new);
    CACHE.get_or(&count, || work::records(count))
}

pub fn column(count: u64) -> Vec<f64> {
    static CACHE: Static<u64, Vec<f64>> = LazyLock::new(Cache::new);
    CACHE.get_or(&count, || work::column(count))
}

pub fn columns(count: u64) -> Columns {
    static CACHE: Static<u64, Columns> = LazyLock::new(Cache::new);
    CACHE.get_or(&count, || work::columns(count))
}

pub fn slow(seed: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(Cache::new);
    CACHE.get_or(&seed, || work::slow(seed))
}

pub fn pool_of(url: &str) -> Arc<Pool> {
    static CACHE: Static<String, Arc<Pool>> = LazyLock::new(Cache::new);
    CACHE.get_or(url, || Arc::new(work::pool(url)))
}

pub fn lasting(n: u64) -> u64 {
    use std::time::Instant;

    static CACHE: LazyLock<Mutex<HashMap<u64, (Instant, u64)>>> = LazyLock::new(Mutex::default);
    if let Some((computed, value)) = CACHE.lock().unwrap().get(&n) {
        if computed.elapsed() < work::TTL {
            return *value;
        }
    }
    let value = work::number(n);
    CACHE.lock().unwrap().insert(n, (Instant::now(), value));
    value
}

pub struct Caches {
    numbers: Cache<u64, u64>,
    strings: Cache<String, String>,
}

impl Cold for Caches {
    fn fresh() -> Self {
        Self { numbers: Cache::new(), strings: Cache::new() }
    }

    fn number(&self, n: u64) -> u64 {
        self.numbers.get_or(&n, || work::number(n))
    }

    fn string(&self, name: &str) -> String {
        self.strings.get_or(name, || work::string(name))
    }
}

impl Recursive for Caches {
    fn fib(&self, n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        self.numbers.get_or(&n, || self.fib(n - 1) + self.fib(n - 2))
    }
}
