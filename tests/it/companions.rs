//! What `square::…` offers.

use std::cell::Cell;

use memo::memo;

thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });

#[memo]
fn square(x: u64) -> u64 {
    RUNS.set(RUNS.get() + 1);
    x * x
}

#[test]
fn looking_never_computes_and_counts_nothing() {
    #[memo]
    fn triple(x: u64) -> u64 {
        x * 3
    }
    assert_eq!(triple::get(4), None);
    assert!(!triple::contains(4));
    triple(4);
    assert_eq!(triple::get(4), Some(12));
    assert!(triple::contains(4));
    let stats = triple::stats();
    assert_eq!((stats.hits, stats.misses), (0, 1));
}

#[test]
fn each_companion_does_what_it_says() {
    assert_eq!(square::uncached(4), 16);
    assert_eq!(square::stats().entries, 0);
    square::insert(4, 17);
    assert_eq!(square(4), 17);
    let runs = RUNS.get();
    assert_eq!(square::refresh(4), 16);
    assert_eq!(RUNS.get(), runs + 1);
    assert_eq!(square(4), 16);
    square(5);
    assert_eq!(square::stats().entries, 2);
    assert!(square::stats().bytes >= 16);
    assert!(square::remove(4) && !square::remove(4));
    assert_eq!(square::get(5), Some(25));
    square::clear();
    assert_eq!((square::get(5), square::stats().entries, square::stats().bytes), (None, 0, 0));
}

#[test]
fn the_name_in_stats_is_the_path() {
    #[memo]
    fn named(x: u64) -> u64 {
        x
    }
    named(1);
    assert_eq!(named::stats().name, "it::companions::named");
}

#[test]
fn companions_travel_with_use() {
    mod elsewhere {
        #[memo::memo]
        pub(super) fn halve(x: u64) -> u64 {
            x / 2
        }
    }
    use elsewhere::halve;
    assert_eq!(halve(4), 2);
    assert!(halve::contains(4));
    halve::clear();
    assert!(!halve::contains(4));
}

#[test]
fn recursion_runs_each_level_once() {
    #[memo]
    fn fib(n: u64) -> u64 {
        if n < 2 {
            n
        } else {
            fib(n - 1) + fib(n - 2)
        }
    }
    assert_eq!(fib(90), 2_880_067_194_370_816_120);
    assert_eq!(fib::stats().misses, 91);
    assert_eq!(fib::stats().unshared, 0);
}
