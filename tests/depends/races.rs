//! What is cleared while something is computed from it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use memo::memo;

use crate::schedule::{eventually, impatiently, End, Runs, Task};

/// An inner function over a source that changes, and an outer one that is held once it has called that.
macro_rules! held {
    ($inner:ident, $outer:ident) => {
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static RUNS: Runs = Runs::new();

        #[memo]
        fn $inner() -> u64 {
            SOURCE.load(SeqCst)
        }

        #[memo(depends)]
        fn $outer() -> u64 {
            let inner = $inner();
            10 * inner + u64::from(RUNS.held().unwrap())
        }
    };
}

#[test]
fn a_result_whose_source_is_cleared_before_it_is_stored_is_not_stored() {
    held!(inner, outer);
    for (version, forget) in [(2, inner::clear as fn()), (3, || assert_eq!(inner::refresh(), 3))] {
        let run = RUNS.count();
        thread::scope(|scope| {
            let call = scope.spawn(outer);
            RUNS.wait_for(run + 1);
            SOURCE.store(version, SeqCst);
            forget();
            RUNS.end(run, End::Returns(1));
            assert_eq!(call.join().unwrap(), 10 * (version - 1) + 1);
        });
        assert!(!outer::contains());
    }
}

#[test]
fn a_refresh_that_is_void_itself_leaves_nothing_older() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static BEFORE: Runs = Runs::new();
    static AFTER: Runs = Runs::new();

    #[memo]
    fn inner() {}

    #[memo(depends)]
    fn outer() -> u64 {
        let version = SOURCE.load(SeqCst);
        BEFORE.held().unwrap();
        inner();
        AFTER.held().unwrap();
        version
    }

    thread::scope(|scope| {
        let older = scope.spawn(outer);
        BEFORE.wait_for(1);
        SOURCE.store(2, SeqCst);
        let refresh = scope.spawn(outer::refresh);
        BEFORE.wait_for(2);
        BEFORE.end(1, End::Returns(0));
        AFTER.wait_for(1);
        // The refresh has used it, and the older computation has not yet.
        inner::clear();
        AFTER.end(0, End::Returns(0));
        assert_eq!(refresh.join().unwrap(), 2);
        BEFORE.end(0, End::Returns(0));
        AFTER.wait_for(2);
        AFTER.end(1, End::Returns(0));
        assert_eq!(older.join().unwrap(), 1);
    });
    assert!(!outer::contains(), "what is older than the refresh was stored");
}

#[test]
fn who_waits_for_a_computation_that_is_void_computes_anew() {
    held!(inner, outer);
    thread::scope(|scope| {
        let first = scope.spawn(outer);
        RUNS.wait_for(1);
        let second = scope.spawn(outer);
        SOURCE.store(2, SeqCst);
        inner::clear();
        // It asks again, and is told nothing of the first.
        RUNS.wait_for(2);
        RUNS.end(1, End::Returns(2));
        assert_eq!(second.join().unwrap(), 22);
        RUNS.end(0, End::Returns(1));
        assert_eq!(first.join().unwrap(), 11);
    });
    assert_eq!(outer::get(), Some(22));
}

#[test]
fn what_waited_for_another_call_depends_on_it() {
    static RUNS: Runs = Runs::new();
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn source() -> u64 {
        SOURCE.load(SeqCst)
    }

    #[memo(depends, max_entries = 1)]
    fn slow(x: u64) -> u64 {
        let from = source();
        if x == 1 {
            RUNS.held().unwrap();
        }
        from
    }

    #[memo(depends)]
    fn outer() -> u64 {
        slow(1)
    }

    thread::scope(|scope| {
        let leader = scope.spawn(|| slow(1));
        RUNS.wait_for(1);
        let waits = scope.spawn(outer);
        eventually(|| {
            memo::report().functions.iter().any(|it| it.stats.name == outer::stats().name)
        });
        RUNS.end(0, End::Returns(0));
        assert_eq!((leader.join().unwrap(), waits.join().unwrap()), (1, 1));
    });
    // What it waited for is evicted, and the chain holds.
    slow(2);
    assert!(!slow::contains(1) && outer::contains());
    SOURCE.store(2, SeqCst);
    source::clear();
    assert!(!outer::contains());
}

#[test]
fn who_takes_over_depends_on_what_it_calls_itself() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: Runs = Runs::new();

    #[memo]
    fn source(x: u64) -> u64 {
        let _ = x;
        SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    async fn slow() -> u64 {
        let from = source(1);
        let _ = RUNS.awaited().await;
        from
    }

    let mut first = Task::new(slow());
    assert!(first.poll().is_pending());
    let mut second = Task::new(slow());
    assert!(second.poll().is_pending());
    drop(first);
    SOURCE.store(2, SeqCst);
    source::clear();
    assert!(second.is_woken() && second.poll().is_pending());
    RUNS.end(1, End::Returns(0));
    assert_eq!(second.poll(), std::task::Poll::Ready(2));
    assert_eq!(slow::get(), Some(2));
    source::remove(1);
    assert!(!slow::contains());
}

#[test]
fn a_background_refresh_voids_what_was_computed_from_the_old_and_is_made_of_the_new() {
    static VERSION: AtomicU64 = AtomicU64::new(1);

    #[memo(ttl = "200ms", refresh = "background")]
    fn rate() -> u64 {
        VERSION.load(SeqCst)
    }

    #[memo(depends)]
    fn price() -> u64 {
        10 * rate()
    }

    assert_eq!(price(), 10);
    VERSION.store(2, SeqCst);
    // Whoever asks once it is old has it refreshed; what was computed from the old one goes with that.
    eventually(|| {
        rate();
        price() == 20
    });
    assert_eq!(rate(), 2);
}

#[test]
fn threads_that_clear_the_same_wait_for_what_the_other_has_begun() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn source(x: u64) -> u64 {
        let _ = x;
        SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    fn middle(x: u64) -> u64 {
        source(x % 10)
    }

    #[memo(depends)]
    fn outer(x: u64) -> u64 {
        middle(x)
    }

    for version in 2..20 {
        for x in 0..200 {
            outer(x);
        }
        SOURCE.store(version, SeqCst);
        crate::schedule::together(4, |thread| {
            if thread % 2 == 0 {
                source::clear();
            } else {
                for x in 0..10 {
                    source::remove(x);
                }
            }
            // From here on nothing is from before.
            for x in 0..200 {
                assert_eq!(outer(x), version);
            }
        });
    }
}

#[test]
fn a_body_that_is_given_up_leaves_nothing_that_could_be_voided() {
    static RUNS: Runs = Runs::new();

    #[memo]
    fn source() -> u64 {
        1
    }

    #[memo(depends)]
    async fn given_up() -> u64 {
        let from = source();
        let _ = RUNS.awaited().await;
        from
    }

    for _ in 0..3 {
        let mut task = Task::new(given_up());
        assert!(task.poll().is_pending());
        drop(task);
        source::clear();
    }
    assert!(!given_up::contains());
}

#[test]
fn what_a_body_refreshed_and_somebody_cleared_meanwhile_is_not_stored() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: Runs = Runs::new();

    #[memo]
    fn source() -> u64 {
        let now = SOURCE.load(SeqCst);
        RUNS.held().unwrap();
        now
    }

    #[memo(depends)]
    fn inner() -> u64 {
        source::refresh()
    }

    #[memo(depends)]
    fn outer() -> u64 {
        inner()
    }

    thread::scope(|scope| {
        let call = scope.spawn(outer);
        RUNS.wait_for(1);
        SOURCE.store(2, SeqCst);
        source::clear();
        RUNS.end(0, End::Returns(0));
        assert_eq!(call.join().unwrap(), 1);
        assert!(!inner::contains() && !outer::contains());
        let again = scope.spawn(source);
        RUNS.wait_for(2);
        RUNS.end(1, End::Returns(0));
        assert_eq!(again.join().unwrap(), 2);
    });
}

/// What a held body computes from, and then waits for: `relieved!(source, slow)`.
macro_rules! relieved {
    ($source:ident, $slow:ident, $($options:tt)*) => {
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static RUNS: Runs = Runs::new();

        #[memo]
        fn $source() -> u64 {
            SOURCE.load(SeqCst)
        }

        /// The first run uses the source only when it may go on.
        #[memo(depends, wait = "1h" $($options)*)]
        fn $slow() -> u64 {
            let number = RUNS.begin();
            if number == 0 {
                RUNS.told(number).unwrap();
                return $source();
            }
            let from = $source();
            RUNS.told(number).unwrap();
            from
        }
    };
}

#[test]
fn who_asks_after_a_clear_is_told_nothing_that_a_relief_computed_before() {
    relieved!(source, slow,);

    #[memo(depends)]
    fn outer() -> u64 {
        100 + slow()
    }

    thread::scope(|scope| {
        let first = scope.spawn(slow);
        RUNS.wait_for(1);
        // It relieves the first, and has used the source.
        let second = scope.spawn(|| impatiently(slow));
        RUNS.wait_for(2);
        eventually(source::contains);
        SOURCE.store(2, SeqCst);
        source::clear();
        let third = scope.spawn(outer);
        eventually(|| outer::stats().misses == 1);
        RUNS.end(1, End::Returns(0));
        assert_eq!(second.join().unwrap(), 1);
        // It is told of the first, or computes by itself.
        RUNS.end(0, End::Returns(0));
        eventually(|| {
            (2..RUNS.count()).for_each(|run| RUNS.end(run, End::Returns(0)));
            third.is_finished()
        });
        assert_eq!((first.join().unwrap(), third.join().unwrap()), (2, 102));
    });
    assert_eq!(outer(), 102);
}

#[test]
fn who_waited_depends_on_what_the_relief_used_though_that_is_not_stored() {
    relieved!(source, slow, , cache_if = |_| false);

    #[memo(depends)]
    fn outer() -> u64 {
        100 + slow()
    }

    thread::scope(|scope| {
        let first = scope.spawn(slow);
        RUNS.wait_for(1);
        let second = scope.spawn(|| impatiently(slow));
        RUNS.wait_for(2);
        let third = scope.spawn(outer);
        eventually(|| outer::stats().misses == 1);
        // It may have come too late to wait, and then computes by itself.
        RUNS.end(1, End::Returns(0));
        eventually(|| {
            (2..RUNS.count()).for_each(|run| RUNS.end(run, End::Returns(0)));
            third.is_finished()
        });
        assert_eq!((second.join().unwrap(), third.join().unwrap()), (1, 101));
        SOURCE.store(2, SeqCst);
        source::clear();
        assert!(!outer::contains());
        RUNS.end(0, End::Returns(0));
        assert_eq!(first.join().unwrap(), 2);
    });
}
