//! `idle`: what nobody asks for is given up.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;

use memo::{memo, singleton};
use serde::Serialize;

use crate::schedule::{block_on, eventually, together, End, Runs};

const HOUR: Duration = Duration::from_secs(3600);
const IDLE: Duration = Duration::from_millis(50);

#[test]
fn what_nobody_asks_for_is_given_up_and_contains_does_not_ask() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(name = "idlers", idle = IDLE)]
    fn run(x: u32) -> u32 {
        let _ = x;
        RUNS.fetch_add(1, SeqCst)
    }
    #[memo]
    fn other(x: u32) -> u32 {
        x
    }
    let first = run(1);
    eventually(|| !run::contains(1));
    assert_eq!((run::get(1), run::remove(1)), (None, false));
    assert!(run(1) > first);
    // Nor need anybody come by who asks for it.
    let mut calls = 0;
    eventually(|| {
        calls += 1;
        other(calls);
        memo::stats().iter().any(|stats| stats.name == "idlers" && stats.entries == 0)
    });
    assert_eq!(run::stats().entries, 0);
    assert!(run::stats().expirations >= 2);
}

/// Asks for one thing and not for another until that is given up, which must leave the first.
fn is_kept_by(ask: impl Fn(u32), contains: impl Fn(u32) -> bool, make: impl Fn(u32)) {
    memo::isolated(|| {
        make(0);
        make(1);
        for _ in 0..5 {
            memo::advance(HOUR / 3);
            ask(0);
        }
        assert!(contains(0) && !contains(1));
        // What was put off is given up all the same, when nobody asks any more.
        memo::advance(HOUR);
        assert!(!contains(0));
        assert!(memo::report().functions.iter().all(|function| function.stats.entries == 0));
    });
}

#[test]
fn calls_and_get_renew_a_result() {
    #[memo(idle = "1h")]
    fn called(x: u32) -> u32 {
        x
    }
    is_kept_by(|x| assert_eq!(called(x), x), called::contains, |x| assert_eq!(called(x), x));
    #[memo(idle = "1h")]
    fn got(x: u32) -> String {
        x.to_string()
    }
    is_kept_by(|x| drop(got::get(x)), got::contains, |x| drop(got(x)));
    #[memo(idle = "1h", clone)]
    async fn cloned(x: &str) -> Arc<str> {
        x.into()
    }
    let ask = |x: u32| drop(block_on(cloned(&x.to_string())));
    is_kept_by(ask, |x| cloned::contains(&x.to_string()), ask);
    #[singleton(idle = "1h")]
    fn lent(x: u32) -> u32 {
        x
    }
    is_kept_by(|x| drop(lent(x)), lent::contains, |x| drop(lent(x)));
}

#[test]
fn threads_that_use_results_while_others_are_given_up_get_right_ones() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(idle = "20ms", max_entries = 90)]
    fn text(x: u32) -> String {
        RUNS.fetch_add(1, SeqCst);
        x.to_string()
    }
    together(4, |thread| {
        // Some of them are asked for all the time, and the others once in a while.
        for step in 0..20_000_u32 {
            let x = if step % 16 == 0 { step / 16 % 100 } else { step % 4 + thread as u32 };
            assert_eq!(text(x), x.to_string());
        }
    });
    let stats = text::stats();
    assert_eq!((stats.hits + stats.misses, stats.misses), (80_000, u64::from(RUNS.load(SeqCst))));
    eventually(|| text::stats().entries == 0);
    assert_eq!(text::stats().bytes, 0);
}

#[test]
fn with_a_ttl_whichever_comes_first_ends_a_result() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = "1h", idle = "30m")]
    fn old(x: u32) -> u32 {
        x + RUNS.fetch_add(1, SeqCst)
    }
    #[memo(ttl = "1h", idle = "30m")]
    fn idle(x: u32) -> u32 {
        x
    }
    memo::isolated(|| {
        assert_eq!((old(1), idle(1)), (1, 1));
        for _ in 0..3 {
            memo::advance(HOUR / 4);
            assert_eq!(old(1), 1);
        }
        assert!(!idle::contains(1));
        assert_eq!(idle::stats().ttl, Some(HOUR));
        // However often it is asked for.
        memo::advance(HOUR / 4);
        assert_eq!(old(1), 2);
    });
}

#[test]
fn methods_generics_and_background_refreshes_have_results_that_idle() {
    #[derive(Serialize, Clone)]
    struct Square(u32);
    impl Square {
        #[memo(idle = "1h")]
        fn area(&self) -> u32 {
            self.0 * self.0
        }
    }
    #[memo(idle = "1h")]
    fn text<T: ToString + Serialize>(x: T) -> String {
        x.to_string()
    }
    static RUNS: Runs = Runs::new();
    #[memo(ttl = "1h", idle = "5h", refresh = "background")]
    fn renewed(x: u32) -> Result<u32, String> {
        let _ = x;
        RUNS.held()
    }
    let square = Square(3);
    memo::isolated(|| {
        assert_eq!((square.area(), square.area(), Square::area_stats().hits), (9, 9, 1));
        assert_eq!((text(1_u8), text(1_u16)), ("1".into(), "1".into()));
        renewed::insert(0, Ok(7));
        memo::advance(HOUR);
        assert!(!Square(3).area_contains() && !text::contains(1_u8) && !text::contains(1_u16));
        // The old one, until the refresh behind is done.
        assert_eq!(renewed(0), Ok(7));
        RUNS.wait_for(1);
        assert_eq!(renewed(0), Ok(7));
        RUNS.end(0, End::Returns(8));
        eventually(|| renewed(0) == Ok(8));
        assert_eq!(RUNS.count(), 1);
    });
}

#[test]
fn an_idle_time_of_zero_stores_nothing_and_one_that_panics_is_asked_again() {
    #[memo(idle = Duration::from_secs(0))]
    fn never(x: u32) -> u32 {
        x
    }
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn moody() -> Duration {
        if ASKED.fetch_add(1, SeqCst) == 0 {
            resume_unwind(Box::new("not now"));
        }
        Duration::from_secs(3600)
    }
    #[memo(idle = moody())]
    fn number(x: u32) -> u32 {
        x
    }
    assert_eq!((never(1), never::stats().entries, never::stats().uncacheable), (1, 0, 0));
    assert_eq!((number(1), number::contains(1), number::stats().uncacheable), (1, false, 1));
    assert_eq!((number(1), number(1), number::stats().hits), (1, 1, 1));
}
