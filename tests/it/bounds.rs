//! `max_entries`, `max_bytes` and `ttl`.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use memo::{memo, singleton};

use crate::schedule::eventually;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn no_more_entries_are_held_than_may_be_at_any_moment() {
    #[memo(max_entries = 1)]
    fn one(x: u32) -> u32 {
        x
    }
    #[memo(max_entries = 2)]
    fn two(x: u32) -> u32 {
        x
    }
    #[memo(max_entries = 4)]
    fn four(x: u32) -> u32 {
        x
    }
    for x in 0..1000 {
        assert_eq!((one(x), two(x), four(x)), (x, x, x));
        let held = (one::stats().entries, two::stats().entries, four::stats().entries);
        let x = x as usize + 1;
        assert_eq!(held, (x.min(1), x.min(2), x.min(4)));
        assert!(one::contains(x as u32 - 1), "the one written last is never the one to go");
    }
    assert_eq!(one::stats().evictions, 999);
    four::insert(5000, 1);
    four::refresh(5001);
    assert_eq!(four::stats().entries, 4);
}

#[test]
fn no_more_bytes_are_held_than_may_be_and_keys_count() {
    #[memo(max_bytes = "1 KiB")]
    fn text(key: &str, len: usize) -> String {
        let _ = key;
        "x".repeat(len)
    }
    for x in 0..500 {
        text(&"k".repeat(x % 90), x % 200);
        let stats = text::stats();
        assert!(stats.bytes <= 1024, "{stats:?}");
        assert!(x < 20 || stats.bytes > 512, "{stats:?}");
    }
    // A value that is larger than all there may be evicts nobody.
    let before = text::stats();
    assert_eq!(text("large", 2000).len(), 2000);
    let after = text::stats();
    assert_eq!((after.entries, after.bytes), (before.entries, before.bytes));
    assert!(!text::contains("large", 2000));
    // Nor does a long key.
    assert_eq!(text(&"k".repeat(2000), 1).len(), 1);
    assert_eq!(text::stats().entries, before.entries);
}

#[test]
fn bounds_hold_under_many_threads() {
    #[memo(max_entries = 50)]
    fn some(x: u32) -> u32 {
        x
    }
    thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                for step in 0..10_000 {
                    let x = (step * 7 + number * 3) % 200;
                    assert_eq!(some(x), x);
                    assert!(some::stats().entries <= 50);
                }
            });
        }
    });
    let stats = some::stats();
    assert_eq!(stats.hits + stats.misses, 40_000);
    assert_eq!(stats.misses - stats.evictions, 50);
}

#[test]
fn what_is_often_wanted_stays() {
    #[memo(max_entries = 100)]
    fn page(x: u32) -> u32 {
        x
    }
    for step in 0..20_000 {
        page(step % 10);
        page(1000 + step);
    }
    assert!((0..10).all(page::contains));
}

#[test]
fn a_result_expires() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = "1h")]
    fn run() -> u32 {
        RUNS.fetch_add(1, SeqCst)
    }
    memo::isolated(|| {
        assert_eq!(run(), 0);
        memo::advance(HOUR / 2);
        assert_eq!((run(), run::get()), (0, Some(0)));
        memo::advance(HOUR / 2);
        assert_eq!((run::get(), run::contains(), run::stats().entries), (None, false, 0));
        assert_eq!((run(), run::stats().expirations), (1, 1));
    });
}

#[test]
fn a_result_expires_by_the_clock_of_the_process() {
    #[memo(ttl = "50ms")]
    fn run() {}
    run();
    eventually(|| !run::contains());
    assert_eq!((run::get(), run::stats().entries, run::stats().expirations), (None, 0, 1));
}

#[test]
fn the_ttl_may_be_an_expression_and_counts_from_the_end_of_the_computation() {
    fn life() -> Duration {
        HOUR * 2
    }
    #[memo(ttl = life() / 2)]
    fn slow() -> u32 {
        // Takes longer than its result lives.
        memo::advance(2 * HOUR);
        7
    }
    memo::isolated(|| {
        assert_eq!((slow(), slow(), slow::stats().misses), (7, 7, 1));
        memo::advance(HOUR / 2);
        assert!(slow::contains());
        memo::advance(HOUR / 2);
        assert_eq!((slow::contains(), slow::stats().expirations), (false, 1));
    });
}

#[test]
fn what_has_expired_is_not_there_to_be_removed() {
    #[memo(ttl = "1h")]
    fn short(x: u32) -> u32 {
        x
    }
    #[singleton(ttl = "1h")]
    fn lent(x: u32) -> u32 {
        x
    }
    memo::isolated(|| {
        short(1);
        lent(1);
        memo::advance(HOUR);
        assert!(!short::remove(1) && !lent::remove(1));
        // What is there is removed once.
        short::insert(2, 2);
        lent(2);
        assert!(short::remove(2) && lent::remove(2));
        assert!(!short::remove(2) && !lent::remove(2));
    });
}

#[test]
fn expired_entries_are_reclaimed_though_nobody_asks_for_them() {
    #[memo(ttl = "30ms")]
    fn many(x: u32) -> u32 {
        x
    }
    #[memo]
    fn other(x: u32) -> u32 {
        x
    }
    let start = Instant::now();
    let mut most = 0;
    let mut calls = 0;
    while start.elapsed() < Duration::from_millis(400) {
        many(calls);
        calls += 1;
        if calls % 1000 == 0 {
            most = most.max(many::stats().entries);
        }
    }
    assert!(most < calls as usize / 2, "{most} of {calls} were held at once");
    // Nor need the function itself be called again: any miss reclaims what it comes by.
    eventually(|| {
        let held =
            memo::stats().iter().any(|stats| stats.name.ends_with("::many") && stats.entries == 0);
        other(calls.wrapping_add(most as u32));
        held
    });
}

#[test]
fn an_old_result_is_served_at_once_and_refreshed_once_behind() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = "1h", refresh = "background")]
    fn version(_done: mpsc::Sender<u32>, key: &str) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        _done.send(run).unwrap();
        run + key.len() as u32
    }
    let (done, runs) = mpsc::channel();
    memo::isolated(|| {
        assert_eq!(version(done.clone(), "k"), 1);
        assert_eq!(runs.recv(), Ok(0));
        memo::advance(HOUR / 2);
        assert_eq!(version(done.clone(), "k"), 1);
        assert!(runs.try_recv().is_err(), "it is fresh");
        // Between one ttl and two every call is answered; the first of them has it refreshed.
        memo::advance(HOUR);
        assert!((0..9).all(|_| version(done.clone(), "k") <= 2));
        assert_eq!(runs.recv_timeout(Duration::from_secs(20)), Ok(1));
        eventually(|| version::get("k") == Some(2));
        assert!(runs.try_recv().is_err(), "once");
        // After that nothing old is served.
        memo::advance(2 * HOUR);
        assert_eq!(version(done.clone(), "k"), 3);
    });
}

#[test]
fn a_singleton_is_replaced_when_it_is_old_and_when_there_are_too_many() {
    #[singleton(ttl = "1h", max_entries = 2)]
    fn numbered(x: u32) -> u32 {
        x
    }
    memo::isolated(|| {
        let first = numbered(1);
        assert!(std::sync::Arc::ptr_eq(&first, &numbered(1)));
        memo::advance(HOUR);
        assert!(!std::sync::Arc::ptr_eq(&first, &numbered(1)));
        for x in 0..10 {
            numbered(x);
            assert!(numbered::stats().entries <= 2);
        }
    });
}
