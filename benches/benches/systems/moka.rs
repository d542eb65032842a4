//! moka: caches written by hand, `get_with_by_ref`, with the hasher that its documentation names
//! for small and for long keys. Unbounded, unless a bound is what is measured.

use std::hash::Hash;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ::moka::future;
use ::moka::sync::{Cache, CacheBuilder};
use ::moka::Expiry;
use ahash::RandomState;

use super::{Cold, Recursive};
use crate::work::{self, Columns, Pool, Query, Record};

type Static<K, V> = LazyLock<Cache<K, V, RandomState>>;

fn new<K, V>() -> Cache<K, V, RandomState>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    CacheBuilder::default().build_with_hasher(RandomState::default())
}

pub fn number(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub fn integers(a: u64, b: u32) -> u64 {
    static CACHE: Static<(u64, u32), u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(&(a, b), || work::integers(a, b))
}

pub fn text(text: &str) -> u64 {
    static CACHE: Static<String, u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(text, || work::text(text))
}

pub fn string(name: &str) -> String {
    static CACHE: Static<String, String> = LazyLock::new(new);
    CACHE.get_with_by_ref(name, || work::string(name))
}

pub fn query(query: &Query) -> u64 {
    static CACHE: Static<Query, u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(query, || work::query(query))
}

pub fn slice(values: &[u64]) -> u64 {
    static CACHE: Static<Vec<u64>, u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(values, || work::slice(values))
}

pub fn record(id: u64) -> Record {
    static CACHE: Static<u64, Record> = LazyLock::new(new);
    CACHE.get_with_by_ref(&id, || work::record(id))
}

pub fn records(count: u64) -> Vec<Record> {
    static CACHE: Static<u64, Vec<Record>> = LazyLock::new(new);
    CACHE.get_with_by_ref(&count, || work::records(count))
}

pub fn column(count: u64) -> Vec<f64> {
    static CACHE: Static<u64, Vec<f64>> = LazyLock::new(new);
    CACHE.get_with_by_ref(&count, || work::column(count))
}

pub fn columns(count: u64) -> Columns {
    static CACHE: Static<u64, Columns> = LazyLock::new(new);
    CACHE.get_with_by_ref(&count, || work::columns(count))
}

pub async fn number_async(n: u64) -> u64 {
    static CACHE: LazyLock<future::Cache<u64, u64, RandomState>> =
        LazyLock::new(|| future::CacheBuilder::default().build_with_hasher(RandomState::default()));
    CACHE.get_with_by_ref(&n, async { work::number(n) }).await
}

pub fn slow(seed: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    CACHE.get_with_by_ref(&seed, || work::slow(seed))
}

pub fn pool() -> Arc<Pool> {
    static CACHE: Static<(), Arc<Pool>> = LazyLock::new(new);
    CACHE.get_with_by_ref(&(), || Arc::new(work::pool("")))
}

pub fn pool_of(url: &str) -> Arc<Pool> {
    static CACHE: Static<String, Arc<Pool>> = LazyLock::new(new);
    CACHE.get_with_by_ref(url, || Arc::new(work::pool(url)))
}

pub fn lasting(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| {
        let builder = CacheBuilder::default().time_to_live(work::TTL);
        builder.build_with_hasher(RandomState::default())
    });
    CACHE.get_with_by_ref(&n, || work::number(n))
}

/// Says of each value how long it lives.
struct Lives(fn(&u64) -> Duration);

impl Expiry<u64, u64> for Lives {
    fn expire_after_create(&self, _: &u64, value: &u64, _: Instant) -> Option<Duration> {
        Some(self.0(value))
    }
}

pub fn own_life(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| {
        let builder = CacheBuilder::default().expire_after(Lives(|_| work::TTL));
        builder.build_with_hasher(RandomState::default())
    });
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub fn jittered(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| {
        let life = |value: &u64| {
            let random = RandomState::default().hash_one(value) % 60;
            work::TTL - Duration::from_secs(random)
        };
        CacheBuilder::default().expire_after(Lives(life)).build_with_hasher(RandomState::default())
    });
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub fn idle(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| {
        let builder = CacheBuilder::default().time_to_idle(work::TTL);
        builder.build_with_hasher(RandomState::default())
    });
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub fn shared_err(n: u64) -> Result<u64, Arc<String>> {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    CACHE.try_get_with_by_ref(&n, || work::answer(n))
}

pub fn enabled(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(new);
    if n == 0 {
        return work::number(n);
    }
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub fn bounded(n: u64) -> u64 {
    static CACHE: Static<u64, u64> = LazyLock::new(|| {
        CacheBuilder::new(work::BOUND as u64).build_with_hasher(RandomState::default())
    });
    CACHE.get_with_by_ref(&n, || work::number(n))
}

pub struct Caches {
    numbers: Cache<u64, u64, RandomState>,
    strings: Cache<String, String, RandomState>,
}

impl Cold for Caches {
    fn fresh() -> Self {
        Self { numbers: new(), strings: new() }
    }

    fn number(&self, n: u64) -> u64 {
        self.numbers.get_with_by_ref(&n, || work::number(n))
    }

    fn string(&self, name: &str) -> String {
        self.strings.get_with_by_ref(name, || work::string(name))
    }
}

impl Recursive for Caches {
    fn fib(&self, n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        self.numbers.get_with_by_ref(&n, || self.fib(n - 1) + self.fib(n - 2))
    }
}
