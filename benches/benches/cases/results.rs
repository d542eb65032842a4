//! Hits, by the result.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::systems::memo;
use crate::work;

pub fn all(criterion: &mut Criterion) {
    for threads in [1, 2] {
        string(criterion, threads);
        record(criterion, threads);
        record_clone(criterion, threads);
    }
}

fn string(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "string", threads);
    let name = "abcdefghijklmnopqrst";
    hits!(group, 1, |_| string(black_box(name)));
}

fn record(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "record", threads);
    hits!(group, 1, |_| record(black_box(42)));
}

/// The peers clone, with or without the option.
fn record_clone(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "record-clone", threads);
    group.hits("memo", 1, |_| memo::record_clone(black_box(42)));
    hits!(
        group, 1, |_| record(black_box(42))
        of naive, cached, concurrent_cached, memoize, comemo, moka, quick_cache
    );
    let record = work::record(42);
    group.hits("clone", 1, |_| black_box(&record).clone());
}
