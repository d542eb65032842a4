//! Detached functions and refreshes where nothing runs tasks: no spawner is set in this program.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use memo::memo;

use crate::schedule::{block_on, Gate, Task};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_detached_call_runs_as_if_it_were_not() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn twice(x: u32) -> Result<u32, String> {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        if x == 0 {
            Err("zero".into())
        } else {
            Ok(2 * x)
        }
    }
    let mut call = Task::new(twice(4));
    assert!(call.poll().is_pending());
    drop(call);
    GATE.open();
    assert!(!twice::contains(4));
    assert_eq!(block_on(twice(4)), Ok(8));
    assert_eq!(block_on(twice(4)), Ok(8));
    assert!(block_on(twice(0)).is_err());
    let stats = twice::stats();
    assert_eq!((RUNS.load(SeqCst), stats.misses, stats.hits), (3, 3, 1));
}

#[test]
fn an_old_result_is_served_until_it_expires() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(ttl = "1h", refresh = "background")]
    async fn count(x: usize) -> usize {
        x + RUNS.fetch_add(1, SeqCst)
    }
    memo::isolated(|| {
        assert_eq!(block_on(count(1)), 1);
        memo::advance(HOUR + HOUR / 2);
        assert_eq!(block_on(count(1)), 1);
        assert_eq!(block_on(count(1)), 1);
        memo::advance(HOUR / 2);
        assert_eq!(block_on(count(1)), 2);
    });
}
