//! What depends on something and has a store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::{env, fs, process};

use memo::memo;
use memo::store::DiskStore;

fn directory() -> PathBuf {
    env::temp_dir().join(format!("memo-depends-{}", process::id()))
}

/// Removes it with the test.
struct Scratch;

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(directory());
    }
}

#[test]
fn what_goes_is_not_found_in_the_store_either() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let _scratch = Scratch;

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, store = DiskStore::open(directory()))]
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
