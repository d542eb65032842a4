//! Hits, by the result.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;

pub fn all(criterion: &mut Criterion) {
    for threads in [1, 2] {
        string(criterion, threads);
        record(criterion, threads);
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
