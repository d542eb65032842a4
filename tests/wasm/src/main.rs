//! The checks, and with the feature `disk` results that outlive the program: a first run leaves them
//! in the directory that it is given, a second one finds them there.

fn main() {
    memo::set_reporter(|error| println!("{error}"));
    #[cfg(feature = "disk")]
    let is_second = std::env::args().nth(1).is_some_and(|run| run == "second");
    // The checks clear all stores: between the results that are left on disk and their hits.
    #[cfg(feature = "disk")]
    if is_second {
        disk::finds();
    }
    let checks = wasm::run(|name| println!("{name}"));
    println!("{checks} checks passed");
    #[cfg(feature = "disk")]
    if !is_second {
        disk::computes();
    }
}

#[cfg(feature = "disk")]
mod disk {
    use std::fs;
    use std::path::{Path, PathBuf};

    use memo::memo;
    use memo::store::DiskStore;

    const RESULTS: u64 = 20;
    /// Sixteen results of the size below, each of which may have a quarter.
    const BOUND: u64 = 64 << 10;
    const LEN: usize = 4000;

    fn directory() -> PathBuf {
        std::env::var_os("MEMO_CACHE_DIR").expect("the directory is named").into()
    }

    fn bounded() -> DiskStore {
        DiskStore::builder(directory().join("bounded")).max_bytes(BOUND).open()
    }

    #[memo(store = "disk")]
    fn slow(x: u64) -> u64 {
        x * x
    }

    #[memo(store = bounded())]
    fn large(x: u64) -> Vec<u8> {
        vec![x as u8; LEN]
    }

    pub(super) fn computes() {
        call_all();
        assert_eq!((slow::stats().misses, slow::stats().store_errors), (RESULTS, 0));
        assert!(slow::remove(3));
        assert_eq!((slow(3), slow::stats().misses), (9, RESULTS + 1));
        println!("results were computed, and are on disk");
    }

    pub(super) fn finds() {
        call_all();
        assert_eq!((slow::stats().misses, slow::stats().store_errors), (0, 0));
        slow::clear();
        assert_eq!((slow(3), slow::stats().misses), (9, 1));
        println!("results were on disk, until they were cleared");
        stays_within_its_bound();
    }

    fn call_all() {
        (0..RESULTS).for_each(|x| assert_eq!(slow(x), x * x));
    }

    fn stays_within_its_bound() {
        (0..100).for_each(|x| assert_eq!(large(x), vec![x as u8; LEN]));
        assert_eq!(large::stats().store_errors, 0);
        if cfg!(target_family = "wasm") {
            // Where there are threads, one of theirs sweeps meanwhile.
            let bytes = bytes_in(&directory().join("bounded"));
            assert!(bytes <= BOUND, "{bytes} bytes are swept by the way");
        }
        let left = bounded().sweep().expect("there is a directory");
        assert!(left > 0 && left <= BOUND);
        println!("{left} bytes are left of more than {BOUND}");
    }

    fn bytes_in(directory: &Path) -> u64 {
        let entries = fs::read_dir(directory).expect("it is a directory");
        entries.map(|entry| entry.unwrap().path()).fold(0, |sum, path| {
            sum + if path.is_dir() { bytes_in(&path) } else { fs::metadata(&path).unwrap().len() }
        })
    }
}
