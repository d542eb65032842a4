use std::cell::Cell;
use std::collections::HashMap;

use memo::memo;
use serde::{Deserialize, Serialize};

pub(super) fn a_hit_does_not_run_the_body() {
    #[memo]
    fn factorial(n: u64, _runs: &Cell<u32>) -> u64 {
        _runs.set(_runs.get() + 1);
        if n < 1 {
            1
        } else {
            n * factorial(n - 1, _runs)
        }
    }
    let runs = Cell::new(0);
    assert_eq!((factorial(20, &runs), runs.get()), (2_432_902_008_176_640_000, 21));
    assert_eq!(
        (factorial(20, &runs), factorial(7, &runs), runs.get()),
        (factorial(20, &runs), 5040, 21)
    );
    let stats = factorial::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (3, 21, 21));
    assert!(memo::stats().iter().any(|stats| stats.name == "wasm::checks::data::factorial"));
}

pub(super) fn records_come_back_as_they_were() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        weight: Option<f64>,
        parts: Vec<(u8, char)>,
        numbers: HashMap<String, usize>,
    }
    #[memo]
    fn row(name: &str, weight: Option<f64>) -> Row {
        Row {
            name: name.into(),
            weight,
            parts: vec![(1, 'ä'), (255, '𝄞')],
            numbers: HashMap::from([("most".into(), usize::MAX), ("least".into(), 0)]),
        }
    }
    #[memo]
    fn series(len: usize) -> Vec<f64> {
        (0..len).map(|n| n as f64 / 3.0).collect()
    }
    for weight in [None, Some(0.5), Some(-0.0)] {
        let first = row("a", weight);
        assert_eq!((row("a", weight), row::stats().uncacheable), (first, 0));
    }
    assert_eq!(row::stats().hits, 3);
    assert_eq!(series(1000), series(1000));
    assert_eq!(series::stats().hits, 1);
}

pub(super) fn what_is_cleared_or_removed_is_computed_again() {
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    let misses = || square::stats().misses;
    assert_eq!((square(4), square(5), misses()), (16, 25, 2));
    assert!(square::remove(4) && !square::contains(4) && square::contains(5));
    assert_eq!((square(4), square(5), misses()), (16, 25, 3));
    square::clear();
    assert_eq!((square::get(5), square(5), misses()), (None, 25, 4));
    memo::clear_all();
    assert_eq!((square::get(5), square(5), misses()), (None, 25, 5));
    square::insert(6, 37);
    assert_eq!((square(6), square::refresh(6), square(6)), (37, 36, 36));
}

pub(super) fn bounds_hold() {
    #[memo(max_entries = 8)]
    fn few(x: u64) -> u64 {
        x
    }
    #[memo(max_bytes = "4 KiB")]
    fn small(x: usize) -> Vec<u8> {
        vec![0; x]
    }
    #[memo]
    fn much(x: usize) -> Vec<u8> {
        vec![0; 1000 + x % 7]
    }
    for x in 0..100 {
        few(x);
        small(x as usize * 8);
        assert!(few::stats().entries <= 8 && small::stats().bytes <= 4096);
    }
    memo::set_max_bytes(20_000);
    for x in 0..100 {
        much(x);
        assert!(memo::stats().iter().map(|stats| stats.bytes).sum::<usize>() <= 20_000);
    }
    memo::set_max_bytes(u64::MAX);
    assert!(few::stats().evictions > 0 && much::stats().evictions > 0);
}

pub(super) fn a_call_that_would_wait_for_itself_is_computed() {
    #[memo]
    fn around(x: u64, _depth: u32) -> u64 {
        if _depth == 0 {
            x
        } else {
            around(x, _depth - 1)
        }
    }
    assert_eq!((around(3, 2), around(3, 0)), (3, 3));
    assert!(around::stats().unshared > 0);
}

pub(super) fn a_block_that_is_isolated_has_every_function_to_itself() {
    #[memo]
    fn data(x: u64) -> u64 {
        x
    }
    data(1);
    for _ in 0..2 {
        memo::isolated(|| {
            assert!(!data::contains(1) && memo::stats().is_empty());
            assert_eq!((data(1), data(1), data(2)), (1, 1, 2));
            let stats = data::stats();
            assert_eq!((stats.hits, stats.misses), (1, 2));
        });
    }
    assert!(data::contains(1) && !data::contains(2));
}
