//! A file that is not as it was written is a miss, and the next call puts it right.

use std::fs;
use std::path::{Path, PathBuf};

use memo::store::{DiskStore, Store};

use crate::files::{key, value, version_of, Scratch, FUNCTIONS};
use crate::random::Random;
use crate::variable;

/// As many results are there at once.
const RESULTS: u64 = 16;

/// As a call does: whether the store had it.
#[track_caller]
fn call(store: &DiskStore, number: u64) -> bool {
    let lookup = store.get(&FUNCTIONS[0], &key(number)).unwrap();
    if let Some(found) = &lookup.found {
        version_of(&found.value, 0, number);
        return true;
    }
    let value = value(0, number, 1);
    store.put(&FUNCTIONS[0], &key(number), lookup.ticket, &value, None).unwrap();
    false
}

/// The files of all results, by number.
fn files(store: &DiskStore) -> Vec<PathBuf> {
    let paths: Vec<_> = store.entries().into_iter().map(|entry| entry.path).collect();
    let is_of = |path: &PathBuf, number| fs::read(path).unwrap().ends_with(&value(0, number, 1));
    let file = |number| paths.iter().find(|path| is_of(path, number)).cloned();
    (0..RESULTS).map(|number| file(number).expect("a result has a file")).collect()
}

/// Does something to a file that may happen to it. `other` is another result's.
fn damage(path: &Path, other: &Path, random: &mut Random) -> &'static str {
    let mut bytes = fs::read(path).unwrap();
    let at = random.below(bytes.len());
    match random.below(12) {
        0 => {
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            fs::write(path, bytes).unwrap();
            "bits are others"
        }
        1 => {
            let len = [1, 64, 512, 4096][random.below(4)];
            let block = at / len * len;
            let end = (block + len).min(bytes.len());
            bytes[block..end].fill(0);
            fs::write(path, bytes).unwrap();
            "a block is zeros"
        }
        2 => {
            fs::write(path, &bytes[..at]).unwrap();
            "it is cut"
        }
        3 => {
            bytes.extend(vec![random.number() as u8; 1 + random.below(5000)]);
            fs::write(path, bytes).unwrap();
            "something is behind it"
        }
        4 => {
            fs::write(path, b"").unwrap();
            "it is empty"
        }
        5 => {
            fs::write(path, fs::read(other).unwrap()).unwrap();
            "it is another's"
        }
        6 => {
            // As much of another as there is room for, in blocks.
            let others = fs::read(other).unwrap();
            let end = bytes.len().min(others.len()).min(512 * (1 + random.below(4)));
            bytes[..end].copy_from_slice(&others[..end]);
            fs::write(path, bytes).unwrap();
            "it begins as another"
        }
        7 => {
            let piece = bytes[at..].to_vec();
            bytes.truncate(at);
            bytes.splice(0..0, piece);
            fs::write(path, bytes).unwrap();
            "its parts are turned about"
        }
        8 => {
            fs::remove_file(path).unwrap();
            // Whoever sweeps after a clear may be removing it already.
            let _ = fs::create_dir_all(path.join("not/empty"));
            "it is a directory"
        }
        9 => {
            bytes.remove(at);
            fs::write(path, bytes).unwrap();
            "a byte is missing"
        }
        #[cfg(unix)]
        10 => {
            fs::remove_file(path).unwrap();
            let to = if random.below(2) == 0 { Path::new("/nowhere/at/all") } else { other };
            std::os::unix::fs::symlink(to, path).unwrap();
            "it is a link"
        }
        _ => {
            fs::remove_file(path).unwrap();
            "it is gone"
        }
    }
}

#[test]
fn a_damaged_entry_is_a_miss_or_right_and_the_next_call_heals_it() {
    let damaged = variable("MEMO_DAMAGED").unwrap_or(3000);
    let scratch = Scratch::new();
    // Never full: a sweep would give up what is damaged before it is asked for.
    let store = DiskStore::builder(scratch.path()).max_bytes(1 << 50).open();
    (0..RESULTS).for_each(|number| assert!(!call(&store, number)));
    let mut files = files(&store);
    let (mut missed, mut unharmed, mut cleared) = (0, 0, 0);
    let mut random = Random::new();
    for round in 0..damaged {
        let number = random.below(RESULTS as usize) as u64;
        let other = (number + 1 + random.below(RESULTS as usize - 1) as u64) % RESULTS;
        let how = damage(&files[number as usize], &files[other as usize], &mut random);
        // Zeros in the place of zeros are no damage, nor are parts of what says the same all over.
        match call(&store, number) {
            true => unharmed += 1,
            false => missed += 1,
        }
        assert!(call(&store, number), "round {round}, {how}: {number} is not healed");
        // An entry that says to be of after more removals than are listed may have kept what the list
        // has lost: then the whole function is cleared.
        if !files[number as usize].exists() {
            cleared += 1;
            for number in 0..RESULTS {
                call(&store, number);
            }
            files = self::files(&store);
        } else if round % 16 == 0 {
            assert!(call(&store, other), "round {round}, {how}: {other} was not damaged");
        }
    }
    println!(
        "{damaged} damaged: {missed} misses, {unharmed} had lost nothing, {cleared} cleared all"
    );
    assert!(missed > damaged / 2 && cleared < damaged / 100);
}
