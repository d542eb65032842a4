//! How long what depends on something lives.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use memo::{memo, singleton};

#[test]
fn a_result_lives_no_longer_than_the_shortest_ttl_it_has_used() {
    #[memo(ttl = "10m")]
    fn rate(_x: u64) -> u64 {
        1
    }

    #[memo(ttl = "1h")]
    fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    fn total(x: u64) -> u64 {
        price(x) * rate(x)
    }

    #[memo(depends, ttl = "1m")]
    fn shorter(x: u64) -> u64 {
        total(x)
    }

    memo::isolated(|| {
        rate(4);
        memo::advance(Duration::from_secs(240));
        total(4);
        shorter(4);
        memo::advance(Duration::from_secs(61));
        assert!(!shorter::contains(4) && total::contains(4));
        // It was ten minutes for what it has used, of which four were over.
        memo::advance(Duration::from_secs(298));
        assert!(total::contains(4));
        memo::advance(Duration::from_secs(2));
        assert!(!total::contains(4) && price::contains(4));
    });
}

#[test]
fn the_shortest_is_passed_on_by_what_is_not_stored() {
    #[memo(ttl = "10m")]
    fn rate() -> u64 {
        1
    }

    #[memo(depends, cache_if = |_| false)]
    fn rejected() -> u64 {
        rate()
    }

    #[memo(depends)]
    fn total() -> u64 {
        rejected()
    }

    #[singleton(depends)]
    fn table() -> u64 {
        total()
    }

    memo::isolated(|| {
        table();
        memo::advance(Duration::from_secs(599));
        assert!(total::contains() && table::contains());
        memo::advance(Duration::from_secs(2));
        assert!(!total::contains() && !table::contains());
    });
}

#[test]
fn what_idles_away_voids_nothing() {
    #[memo(idle = "1m")]
    fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    fn total(x: u64) -> u64 {
        price(x)
    }

    memo::isolated(|| {
        total(4);
        memo::advance(Duration::from_secs(120));
        assert!(!price::contains(4) && total::contains(4));
    });
}

#[test]
fn an_old_result_that_answers_an_error_is_not_computed_from_for_longer() {
    static IS_UP: AtomicU64 = AtomicU64::new(1);

    #[memo(ttl = "1m", stale_if_error = "1h")]
    fn rate() -> Result<u64, String> {
        if IS_UP.load(SeqCst) == 0 {
            return Err("down".into());
        }
        Ok(IS_UP.load(SeqCst))
    }

    #[memo(depends)]
    fn price() -> Result<u64, String> {
        rate()
    }

    memo::isolated(|| {
        assert_eq!(price(), Ok(1));
        IS_UP.store(0, SeqCst);
        memo::advance(Duration::from_secs(61));
        assert_eq!(price(), Ok(1));
        assert!(!price::contains());
        IS_UP.store(2, SeqCst);
        assert_eq!(price(), Ok(2));
        IS_UP.store(1, SeqCst);
    });
}

#[test]
fn a_background_function_is_refreshed_within_the_time_it_has_left() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[memo(ttl = "10m")]
    fn rate() -> u64 {
        1
    }

    #[memo(depends, ttl = "1h", refresh = "background")]
    fn price() -> u64 {
        RUNS.fetch_add(1, SeqCst);
        rate()
    }

    memo::isolated(|| {
        price();
        // It is not old, though it ends soon.
        for _ in 0..9 {
            memo::advance(Duration::from_secs(60));
            price();
        }
        assert_eq!(RUNS.load(SeqCst), 1);
        memo::advance(Duration::from_secs(61));
        assert!(!price::contains());
    });
}
