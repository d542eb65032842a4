//! Functions that are computed from functions, of one attribute.

use std::sync::Arc;
use std::thread;

use memo::{memo, singleton};

use crate::alone;
use crate::schedule::{block_on, End, Runs};
use crate::source::{nothing_stale, Source};

#[test]
fn nothing_in_a_chain_of_functions_outlives_a_clear_of_all() {
    static SOURCE: Source = Source::new();
    #[memo]
    fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo]
    fn middle(key: u64) -> u64 {
        inner(key)
    }
    #[memo]
    fn outer(key: u64) -> u64 {
        middle(key)
    }
    let _alone = alone();
    nothing_stale(&SOURCE, 400, memo::clear_all, [outer, middle, inner]);
}

#[test]
fn nothing_in_a_chain_of_resources_outlives_a_clear_of_all() {
    static SOURCE: Source = Source::new();
    #[singleton]
    fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[singleton]
    fn middle(key: u64) -> u64 {
        *inner(key)
    }
    #[singleton]
    fn outer(key: u64) -> Arc<u64> {
        middle(key)
    }
    let _alone = alone();
    let chain: [fn(u64) -> u64; 3] = [|key| *outer(key), |key| *middle(key), |key| *inner(key)];
    nothing_stale(&SOURCE, 300, memo::singleton::clear_all, chain);
}

#[test]
fn nothing_in_a_chain_of_tasks_outlives_a_clear_of_all() {
    static SOURCE: Source = Source::new();
    #[memo]
    async fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo]
    async fn middle(key: u64) -> u64 {
        inner(key).await
    }
    #[memo]
    async fn outer(key: u64) -> Result<u64, String> {
        Ok(middle(key).await)
    }
    let _alone = alone();
    let chain: [fn(u64) -> u64; 3] = [
        |key| block_on(outer(key)).unwrap(),
        |key| block_on(middle(key)),
        |key| block_on(inner(key)),
    ];
    nothing_stale(&SOURCE, 300, memo::clear_all, chain);
}

#[test]
fn a_computation_under_way_when_all_is_cleared_is_stored_nowhere_in_its_chain() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn inner(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.held()
    }
    #[memo]
    fn outer(key: u32) -> Result<u32, String> {
        inner(key)
    }
    #[singleton]
    fn resource(key: u32) -> Result<u32, String> {
        inner(key + 1)
    }
    let _alone = alone();
    thread::scope(|scope| {
        let old = scope.spawn(|| outer(1));
        RUNS.wait_for(1);
        let waiter = scope.spawn(|| inner(1));
        memo::clear_all();
        let new = scope.spawn(|| outer(1));
        // Neither the new call nor the waiter waits for what was under way; what the waiter began
        // while all was being cleared is not the new call's either.
        while !(new.is_finished() && waiter.is_finished()) {
            (1..RUNS.count()).for_each(|run| RUNS.end(run, End::Returns(2)));
            thread::yield_now();
        }
        assert_eq!(new.join().unwrap(), Ok(2));
        let waited = waiter.join().unwrap();
        RUNS.end(0, End::Returns(1));
        assert_eq!((old.join().unwrap(), waited), (Ok(1), Ok(2)));
        assert_eq!((outer::get(1), inner::get(1)), (Some(Ok(2)), Some(Ok(2))));

        let run = RUNS.count();
        let old = scope.spawn(|| resource(1));
        RUNS.wait_for(run + 1);
        memo::singleton::clear_all();
        RUNS.end(run, End::Returns(3));
        assert_eq!(old.join().unwrap(), Ok(Arc::new(3)));
        assert_eq!(resource::get(1), None);
        // The other registry's are left alone.
        assert_eq!(inner::get(2), Some(Ok(3)));
    });
}
