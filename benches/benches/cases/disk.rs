//! Results in files: hits on what memory does not have, and writes of what is new.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::LazyLock;
use std::time::Duration;

use criterion::Criterion;

use crate::measure::Group;
use crate::systems::disk::{Cacache, Cached, CachedWithoutFsync, Disk, Memo, MemoStore, Plain};
use crate::work::LARGEST_FILE;

/// Results that are asked for in turns: more than memo may keep in memory.
const KEYS: u64 = 2;

/// How many of the largest results are written before all are removed.
const BATCH: u64 = 2;

/// How long smaller ones are written, each into a file of its own.
const BRIEFLY: Duration = Duration::from_millis(20);

/// By the length that the cases' names have.
const SIZES: [(&str, usize); 4] =
    [("10m", LARGEST_FILE), ("100k", 100_000), ("4k", 4096), ("64", 64)];

pub fn all(criterion: &mut Criterion) {
    for (name, len) in SIZES {
        let mut group = Group::new(criterion, &format!("disk-hit-{name}"), 1).few_samples();
        hit::<Memo>(&mut group, "memo", len);
        hit::<MemoStore>(&mut group, "memo's store", len);
        hit::<Cached>(&mut group, "cached", len);
        hit::<Cacache>(&mut group, "cacache", len);
        hit::<Plain>(&mut group, "plain file + blake3", len);
    }
    for (name, len) in SIZES {
        let mut group = Group::new(criterion, &format!("disk-write-{name}"), 1).few_samples();
        if len < LARGEST_FILE {
            group = group.within(BRIEFLY);
        }
        write::<Memo>(&mut group, "memo", len);
        write::<MemoStore>(&mut group, "memo's store", len);
        write::<Cached>(&mut group, "cached", len);
        write::<CachedWithoutFsync>(&mut group, "cached without fsync", len);
        write::<Cacache>(&mut group, "cacache", len);
        write::<Plain>(&mut group, "tmp + rename", len);
    }
}

/// In turns throughout: what one sample ends with is not what the next begins with.
fn hit<S: Disk>(group: &mut Group, system: &str, len: usize) {
    let next = AtomicU64::new(0);
    group.hits(system, KEYS, |_| {
        let i = next.fetch_add(1, Ordering::Relaxed) % KEYS;
        S::call(len, i)
    });
}

/// Small files stay until the end. A file system may pass over what was deleted of late, one by one,
/// when it makes a file (ext4 without a journal does): a system would pay for those before it.
fn write<S: Disk>(group: &mut Group, system: &str, len: usize) {
    if len < LARGEST_FILE {
        let store = LazyLock::new(S::open);
        group.churn(system, |i| store.write(len, KEYS + i));
        return;
    }
    let emptied = || {
        S::empty();
        S::open()
    };
    group.misses(system, BATCH, emptied, |store, i| store.write(len, i));
}
