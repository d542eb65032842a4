//! Hits and misses under the options that bound what is kept.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::work::{scattered, MANY};

pub fn all(criterion: &mut Criterion) {
    lasting(criterion);
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
