//! How often bounded caches hit: memo's beside LRU, quick_cache and moka, on the same traces.
//!
//! `cargo run --release --example hit_ratio`

#[path = "../../memo-core/src/memory/eviction/tests/traces.rs"]
mod traces;

use std::collections::{HashMap, VecDeque};

use memo::memo;
use traces::zipf;

/// A cache of a capacity: whether it had the key.
type Lookup = Box<dyn FnMut(u64) -> bool>;
type MakeCache = fn(usize) -> Lookup;

/// Memoized functions of each capacity, as the bound is the attribute's.
macro_rules! memoized {
    ($($name:ident = $capacity:literal),*) => {
        $(#[memo(max_entries = $capacity)]
        fn $name(key: u64) -> u64 {
            key
        })*

        fn memo_cache(capacity: usize) -> Lookup {
            match capacity {
                $($capacity => {
                    $name::clear();
                    Box::new(|key| {
                        let misses = $name::stats().misses;
                        $name(key);
                        $name::stats().misses == misses
                    })
                })*
                _ => unreachable!("no function has room for {capacity}"),
            }
        }
    };
}

memoized!(hundred = 100, some = 500, thousand = 1000, most = 1400, double = 2000, many = 10_000);

fn lru(capacity: usize) -> Lookup {
    let (mut newest, mut order, mut time) = (HashMap::new(), VecDeque::new(), 0_u64);
    Box::new(move |key| {
        time += 1;
        order.push_back((key, time));
        if newest.insert(key, time).is_some() {
            return true;
        }
        while newest.len() > capacity {
            if let Some((key, time)) = order.pop_front() {
                if newest.get(&key) == Some(&time) {
                    newest.remove(&key);
                }
            }
        }
        false
    })
}

fn quick_cache(capacity: usize) -> Lookup {
    let cache = quick_cache::unsync::Cache::new(capacity);
    let mut cache: quick_cache::unsync::Cache<u64, ()> = cache;
    Box::new(move |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    })
}

fn moka(capacity: usize) -> Lookup {
    let cache = moka::sync::Cache::new(capacity as u64);
    let mut calls = 0_u64;
    Box::new(move |key| {
        calls += 1;
        // As often as it would by itself with some traffic.
        if calls.is_multiple_of(64) {
            cache.run_pending_tasks();
        }
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    })
}

/// Rounds of a loop over `len` keys, after every third of which twice as many keys come only once.
fn loop_and_scans(len: u64, rounds: u64) -> Vec<u64> {
    let mut once = 1 << 40..;
    (0..rounds)
        .flat_map(|round| {
            let scan = if round % 3 == 0 { 2 * len } else { 0 };
            let scan: Vec<u64> = once.by_ref().take(scan as usize).collect();
            (0..len).map(|key| key + (1 << 50)).chain(scan)
        })
        .collect()
}

/// A loop over `len` keys, with a key that comes only once between every two.
fn loop_within_scan(len: u64, rounds: u64) -> Vec<u64> {
    let own = |step: u64| step % len + (1 << 50);
    (0..rounds * len)
        .flat_map(|step| {
            let scan = (step % 2 == 0).then_some(step + (1 << 40));
            std::iter::once(own(step)).chain(scan)
        })
        .collect()
}

fn main() {
    let small: &[usize] = &[100, 1000, 10_000];
    let around: &[usize] = &[500, 1000, 1400, 2000];
    let traces = [
        ("Zipf 0.7 of 100,000", zipf(100_000, 0.7, 1_000_000), small),
        ("Zipf 0.9 of 100,000", zipf(100_000, 0.9, 1_000_000), small),
        ("Zipf 1.1 of 100,000", zipf(100_000, 1.1, 1_000_000), small),
        ("loop of 1,500, scans after it", loop_and_scans(1500, 300), around),
        ("loop of 1,500, scan within it", loop_within_scan(1500, 300), around),
    ];
    let caches: [(&str, MakeCache); 4] =
        [("memo", memo_cache), ("LRU", lru), ("quick_cache", quick_cache), ("moka", moka)];

    println!("| trace | entries | memo | LRU | quick_cache | moka |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, trace, capacities) in traces {
        for &capacity in capacities {
            print!("| {name} | {capacity} |");
            for (_, cache) in caches {
                let mut lookup = cache(capacity);
                let hits = trace.iter().filter(|&&key| lookup(key)).count();
                print!(" {:.2} % |", 100.0 * hits as f64 / trace.len() as f64);
            }
            println!();
        }
    }
}
