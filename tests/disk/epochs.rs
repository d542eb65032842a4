//! One epoch ends and another begins, while everybody is at it. Stores in threads are here what
//! processes are elsewhere: they share the directory and nothing else.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::Barrier;
use std::thread;

use memo::store::{Changes, DiskStore, FunctionId, Key, Store};

use crate::children::{scale, Scratch};

const F: FunctionId<'_> = FunctionId::new("epochs::f", [3; 16]);
const REMOVERS: u8 = 3;

fn key(number: u8) -> Key {
    [number; 32]
}

/// The function's directory.
fn directory(root: &Path) -> PathBuf {
    let functions = root.join("memo-v1").read_dir().unwrap().flatten().map(|entry| entry.path());
    functions.into_iter().find(|path| path.is_dir()).unwrap()
}

/// The directories of an epoch of the function.
fn directories(root: &Path, epoch: u64) -> Vec<String> {
    let names = directory(root).read_dir().unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let epoch = format!("{epoch:016x}.");
    names.filter(|name| name.starts_with(&epoch)).collect()
}

/// Ends what loops until then, though the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn every_removal_right_after_a_clear_succeeds_and_is_told() {
    let scratch = Scratch::new();
    let open = || DiskStore::open(scratch.path());
    let is_over = AtomicBool::new(false);
    let (mut failed, mut untold, mut doubled) = (Vec::new(), Vec::new(), Vec::new());
    let rounds = 100 * scale();
    thread::scope(|scope| {
        for number in 100..102 {
            let (store, is_over) = (open(), &is_over);
            scope.spawn(move || {
                while !is_over.load(SeqCst) {
                    store.get(&F, &key(number)).unwrap();
                }
            });
        }
        let _end = End(&is_over);
        let store = open();
        let removers = [(); REMOVERS as usize].map(|()| open());
        for round in 0..rounds {
            let cleared = store.clear(&F).unwrap();
            let all_start = Barrier::new(removers.len());
            let remove = |number, store: &DiskStore| {
                all_start.wait();
                store.remove(&F, &key(number)).map_err(|error| error.to_string())
            };
            let removed: Vec<_> = thread::scope(|scope| {
                let remove = &remove;
                let removers = (0..).zip(&removers);
                let threads =
                    removers.map(|(number, store)| scope.spawn(move || remove(number, store)));
                let threads: Vec<_> = threads.collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            // Who asks late must not make a second one, in which what is removed could be put.
            let of_epoch = directories(scratch.path(), cleared.epoch);
            if of_epoch.len() > 1 {
                doubled.push(of_epoch);
            }
            let told = match store.changes(&F, Some(cleared)).unwrap().1 {
                Changes::Nothing => HashSet::new(),
                Changes::Removed(keys) => keys.into_iter().collect(),
                _ => continue,
            };
            for (number, removed) in (0..).zip(removed) {
                match removed {
                    Err(error) => failed.push(format!("round {round}: {error}")),
                    Ok(_) if !told.contains(&key(number)) => untold.push(round),
                    Ok(_) => {}
                }
            }
        }
    });
    assert!(untold.is_empty(), "removals of which others are not told, in rounds {untold:?}");
    assert!(failed.is_empty(), "{failed:?}");
    assert!(doubled.is_empty(), "two directories of one epoch: {doubled:?}");
}

#[test]
fn what_was_put_before_a_clear_or_a_removal_is_not_found_after_it() {
    let scratch = Scratch::new();
    let open = || DiskStore::open(scratch.path());
    let (is_over, rounds) = (AtomicBool::new(false), 100 * scale());
    // What is put now, and what is not to be found any more.
    let (now, floor) = (AtomicU64::new(1), AtomicU64::new(0));
    let look = |store: &DiskStore| {
        let floor = floor.load(SeqCst);
        let lookup = store.get(&F, &key(1)).unwrap();
        let Some(found) = lookup.found else {
            let version = now.load(SeqCst).to_le_bytes();
            store.put(&F, &key(1), lookup.ticket, &version, None).unwrap();
            return None;
        };
        let version = u64::from_le_bytes(found.value.try_into().unwrap());
        (version < floor).then(|| format!("{version} is found, void since {floor}"))
    };
    let stale = thread::scope(|scope| {
        let readers = [(); 5].map(|()| {
            let (store, look, is_over) = (open(), &look, &is_over);
            scope.spawn(move || {
                let looks = std::iter::repeat_with(|| look(&store));
                looks.take_while(|_| !is_over.load(SeqCst)).flatten().next()
            })
        });
        let end = End(&is_over);
        let (one, other) = (open(), open());
        for round in 0..rounds {
            let version = now.fetch_add(1, SeqCst) + 1;
            one.clear(&F).unwrap();
            floor.store(version, SeqCst);
            let version = now.fetch_add(1, SeqCst) + 1;
            let remover = if round % 3 == 0 { &one } else { &other };
            remover.remove(&F, &key(1)).unwrap();
            floor.store(version, SeqCst);
        }
        drop(end);
        readers.map(|reader| reader.join().unwrap())
    });
    let stale: Vec<_> = stale.into_iter().flatten().collect();
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn a_clear_that_was_stopped_halfway_brings_nothing_back() {
    let scratch = Scratch::new();
    let open = || DiskStore::open(scratch.path());
    let (one, other) = (open(), open());
    let ticket = one.get(&F, &key(1)).unwrap().ticket;
    one.put(&F, &key(1), ticket, b"old", None).unwrap();
    // As far as one comes who is killed after the first step.
    fs::remove_file(directory(scratch.path()).join("epoch")).unwrap();
    other.remove(&F, &key(1)).unwrap();
    assert_eq!(one.get(&F, &key(1)).unwrap().found, None, "removed, and found");
}

#[test]
fn nor_does_one_after_which_an_epoch_was_begun_halfway() {
    let scratch = Scratch::new();
    let open = || DiskStore::open(scratch.path());
    let (one, other) = (open(), open());
    let ticket = one.get(&F, &key(1)).unwrap().ticket;
    one.put(&F, &key(1), ticket, b"old", None).unwrap();
    // Whoever is killed now has begun the next epoch, and not come to what is left of the last.
    let directory = directory(scratch.path());
    fs::create_dir(directory.join("0123456789abcdef.0")).unwrap();
    fs::write(directory.join("epoch"), "0123456789abcdef").unwrap();
    other.remove(&F, &key(1)).unwrap();
    assert_eq!(one.get(&F, &key(1)).unwrap().found, None, "removed, and found");
}
