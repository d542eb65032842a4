//! Old results of async functions, which tasks refresh behind their callers.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use memo::{memo, singleton};

use crate::schedule::block_on;
use crate::spawner::{self, Way};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_old_result_is_served_at_once_and_refreshed_once_behind() {
    #[memo(ttl = "1h", refresh = "background")]
    async fn count(name: &str, runs: usize) -> usize {
        assert_eq!(name, "EUR");
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        runs + RUNS.fetch_add(1, SeqCst)
    }
    spawner::set(Way::Queued);
    let block = memo::isolated_async(async {
        assert_eq!(count("EUR", 0).await, 0);
        memo::advance(HOUR + HOUR / 2);
        for _ in 0..3 {
            assert_eq!(count("EUR", 0).await, 0);
        }
        assert_eq!(spawner::queued(), 1);
        spawner::run_queued();
        assert_eq!(count("EUR", 0).await, 1);
        memo::advance(HOUR / 2);
        assert_eq!((count("EUR", 0).await, spawner::queued()), (1, 0));
    });
    block_on(block);
}

#[test]
fn a_refresh_that_comes_to_nothing_is_made_again_by_the_next_call() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(ttl = "1h", refresh = "background")]
    async fn count(x: u32) -> Result<usize, String> {
        let _ = x;
        match RUNS.fetch_add(1, SeqCst) {
            1 => Err("not now".into()),
            2 => panic!("nor now"),
            run => Ok(run),
        }
    }
    let block = memo::isolated_async(async {
        assert_eq!(count(1).await, Ok(0));
        memo::advance(HOUR + HOUR / 2);
        for way in [Way::Dropped, Way::Panicking, Way::Queued, Way::Queued] {
            spawner::set(way);
            assert_eq!(count(1).await, Ok(0));
            spawner::run_queued();
        }
        assert_eq!(RUNS.load(SeqCst), 3);
        assert_eq!(count(1).await, Ok(0));
        spawner::run_queued();
        assert_eq!(count(1).await, Ok(3));
        assert_eq!(spawner::queued(), 0);
    });
    block_on(block);
}

#[test]
fn resources_and_detached_functions_are_refreshed_by_tasks() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[singleton(ttl = "1h", refresh = "background")]
    async fn pool(url: String) -> String {
        format!("{url} {}", RUNS.fetch_add(1, SeqCst))
    }
    #[memo(detached, ttl = "1h", refresh = "background")]
    async fn page(url: &str) -> String {
        pool(url.to_owned()).await.to_string()
    }
    let block = memo::isolated_async(async {
        spawner::set(Way::RunInline);
        assert_eq!(page("one").await, "one 0");
        memo::advance(HOUR);
        spawner::set(Way::Queued);
        let old = pool("one".into()).await;
        assert_eq!((&*page("one").await, &**old), ("one 0", "one 0"));
        assert_eq!(spawner::queued(), 2);
        spawner::run_queued();
        assert_eq!((&*page("one").await, &**pool("one".into()).await), ("one 1", "one 1"));
    });
    block_on(block);
}
