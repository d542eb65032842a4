//! Hits and misses under the options that bound what is kept.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::work::{scattered, MANY};

pub fn all(criterion: &mut Criterion) {
    lasting(criterion);
    options(criterion);
    bounded(criterion);
    many_bounded(criterion);
    churn(criterion);
}

/// Neither comemo nor quick_cache has an expiry.
fn lasting(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "ttl", 1);
    hits!(
        group, 1, |_| lasting(black_box(42))
        of memo, naive, cached, concurrent_cached, memoize, moka
    );
}

/// Each beside what comes nearest to it, which the README says. Nobody refreshes in the background: there
/// it is a `ttl` alone.
fn options(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "own-life", 1);
    hits!(group, 1, |_| own_life(black_box(42)) of memo, cached, concurrent_cached, moka);
    drop(group);
    let mut group = Group::new(criterion, "jitter", 1);
    hits!(group, 1, |_| jittered(black_box(42)) of memo, moka);
    drop(group);
    let mut group = Group::new(criterion, "idle", 1);
    hits!(group, 1, |_| idle(black_box(42)) of memo, cached, concurrent_cached, moka);
    drop(group);
    let mut group = Group::new(criterion, "stale", 1);
    hits!(group, 1, |_| stale(black_box(42)) of memo, cached, concurrent_cached);
    drop(group);
    let mut group = Group::new(criterion, "share-err", 1);
    hits!(group, 1, |_| shared_err(black_box(42)) of memo, moka);
    drop(group);
    let mut group = Group::new(criterion, "enabled", 1);
    hits!(group, 1, |_| enabled(black_box(42)) of memo, cached, concurrent_cached, moka, quick_cache);
    drop(group);
    let mut group = Group::new(criterion, "refresh", 1);
    hits!(group, 1, |_| refreshed(black_box(42)) of memo);
    hits!(group, 1, |_| lasting(black_box(42)) of cached, concurrent_cached, memoize, moka);
}

/// Neither comemo nor the naive cache has a bound, here and below.
fn bounded(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "bounded", 1);
    hits!(
        group, 1, |_| bounded(black_box(42))
        of memo, cached, concurrent_cached, memoize, moka, quick_cache
    );
}

fn many_bounded(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "bounded-many", 1);
    hits!(
        group, MANY, |i| bounded(scattered(i))
        of memo, cached, concurrent_cached, memoize, moka, quick_cache
    );
}

fn churn(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "churn", 1);
    macro_rules! churn {
        ($($system:ident),+) => {
            $(group.churn(stringify!($system), crate::systems::$system::bounded);)+
        };
    }
    churn!(memo, cached, concurrent_cached, memoize, moka, quick_cache);
}
