//! What a store does late, or meanwhile, brings nothing back that has gone with what it was computed from.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock};
use std::thread;

use memo::memo;

use crate::schedule::{eventually, End, Runs};
use crate::shelf::{apart, At, Seen, Shelf};

/// A function with that store, and the one from which it computes.
macro_rules! page_of_price {
    ($shelf:expr $(, $tag:literal)?) => {
        static SHELF: LazyLock<Shelf> = $shelf;
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static SEEN: Seen = Seen::nothing();
        #[memo]
        fn price() -> u64 {
            SOURCE.load(SeqCst)
        }
        #[memo(depends, store = &*SHELF $(, tags($tag))?)]
        fn page(key: u64) -> u64 {
            let _ = key;
            price()
        }
    };
}

/// The price is another one.
macro_rules! changes_to {
    ($price:literal) => {
        SOURCE.store($price, SeqCst);
        price::clear();
    };
}

#[test]
fn a_ttl_that_was_used_counts_in_the_store_too() {
    static SHELF: LazyLock<Shelf> = Shelf::new();
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo(ttl = "50ms")]
    fn rate() -> u64 {
        SOURCE.load(SeqCst)
    }
    #[memo(depends, store = &*SHELF)]
    fn total() -> u64 {
        rate()
    }

    assert_eq!(total(), 1);
    SOURCE.store(2, SeqCst);
    // The store counts from when it was put there.
    eventually(|| total() == 2);
    SOURCE.store(3, SeqCst);
    rate::clear();
    assert_eq!(total(), 3);
}

/// While this is done to a call, it is computed anew before the store has answered.
macro_rules! is_answered_late {
    ($change:expr) => {
        assert_eq!(page(1), 1);
        SHELF.once(At::AfterRemove, || {
            changes_to!(2);
            SEEN.call(|| page(1));
        });
        $change(1);
        assert_eq!((SEEN.take(), page(1)), (vec![2], 2));
        changes_to!(3);
        assert_eq!(page(1), 3);
    };
}

#[test]
fn a_removal_that_is_answered_late_leaves_nothing_in_the_store_that_memory_gives_up() {
    page_of_price!(Shelf::new());
    is_answered_late!(page::remove);
}

#[test]
fn a_refresh_whose_removal_is_answered_late_does_not_take_what_is_newer_for_older() {
    page_of_price!(Shelf::not_asked());
    is_answered_late!(page::refresh);
}

#[test]
fn a_clear_by_others_that_is_told_after_another_one_gives_up_what_was_put_since() {
    page_of_price!(Shelf::new());
    assert_eq!((page(1), page(2)), (1, 1));
    SHELF.is_cleared_by_others();
    SHELF.once(At::AfterChanges, || {
        page::clear();
        SEEN.call(|| page(1));
    });
    page(2);
    assert_eq!((SEEN.take(), page(1)), (vec![1], 1));
    changes_to!(2);
    assert_eq!(page(1), 2);
}

#[test]
fn while_a_tag_is_being_cleared_nothing_comes_from_the_store_that_has_gone() {
    page_of_price!(Shelf::new(), "of a late store");
    assert_eq!(page(1), 1);
    SHELF.once(At::BeforeClearTag, || {
        apart(|| {
            changes_to!(2);
            SEEN.add(page(1));
        });
    });
    memo::clear_tag("of a late store");
    assert_eq!(SEEN.take(), [2]);
}

/// A function with a store, whose refresh to 2 is held until a clear has begun as well.
macro_rules! held_while_2 {
    ($($tag:literal)?) => {
        static SHELF: LazyLock<Shelf> = Shelf::new();
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static SEEN: Seen = Seen::nothing();
        static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
        #[memo(store = &*SHELF $(, tags($tag))?)]
        fn value(key: u64) -> u64 {
            let _ = key;
            let now = SOURCE.load(SeqCst);
            if now == 2 {
                BOTH.wait();
                BOTH.wait();
            }
            now
        }
    };
}

#[test]
fn while_the_store_is_being_cleared_nothing_comes_from_it_that_a_refresh_has_replaced() {
    held_while_2!();

    assert_eq!(value(1), 1);
    SOURCE.store(2, SeqCst);
    let refresh = thread::spawn(|| value::refresh(1));
    BOTH.wait();
    SHELF.once(At::BeforeClear, move || {
        BOTH.wait();
        SEEN.add(refresh.join().unwrap());
        SOURCE.store(3, SeqCst);
        SEEN.call(|| value(1));
    });
    value::clear();
    assert_eq!(SEEN.take(), [2, 3]);
}

#[test]
fn what_used_what_a_refresh_replaces_goes_though_a_tag_is_being_cleared() {
    held_while_2!("of a late refresh");
    #[memo(depends)]
    fn outer() -> u64 {
        value(1)
    }

    assert_eq!(outer(), 1);
    SOURCE.store(2, SeqCst);
    let refresh = thread::spawn(|| value::refresh(1));
    BOTH.wait();
    SHELF.once(At::BeforeClearTag, move || {
        BOTH.wait();
        SEEN.add(refresh.join().unwrap());
        SOURCE.store(3, SeqCst);
        SEEN.call(outer);
    });
    memo::clear_tag("of a late refresh");
    assert_eq!(SEEN.take(), [2, 3]);
}

#[test]
fn a_refresh_that_is_void_itself_leaves_nothing_older_that_is_stored() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static IS_VOIDED: AtomicBool = AtomicBool::new(false);

    #[memo]
    fn inner() {}
    #[memo(depends)]
    fn outer() -> u64 {
        let version = SOURCE.load(SeqCst);
        if IS_VOIDED.swap(false, SeqCst) {
            inner();
            inner::clear();
        }
        version
    }

    assert_eq!(outer(), 1);
    SOURCE.store(2, SeqCst);
    IS_VOIDED.store(true, SeqCst);
    assert_eq!((outer::refresh(), outer()), (2, 2));
}

#[test]
fn what_used_the_older_result_of_the_store_goes_when_it_has_been_replaced() {
    static SHELF: LazyLock<Shelf> = Shelf::new();
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static SEEN: Seen = Seen::nothing();

    #[memo(store = &*SHELF, max_entries = 1)]
    fn base(key: u64) -> u64 {
        let _ = key;
        SOURCE.load(SeqCst)
    }
    #[memo(depends)]
    fn outer() -> u64 {
        base(1)
    }
    fn evict() {
        for key in 2..20 {
            base(key);
        }
    }

    assert_eq!(base(1), 1);
    SOURCE.store(2, SeqCst);
    SHELF.once(At::BeforeRemove, || {
        apart(|| {
            evict();
            // From the store, which nobody has told yet.
            SEEN.add(outer());
            evict();
        });
    });
    base::insert(1, 2);
    assert_eq!((SEEN.take(), base(1), outer()), (vec![1], 2, 2));
}

#[test]
fn what_a_refresh_is_about_to_replace_in_the_store_is_given_up_with_it() {
    page_of_price!(Shelf::new());
    assert_eq!(page(1), 1);
    page::remove(1);
    assert_eq!((page(1), page(2)), (1, 1));
    // The refresh has its result in memory, and is about to tell the store.
    SHELF.once(At::BeforeRemove, || {
        apart(|| {
            SHELF.tells_again.store(true, SeqCst);
            page(2);
            page(1);
            changes_to!(2);
            SEEN.add(page(1));
        });
    });
    page::refresh(1);
    assert_eq!(SEEN.take(), [2]);
}

#[test]
fn what_is_found_in_the_store_does_not_replace_what_knows_from_what_it_was_computed() {
    static SHELF: LazyLock<Shelf> = Shelf::new();
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: Runs = Runs::new();

    #[memo]
    fn price() -> u64 {
        SOURCE.load(SeqCst)
    }
    #[memo(depends, store = &*SHELF)]
    fn page(key: usize) -> Result<u64, String> {
        let (_, price) = (key, price());
        RUNS.held().map(|_| price)
    }

    for round in 0.. {
        let first = thread::spawn(move || page(round));
        RUNS.wait_for(2 * round + 1);
        let second = thread::spawn(move || page(round));
        thread::yield_now();
        RUNS.end(2 * round, End::Fails);
        assert!(first.join().unwrap().is_err());
        RUNS.wait_for(2 * round + 2);
        if page::stats().unshared == 0 {
            // It came too late to wait for the first, and leads.
            RUNS.end(2 * round + 1, End::Returns(0));
            assert_eq!(second.join().unwrap(), Ok(1));
            continue;
        }
        // A third leads, and looks into the store when the second has just put its result there.
        SHELF.once(At::BeforeGet, move || {
            RUNS.end(2 * round + 1, End::Returns(0));
            assert_eq!(second.join().unwrap(), Ok(1));
        });
        assert_eq!(page(round), Ok(1));
        changes_to!(2);
        let fourth = thread::spawn(move || page(round));
        RUNS.wait_for(2 * round + 3);
        RUNS.end(2 * round + 2, End::Returns(0));
        assert_eq!(fourth.join().unwrap(), Ok(2));
        break;
    }
}
