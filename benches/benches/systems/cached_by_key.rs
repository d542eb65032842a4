//! cached: `#[cached(sync_writes = "by_key")]`, which computes once for callers that come together.
//!
//! Not for recursion: two keys of one bucket deadlock, as its documentation warns.

use cached::macros::cached;
use cached::Cached;

use super::Cold;
use crate::work;

#[cached(sync_writes = "by_key")]
pub fn number(n: u64) -> u64 {
    work::number(n)
}

#[cached(sync_writes = "by_key")]
pub fn string(name: &str) -> String {
    work::string(name)
}

#[cached(sync_writes = "by_key")]
pub fn slow(seed: u64) -> u64 {
    work::slow(seed)
}

pub struct Caches;

impl Cold for Caches {
    fn fresh() -> Self {
        NUMBER.write().cache_reset();
        STRING.write().cache_reset();
        Self
    }

    fn number(&self, n: u64) -> u64 {
        number(n)
    }

    fn string(&self, name: &str) -> String {
        string(name)
    }
}
