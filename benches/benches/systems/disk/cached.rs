//! cached: `#[concurrent_cached]` with its store on disk, a redb database. By default a write waits
//! for the disk.

use cached::macros::concurrent_cached;
use cached::{ConcurrentCached, RedbCache, RedbCacheError};

use super::Disk;
use crate::{files, work};

fn open(name: &str, durable: bool) -> RedbCache<String, Vec<u8>> {
    let directory = files::directory("cached");
    RedbCache::builder(name).disk_dir(directory).durable(durable).build().unwrap()
}

#[concurrent_cached(
    name = "DURABLE",
    ty = "RedbCache<String, Vec<u8>>",
    create = { open("durable", true) },
    key = "String",
    convert = { format!("{len} {i}") }
)]
fn durable(len: usize, i: u64) -> Result<Vec<u8>, RedbCacheError> {
    Ok(work::bytes(len, i))
}

#[concurrent_cached(
    name = "WITHOUT_FSYNC",
    ty = "RedbCache<String, Vec<u8>>",
    create = { open("without-fsync", false) },
    key = "String",
    convert = { format!("{len} {i}") }
)]
fn without_fsync(len: usize, i: u64) -> Result<Vec<u8>, RedbCacheError> {
    Ok(work::bytes(len, i))
}

pub struct Cached;

impl Disk for Cached {
    fn open() -> Self {
        Self
    }

    fn empty() {
        DURABLE.cache_clear().unwrap();
    }

    fn call(len: usize, i: u64) -> Vec<u8> {
        durable(len, i).unwrap()
    }
}

pub struct CachedWithoutFsync;

impl Disk for CachedWithoutFsync {
    fn open() -> Self {
        Self
    }

    fn empty() {
        WITHOUT_FSYNC.cache_clear().unwrap();
        // Until then the database does not use again what it has freed.
        WITHOUT_FSYNC.flush().unwrap();
    }

    fn call(len: usize, i: u64) -> Vec<u8> {
        without_fsync(len, i).unwrap()
    }
}
