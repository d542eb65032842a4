//! The bound of all functions together, in a process of its own: it is everybody's.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

use memo::__private::{enter, Argument, Bytes, Memo, Plain, Static};
use memo::memo;

/// Held by the one test that runs. It begins with nothing stored, and without a bound.
struct Alone(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Alone {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        memo::clear_all();
        assert_eq!(held(), 0);
        Self(alone)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        memo::set_max_bytes(u64::MAX);
    }
}

#[memo]
fn text(key: u32, len: usize) -> String {
    let _ = key;
    "x".repeat(len)
}

#[memo]
fn number(key: u32) -> u32 {
    key
}

fn held() -> usize {
    memo::stats().iter().map(|stats| stats.bytes).sum()
}

#[test]
fn of_what_is_kept_as_it_is_the_size_that_is_known_counts() {
    #[memo(clone)]
    fn kept(key: u32) -> Vec<u8> {
        vec![0; key as usize]
    }
    let _alone = Alone::new();
    kept(100_000);
    assert!((size_of::<Vec<u8>>()..100).contains(&kept::stats().bytes));
    memo::set_max_bytes(5_000);
    for key in 0..1000 {
        kept(key);
        assert!(held() <= 5_000 && kept::contains(key));
    }
    memo::clear_all();
    assert_eq!(held(), 0);
}

#[test]
fn all_functions_together_stay_within_their_budget() {
    let _alone = Alone::new();
    for key in 0..1000 {
        text(key, 100);
        number(key);
    }
    assert!(held() > 100_000);

    memo::set_max_bytes(20_000);
    assert!(held() <= 20_000, "what there was makes room: {}", held());
    assert!(held() > 19_000);

    for key in 0..1000 {
        text(key, key as usize % 300);
        assert!(held() <= 20_000);
        assert!(text::contains(key, key as usize % 300), "never the one being written");
    }
    // The functions share: what one wants now comes from what the other does not want any more.
    for key in 0..2000 {
        number(key + 10_000);
    }
    assert!(number::stats().entries > 900, "{:?}", memo::stats());
    assert!(held() <= 20_000);

    // Larger than all there may be: returned, not stored, and nobody makes room for it.
    let before = held();
    assert_eq!(text(1, 30_000).len(), 30_000);
    assert_eq!(held(), before);

    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for key in 0..2000 {
                    text(key * 4 + thread, 50);
                    number(key * 4 + thread);
                }
            });
        }
    });
    assert!(held() <= 20_000);

    memo::set_max_bytes(u64::MAX);
    for key in 0..1000 {
        text(key, 100);
    }
    assert!(held() > 100_000);
}

#[test]
fn threads_that_store_at_once_never_hold_more_together() {
    const MAX: usize = 10_000;
    const ROUNDS: u32 = 2000;
    // Two of these have room, and not three.
    #[memo]
    fn first(key: u32) -> Vec<u8> {
        vec![key as u8; 4_000]
    }
    #[memo]
    fn second(key: u32) -> Vec<u8> {
        vec![key as u8; 4_000]
    }
    #[memo]
    fn third(key: u32) -> Vec<u8> {
        vec![key as u8; 4_000]
    }
    #[memo]
    fn fourth(key: u32) -> Vec<u8> {
        vec![key as u8; 4_000]
    }
    let _alone = Alone::new();
    memo::set_max_bytes(MAX as u64);
    let round = Barrier::new(5);
    thread::scope(|scope| {
        for function in [first, second, third, fourth] {
            let round = &round;
            scope.spawn(move || {
                for key in 0..ROUNDS {
                    round.wait();
                    assert_eq!(function(key).len(), 4_000);
                    round.wait();
                }
            });
        }
        for key in 0..ROUNDS {
            round.wait();
            round.wait();
            // Nobody is in a call now, and nobody else has anything.
            let stats = [first::stats(), second::stats(), third::stats(), fourth::stats()];
            let held: usize = stats.iter().map(|stats| stats.bytes).sum();
            assert!(held <= MAX, "{held} are held after round {key}");
            assert!(held > 8_000, "only {held} are held after round {key}");
        }
    });
}

#[test]
fn a_bound_that_is_lowered_among_calls_holds_from_its_return_on() {
    #[memo]
    fn loaded(key: u32, len: usize) -> Vec<u8> {
        vec![key as u8; len]
    }
    let _alone = Alone::new();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..3_u32 {
            let is_over = &is_over;
            scope.spawn(move || {
                for step in 0.. {
                    let key = step * 3 + thread;
                    assert_eq!(loaded(key, key as usize % 900).len(), key as usize % 900);
                    if is_over.load(SeqCst) {
                        break;
                    }
                }
            });
        }
        for round in 0..400_usize {
            memo::set_max_bytes(u64::MAX);
            // The others fill it meanwhile.
            while loaded::stats().bytes < 40_000 {
                thread::yield_now();
            }
            let max = 5_000 + round * 37 % 30_000;
            memo::set_max_bytes(max as u64);
            for _ in 0..20 {
                let bytes = loaded::stats().bytes;
                assert!(bytes <= max, "{bytes} of {max} are held");
            }
        }
        is_over.store(true, SeqCst);
    });
    // Nothing at all is a bound as well.
    memo::set_max_bytes(0);
    assert_eq!((held(), loaded(1, 1).len(), held()), (0, 1, 0));
}

/// As many functions as there may be in a large program.
fn many_functions(count: usize) -> Vec<&'static Static> {
    (0..count).map(|_| &*Box::leak(Box::new(Static::new(Memo::new("many"))))).collect()
}

fn call(function: &'static Static, key: u64) -> u64 {
    enter(function, Bytes(Plain), (Argument::new(&key).part(), ())).run(|| key)
}

#[test]
fn among_thousands_of_functions_the_oldest_results_go_first_whosever_they_are() {
    let _alone = Alone::new();
    let functions = many_functions(2000);
    // Each has three, in rounds, so that the oldest third is one of each.
    for key in 0..3 {
        for function in &functions {
            assert_eq!(call(function, key), key);
        }
        if key == 0 {
            // From now on the order is known.
            memo::set_max_bytes(1 << 30);
        }
    }
    let entries = || functions.iter().map(|function| function.stats().entries);
    assert_eq!(entries().sum::<usize>(), 6000);
    let each = held() / 6000;
    memo::set_max_bytes(each as u64 * 5000);
    // Half of the oldest third is gone.
    assert!(entries().take(1000).all(|entries| entries == 2));
    assert!(entries().skip(1000).all(|entries| entries == 3));
    // What is stored now, wherever that is, drives out the oldest anywhere.
    for key in 0..500 {
        call(functions[7], 100 + key);
    }
    assert!(entries().skip(1000).take(500).all(|entries| entries == 2));
    assert!(entries().skip(1500).all(|entries| entries == 3));
    assert!(held() <= each * 5000);
    // A function that was cleared is not asked for what it does not have.
    functions.iter().skip(100).for_each(|function| function.clear());
    for key in 0..10_000 {
        call(functions[2 * key % 2000], 1000 + key as u64);
        assert!(key % 500 > 0 || held() <= each * 5000);
    }
    assert!(held() > each * 4990);
}

#[test]
fn what_isolated_blocks_hold_counts_and_makes_room_as_everything_does() {
    let _alone = Alone::new();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            memo::isolated(|| {
                for key in 0..100 {
                    text(key, 100);
                }
                barrier.wait();
                // The bound is set meanwhile.
                barrier.wait();
                let inside = held();
                assert!(inside <= 2_000, "{inside}");
                text(1000, 100);
                assert!(text::contains(1000, 100));
            });
        });
        barrier.wait();
        memo::set_max_bytes(2_000);
        barrier.wait();
    });
    // The block gives back what it held.
    for key in 0..1000 {
        text(key, 100);
    }
    assert!((1_500..=2_000).contains(&held()), "{}", held());
}
