//! Hits on what is large, beside what nothing can be faster than.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::systems::memo;
use crate::work::{self, LARGE};

pub fn all(criterion: &mut Criterion) {
    for threads in [1, 2] {
        slice(criterion, threads);
        column(criterion, threads);
    }
    records(criterion);
    records_clone(criterion);
    columns(criterion);
    columns_bulk(criterion);
}

fn slice(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "slice", threads);
    let values: Vec<u64> = (0..LARGE as u64).collect();
    hits!(group, 1, |_| slice(black_box(&values)));
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    group.hits("blake3", 1, |_| blake3::hash(black_box(&bytes)));
}

fn column(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "column", threads);
    hits!(group, 1, |_| column(black_box(LARGE as u64)));
    let column = work::column(LARGE as u64);
    group.hits("clone", 1, |_| black_box(&column).clone());
}

fn records(criterion: &mut Criterion) {
    const COUNT: u64 = 10_000;
    let mut group = Group::new(criterion, "records", 1);
    hits!(group, 1, |_| records(black_box(COUNT)));
    let records = work::records(COUNT);
    group.hits("clone", 1, |_| black_box(&records).clone());
}

/// The peers clone, with or without the option.
fn records_clone(criterion: &mut Criterion) {
    const COUNT: u64 = 10_000;
    let mut group = Group::new(criterion, "records-clone", 1);
    group.hits("memo", 1, |_| memo::records_clone(black_box(COUNT)));
    hits!(
        group, 1, |_| records(black_box(COUNT))
        of naive, cached, concurrent_cached, memoize, comemo, moka, quick_cache
    );
    let records = work::records(COUNT);
    group.hits("clone", 1, |_| black_box(&records).clone());
}

fn columns(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "columns", 1);
    hits!(group, 1, |_| columns(black_box(LARGE as u64)));
    let columns = work::columns(LARGE as u64);
    group.hits("clone", 1, |_| black_box(&columns).clone());
}

/// The peers clone the same struct as without `memo::bulk`.
fn columns_bulk(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "columns-bulk", 1);
    group.hits("memo", 1, |_| memo::columns_bulk(black_box(LARGE as u64)));
    hits!(
        group, 1, |_| columns(black_box(LARGE as u64))
        of naive, cached, concurrent_cached, memoize, comemo, moka, quick_cache
    );
    let columns = work::columns(LARGE as u64);
    group.hits("clone", 1, |_| black_box(&columns).clone());
}
