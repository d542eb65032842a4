//! Hits, by the arguments: the result is a number, so that they are what the time goes to.

use std::hint::black_box;

use criterion::Criterion;

use crate::measure::Group;
use crate::work::{scattered, Query, MANY};

pub fn all(criterion: &mut Criterion) {
    for threads in [1, 2] {
        number(criterion, threads);
        integers(criterion, threads);
        for length in [20, 256, 1024, 4096, 16_384, 65_536] {
            text(criterion, threads, length);
        }
        query(criterion, threads);
        many_numbers(criterion, threads);
        many_texts(criterion, threads);
    }
}

fn number(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "u64", threads);
    hits!(group, 1, |_| number(black_box(42)));
}

fn integers(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "integers", threads);
    hits!(group, 1, |_| integers(black_box(42), black_box(7)));
}

fn text(criterion: &mut Criterion, threads: usize, length: usize) {
    let mut group = Group::new(criterion, &format!("str-{length}"), threads);
    let key: String = ('a'..='z').cycle().take(length).collect();
    hits!(group, 1, |_| text(black_box(&key)));
}

fn query(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "query", threads);
    let key = Query::example();
    hits!(group, 1, |_| query(black_box(&key)));
}

fn many_numbers(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "u64-many", threads);
    hits!(group, MANY, |i| number(scattered(i)));
}

fn many_texts(criterion: &mut Criterion, threads: usize) {
    let mut group = Group::new(criterion, "str-many", threads);
    let keys: Vec<String> = (0..MANY).map(|i| format!("key number {i:09}")).collect();
    hits!(group, MANY, |i| text(&keys[scattered(i) as usize]));
}
