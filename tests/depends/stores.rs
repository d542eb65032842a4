//! What depends on something and has a store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::{env, process};

use memo::memo;
use memo::store::DiskStore;

use crate::removing::remove;
use crate::schedule::block_on;

fn directory(of: &str) -> PathBuf {
    env::temp_dir().join(format!("memo-depends-{of}-{}", process::id()))
}

/// Removes it with the test.
struct Scratch(&'static str);

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&directory(self.0));
    }
}

#[test]
fn what_goes_is_not_found_in_the_store_either() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let _scratch = Scratch("gone");

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, store = DiskStore::open(directory("gone")))]
    fn page(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        price(x) + 1
    }

    assert_eq!((page(4), page(5)), (5, 6));
    SOURCE.store(2, SeqCst);
    price::remove(4);
    assert!(!page::contains(4) && page::contains(5));
    assert_eq!((page(4), page(5), RUNS.load(SeqCst)), (9, 6, 3));
    // What it has by now is the new one.
    assert_eq!(page::get(4), Some(9));
}

#[test]
fn the_companions_of_tasks_count_as_calls() {
    let _scratch = Scratch("tasks");

    #[memo(store = DiskStore::open(directory("tasks")))]
    async fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    async fn known(x: u64) -> Option<u64> {
        price::get_async(x).await
    }

    #[memo(depends)]
    async fn is_known(x: u64) -> bool {
        price::contains_async(x).await
    }

    block_on(async {
        assert_eq!((known(4).await, is_known(4).await), (None, false));
        assert_eq!(price(5).await, 5);
        price::insert_async(4, 9).await;
        assert_eq!((known(4).await, is_known(4).await), (Some(9), true));
        price::clear_async().await;
        assert_eq!((known(4).await, is_known(4).await), (None, false));
    });
}
