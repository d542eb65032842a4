//! Hits on a shared resource.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;

pub fn all(criterion: &mut Criterion) {
    bare(criterion);
    of_text(criterion);
}

fn bare(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "singleton", 1);
    hits!(
        group, 1, |_| pool()
        of memo, once_lock, once_cell, cached, memoize, comemo, moka, quick_cache
    );
}

fn of_text(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "singleton-str", 1);
    let url = "postgres://db.example.org/rna";
    hits!(group, 1, |_| pool_of(black_box(url)));
}
