//! Misses: every call computes, and computing costs next to nothing.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::systems::{self, Cold, Recursive};

/// How far a cache fills before it starts over.
const BATCH: u64 = 16_384;

macro_rules! misses {
    ($group:ident, $batch:expr, |$cache:ident, $i:pat_param| $call:expr; $($system:ident),+) => {
        $($group.misses(
            stringify!($system),
            $batch,
            systems::$system::Caches::fresh,
            |$cache, $i| $call,
        );)+
    };
}

pub fn all(criterion: &mut Criterion) {
    for threads in [1, 2] {
        number(criterion, threads);
    }
    string(criterion);
    fib(criterion);
}

fn number(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "miss-u64", threads);
    misses!(
        group, BATCH, |cache, i| cache.number(i);
        memo, naive, cached, concurrent_cached, cached_by_key, memoize, comemo, moka, quick_cache
    );
}

fn string(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "miss-string", 1);
    let names: Vec<String> = (0..BATCH).map(|i| format!("key number {i:09}")).collect();
    misses!(
        group, BATCH, |cache, i| cache.string(&names[i as usize]);
        memo, naive, cached, concurrent_cached, cached_by_key, memoize, comemo, moka, quick_cache
    );
}

fn fib(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "fib", 1);
    misses!(
        group, 1, |cache, _| cache.fib(black_box(90));
        memo, naive, cached, concurrent_cached, memoize, comemo, moka, quick_cache
    );
}
