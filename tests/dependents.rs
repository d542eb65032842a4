//! What is kept of results that depend on others and have gone: little. In a process of its own, as the
//! allocator is everybody's.

#[path = "support/allocator.rs"]
mod allocator;

use allocator::held;
use memo::memo;

const RESULTS: u64 = 50_000;

#[memo]
fn price(item: u64) -> u64 {
    item
}

#[memo(depends)]
fn total(order: u64) -> u64 {
    price(order % 1000) + price(order % 777)
}

#[memo(depends, max_entries = 100)]
fn bounded(order: u64) -> u64 {
    price(order % 1000)
}

#[memo]
fn other(x: u64) -> u64 {
    x
}

/// Misses of another function, which reclaim what others have left.
fn misses(round: u64) {
    for x in 0..20_000 {
        other(x + round);
    }
    other::clear();
    for x in 0..20_000 {
        other(x);
    }
    other::clear();
}

#[test]
fn what_has_gone_is_not_kept_by_what_it_was_computed_from() {
    let round = |round| {
        for order in 0..RESULTS {
            total(order);
            bounded(order);
        }
        let filled = held();
        total::clear();
        bounded::clear();
        misses(round);
        (filled, held())
    };
    round(0);
    let (filled, before) = round(1);
    let (_, after) = (2..6).map(round).last().unwrap();
    assert!(filled > before + 5_000_000, "{filled} bytes when filled, {before} when cleared");
    assert!(after < before + 500_000, "{after} bytes after {before}");
}
