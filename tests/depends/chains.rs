//! Which results go, with which, and which stay.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::Arc;

use memo::{memo, singleton, Why};

use crate::schedule::eventually;

/// A function that computes from a source that changes.
macro_rules! source {
    ($inner:ident) => {
        static SOURCE: AtomicU64 = AtomicU64::new(1);

        #[memo]
        fn $inner(x: u64) -> u64 {
            x * SOURCE.load(SeqCst)
        }
    };
}

/// The same, and one with `depends` that computes from it.
macro_rules! pair {
    ($inner:ident, $outer:ident) => {
        source!($inner);

        #[memo(depends)]
        fn $outer(x: u64) -> u64 {
            1000 + $inner(x)
        }
    };
}

#[test]
fn whatever_forgets_a_result_forgets_what_was_computed_from_it() {
    pair!(price, total);
    let forget: [(&str, fn()); 6] = [
        ("clear", price::clear),
        ("remove", || assert!(price::remove(4))),
        ("refresh", || assert_eq!(price::refresh(4), 4 * SOURCE.load(SeqCst))),
        ("insert", || price::insert(4, 4 * SOURCE.load(SeqCst))),
        ("retain", || assert_eq!(price::retain(|_| false), 1)),
        ("clear by name", || assert!(memo::clear(price::stats().name))),
    ];
    for (version, (name, forget)) in (2..).zip(forget) {
        total(4);
        SOURCE.store(version, SeqCst);
        assert!(total::contains(4), "{name}");
        forget();
        assert!(!total::contains(4), "{name}");
        assert_eq!(total::stats().entries, 0, "{name}");
        assert!(matches!(total::explain(4).why(), Why::Cleared { .. }), "{name}");
        assert_eq!(total(4), 1000 + 4 * version, "{name}");
    }
}

#[test]
fn a_tag_that_is_cleared_takes_what_was_computed_from_what_has_it() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo(tags(format!("chains:{x}")), max_entries = 1)]
    fn name(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    fn page(x: u64) -> u64 {
        1000 + name(x)
    }

    assert_eq!((page(1), page(2)), (1001, 1002));
    SOURCE.store(2, SeqCst);
    // The first is evicted, and had the tag all the same.
    assert!(!name::contains(1));
    memo::clear_tag("chains:1");
    assert!(!page::contains(1) && page::contains(2));
    assert_eq!(page(1), 1002);
}

#[test]
fn only_what_was_computed_from_it_goes() {
    pair!(price, total);
    (1..=5).for_each(|x| assert_eq!(total(x), 1000 + x));
    price::remove(3);
    let stays: Vec<_> = (1..=5).filter(|x| total::contains(*x)).collect();
    assert_eq!(stays, [1, 2, 4, 5]);
    price::refresh(9);
    assert_eq!(total::stats().entries, 4);
}

#[test]
fn a_chain_of_any_length_goes() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn source() -> u64 {
        SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    fn sum(n: u64) -> u64 {
        if n == 0 {
            source()
        } else {
            sum(n - 1) + 1
        }
    }

    // Each link is a hit of the one before: so long a chain is not made by calls within each other.
    const LONG: u64 = 100_000;
    for n in 0..LONG {
        assert_eq!(sum(n), n + 1);
    }
    SOURCE.store(2, SeqCst);
    source::clear();
    assert_eq!(sum::stats().entries, 0);
    assert_eq!((sum(0), sum(1)), (2, 3));
    // What is let go of in one piece is as long.
    for n in 0..LONG {
        sum(n);
    }
    sum::clear();
    assert_eq!(sum::stats().entries, 0);
}

#[test]
fn functions_without_it_pass_on_what_they_call_and_keep_their_own() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo]
    fn discounted(x: u64) -> u64 {
        price(x) - 1
    }

    #[memo(depends)]
    fn total(x: u64) -> u64 {
        discounted(x)
    }

    assert_eq!(total(4), 3);
    SOURCE.store(2, SeqCst);
    price::clear();
    // It has `depends`, and was computed from the price through a function that has not, and keeps what it
    // had.
    assert!(!total::contains(4) && discounted::contains(4));
    discounted::clear();
    assert_eq!(total(4), 7);
}

#[test]
fn resources_go_and_are_released_and_take_with_them_what_was_computed_from_them() {
    static RELEASED: AtomicU64 = AtomicU64::new(0);
    static VERSION: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn url() -> String {
        format!("db{}", VERSION.load(SeqCst))
    }

    #[singleton(depends, on_release = |_| {
        RELEASED.fetch_add(1, SeqCst);
    })]
    fn pool() -> String {
        format!("pool of {}", url())
    }

    #[memo(depends)]
    fn rows() -> String {
        format!("rows of {}", pool())
    }

    assert_eq!(rows(), "rows of pool of db1");
    let before = pool();
    VERSION.store(2, SeqCst);
    url::clear();
    assert!(!rows::contains() && !pool::contains());
    assert_eq!(rows(), "rows of pool of db2");
    assert!(!Arc::ptr_eq(&before, &pool()));
    assert_eq!(RELEASED.load(SeqCst), 0);
    drop(before);
    eventually(|| RELEASED.load(SeqCst) == 1);
    pool::clear();
    assert!(!rows::contains());
    assert_eq!(RELEASED.load(SeqCst), 2);
}

#[test]
fn an_entry_that_was_evicted_between_two_others_does_not_break_the_chain() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo(max_entries = 1)]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, max_entries = 1)]
    fn taxed(x: u64) -> u64 {
        price(x) * 2
    }

    #[memo(depends)]
    fn total(x: u64) -> u64 {
        taxed(x) + 1
    }

    (0..100).for_each(|x| assert_eq!(total(x), 2 * x + 1));
    assert_eq!((price::stats().entries, taxed::stats().entries), (1, 1));
    assert_eq!(total::stats().entries, 100, "eviction of what it was computed from voids nothing");
    price::remove(7);
    assert!(!total::contains(7));
    assert_eq!(total::stats().entries, 99);
    price::clear();
    assert_eq!(total::stats().entries, 0);
}

#[test]
fn what_a_body_is_told_by_companions_counts_as_what_it_calls() {
    source!(price);

    #[memo(depends)]
    fn known(x: u64) -> Option<u64> {
        price::get(x)
    }

    #[memo(depends)]
    fn is_known(x: u64) -> bool {
        price::contains(x)
    }

    assert_eq!((known(4), is_known(4)), (None, false));
    price::insert(4, 9);
    assert_eq!((known(4), is_known(4), price(4)), (Some(9), true, 9));
    price::remove(4);
    assert_eq!((known(4), is_known(4)), (None, false));
}

#[test]
fn a_refresh_in_a_body_does_not_void_what_is_being_computed() {
    source!(price);

    #[memo(depends)]
    fn fresh(x: u64) -> u64 {
        price::refresh(x) + 1
    }

    assert_eq!(fresh(4), 5);
    assert!(fresh::contains(4));
    assert_eq!((price(4), price::refresh(4)), (4, 4));
    assert!(!fresh::contains(4));
}

#[test]
fn clearing_what_a_body_has_called_leaves_it_unstored() {
    source!(price);

    #[memo(depends)]
    fn restless(x: u64) -> u64 {
        let before = price(x);
        price::clear();
        before
    }

    assert_eq!(restless(4), 4);
    assert!(!restless::contains(4));
}

#[test]
fn a_result_that_was_inserted_or_is_uncached_depends_on_nothing() {
    pair!(price, total);
    total::insert(4, 5);
    price(4);
    price::clear();
    assert_eq!(total(4), 5);
    price(6);
    assert_eq!(total::uncached(6), 1006);
    price::clear();
    assert_eq!(total::stats().entries, 1);
}

#[test]
fn clearing_all_data_takes_the_resources_that_were_made_of_it() {
    // In a process of other tests it is done where nobody else is.
    memo::isolated(|| {
        source!(price);

        #[singleton(depends)]
        fn table(x: u64) -> u64 {
            price(x)
        }

        #[singleton]
        fn other(x: u64) -> u64 {
            price(x)
        }

        assert_eq!((*table(4), *other(4)), (4, 4));
        memo::clear_all();
        assert!(!table::contains(4) && other::contains(4));
    });
}

#[test]
fn an_error_of_what_is_called_is_noted_until_there_is_a_result() {
    static IS_UP: AtomicU64 = AtomicU64::new(0);

    #[memo]
    fn rate() -> Result<u64, String> {
        if IS_UP.load(SeqCst) == 0 {
            return Err("down".into());
        }
        Ok(7)
    }

    #[memo(depends)]
    fn price() -> u64 {
        rate().unwrap_or(1)
    }

    assert_eq!((price(), price::contains()), (1, true));
    rate::insert(Ok(5));
    assert_eq!(price(), 5);
}

#[test]
fn a_tag_reaches_whatever_way_a_body_has_asked() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo(tags("chains:asked"))]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[singleton(tags("chains:asked"), validate = |_| true)]
    fn rate() -> u64 {
        SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    fn by_contains(x: u64) -> u64 {
        u64::from(price::contains(x)) + price(x)
    }

    #[memo(depends)]
    fn by_get(x: u64) -> u64 {
        price::get(x).unwrap_or_else(|| price(x))
    }

    #[memo(depends)]
    fn only_contains(x: u64) -> bool {
        price::contains(x)
    }

    #[memo(depends)]
    fn by_rate() -> u64 {
        *rate()
    }

    price(6);
    assert_eq!((by_contains(4), by_get(5), only_contains(6), by_rate()), (4, 5, true, 1));
    memo::clear_tag("chains:asked");
    assert!(!by_contains::contains(4) && !by_get::contains(5));
    assert!(!only_contains::contains(6) && !by_rate::contains());
}

#[test]
fn what_a_body_does_in_an_isolation_of_its_own_is_no_part_of_it() {
    source!(price);

    #[memo(depends)]
    fn outer(x: u64) -> u64 {
        memo::isolated(|| price(x)) + price(x + 1)
    }

    assert_eq!(outer(4), 9);
    assert!(outer::contains(4));
    price(4);
    price::remove(4);
    assert!(outer::contains(4));
    price::remove(5);
    assert!(!outer::contains(4));
}
