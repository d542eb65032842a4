//! What `depends` costs: a hit, a call in a body that is noted, the memory of a result and of what it was
//! computed from, and a clear of what many results come from.
//!
//! `cargo run --release --example depends`

use std::hint::black_box;
use std::time::Instant;

use memo::memo;
use memo_benches::{held, Counting};

#[global_allocator]
static COUNTING: Counting = Counting;

#[memo]
fn plain(key: u64) -> u64 {
    key
}

#[memo(ttl = "1h")]
fn expiring(key: u64) -> u64 {
    key
}

#[memo]
fn without(key: u64) -> u64 {
    plain(key)
}

#[memo(depends)]
fn with(key: u64) -> u64 {
    plain(key)
}

#[memo(depends)]
fn on_expiring(key: u64) -> u64 {
    expiring(key)
}

/// A body that calls another function so many times, with as many keys.
#[memo(depends)]
fn sum(_calls: u64, key: u64) -> u64 {
    (0.._calls).map(|call| plain((key + call) % KEYS)).sum()
}

#[memo]
fn sum_without(_calls: u64, key: u64) -> u64 {
    (0.._calls).map(|call| plain((key + call) % KEYS)).sum()
}

const KEYS: u64 = 1_000_000;
const RESULTS: u64 = 100_000;
const CALLS: u64 = 10;

fn main() {
    (0..KEYS).for_each(|key| {
        black_box(plain(key));
    });
    println!("a hit: {:.1} ns, of a function with `depends` {:.1} ns", hit(without), hit(with));
    println!(
        "one that expires: {:.1} ns, with `depends` {:.1} ns",
        hit(expiring),
        hit(on_expiring)
    );

    let (none, _) = filled(|key| sum_without(0, key));
    let (depends, _) = filled(|key| sum(0, key));
    println!("a result: {none:.1} B, with `depends` {depends:.1} B");
    sum::clear();
    sum_without::clear();
    let (_, quick) = filled(|key| sum_without(CALLS, key));
    let (edges, noted) = filled(|key| sum(CALLS, key));
    println!(
        "each call in its body: {:.1} B more, and a hit there takes {:.0} ns, elsewhere {:.0} ns",
        (edges - depends) / CALLS as f64,
        (noted - quick) / CALLS as f64 + hit(plain),
        hit(plain),
    );
    let start = Instant::now();
    plain::clear();
    let cleared = start.elapsed();
    assert_eq!(sum::stats().entries, 0);
    println!(
        "a clear of {KEYS} results that {RESULTS} others come from, each from {CALLS}: {cleared:?}"
    );
}

/// Nanoseconds of a hit.
fn hit(call: fn(u64) -> u64) -> f64 {
    const HITS: u32 = 2_000_000;
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        (0..HITS).for_each(|_| {
            black_box(call(black_box(7)));
        });
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(HITS));
    }
    best
}

/// Bytes and nanoseconds of each result.
fn filled(call: impl Fn(u64) -> u64) -> (f64, f64) {
    let (before, start) = (held(), Instant::now());
    (0..RESULTS).for_each(|key| {
        black_box(call(key));
    });
    let nanos = start.elapsed().as_secs_f64() * 1e9;
    ((held() - before) as f64 / RESULTS as f64, nanos / RESULTS as f64)
}
