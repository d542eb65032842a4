//! The bound holds, whoever writes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{DiskStore, FunctionId, Store};

use crate::children::{command, directory, random, scale, Child, Scratch};

/// 85 MB in all.
const PUTS: u64 = 1_000;
const MAX_BYTES: u64 = 64 << 20;
const SMALLEST: f64 = 8.0;
const LARGEST: f64 = (1 << 20) as f64;

const F: FunctionId<'_> = FunctionId::new("size::f", [7; 16]);

fn store(directory: &Path) -> DiskStore {
    DiskStore::builder(directory).max_bytes(MAX_BYTES).open()
}

pub(crate) fn role(line: &str) -> String {
    let (_, puts) = command(line);
    let store = store(&directory());
    let bytes: Vec<u8> = (0..LARGEST as usize).map(|byte| (byte / 7) as u8).collect();
    for _ in 0..puts {
        let mut key = [0; 32];
        key.as_chunks_mut().0.fill_with(|| random().to_le_bytes());
        let part = (random() >> 11) as f64 / (1_u64 << 53) as f64;
        let len = SMALLEST * (LARGEST / SMALLEST).powf(part);
        let ticket = store.get(&F, &key).unwrap().ticket;
        store.put(&F, &key, ticket, &bytes[..len as usize], None).unwrap();
    }
    "put".into()
}

#[test]
fn what_two_processes_write_stays_within_the_bound() {
    let scratch = Scratch::new();
    let store = store(scratch.path());
    let puts = PUTS * scale();
    let start = Instant::now();
    let mut writers = [(); 2].map(|()| Child::new("size", &scratch));
    writers.iter_mut().for_each(|writer| writer.tell(&format!("put {}", puts / 2)));
    let mut most = 0;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            writers.iter_mut().for_each(|writer| assert_eq!(writer.answer(), "put"));
            is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
            most = most.max(allocated(scratch.path()).0);
            thread::sleep(Duration::from_millis(20));
        }
    });
    drop(writers);
    let before = allocated(scratch.path()).0;
    let said = store.sweep().unwrap();
    let (files, directories) = allocated(scratch.path());
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{puts} puts in {seconds:.1} s: at most {} KiB at once, {} KiB at the end, \
         swept to {} KiB and {} KiB of directories",
        most >> 10,
        before >> 10,
        files >> 10,
        directories >> 10
    );
    let bound = MAX_BYTES + MAX_BYTES / 10;
    assert!(said <= MAX_BYTES && files.abs_diff(said) <= MAX_BYTES / 100, "{files}, not {said}");
    assert!(files + directories <= bound, "{files} and {directories}");
    assert!(files >= MAX_BYTES / 2, "hardly anything is left: {files}");
}

/// The bytes that files take of the disk, and those that directories take.
fn allocated(directory: &Path) -> (u64, u64) {
    let (mut files, mut directories) = (0, 0);
    // Others delete what is found here.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let bytes = metadata.blocks() * 512;
        if metadata.is_dir() {
            let within = allocated(&entry.path());
            (files, directories) = (files + within.0, directories + within.1 + bytes);
        } else {
            files += bytes;
        }
    }
    (files, directories)
}
