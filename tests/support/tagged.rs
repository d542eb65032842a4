//! Processes that look up, put and clear by tags in a store, without a cache before it; what is shared
//! by the tests of the stores that have tags.
//!
//! A result says at which version of a source it was computed. Nobody may find one from before a clear
//! that was over when it began to look.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{Changes, Failure, FunctionId, Key, Stamp, Store, Tag, Ticket};

use super::{directory, random_below};
use crate::children::AGES;

pub(crate) const CALLS: u64 = 5000;
pub(crate) const CLEARS: u64 = 100;
const KEYS: u64 = 64;
const TAGS: usize = 8;
pub(crate) const FUNCTION: FunctionId<'static> = FunctionId::new("tagged", [3; 16]);

/// The file of the version that is computed now; raised before a tag is cleared.
const NOW: &str = "now";
/// The file of the versions for which each tag was cleared last.
const CLEARED: &str = "cleared";

pub(crate) fn key(number: u64) -> Key {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

/// Each call has two.
fn tags_of(number: u64) -> [usize; 2] {
    [number as usize % TAGS, (number / 8) as usize % TAGS]
}

pub(crate) fn tag(number: usize) -> Tag {
    [number as u8; 32]
}

/// Before the processes begin.
pub(crate) fn prepare(directory: &Path) {
    write(directory, NOW, &[0]);
    write(directory, CLEARED, &[0; TAGS]);
}

/// How many clears have begun.
pub(crate) fn clears_in(directory: &Path) -> u64 {
    read_in(directory, NOW)[0]
}

fn read_in(directory: &Path, file: &str) -> Vec<u64> {
    numbers(&fs::read_to_string(directory.join(file)).unwrap())
}

fn read(file: &str) -> Vec<u64> {
    read_in(&directory(), file)
}

/// Whole, or not at all.
fn write(directory: &Path, file: &str, versions: &[u64]) {
    let new = directory.join(format!("{file}.new"));
    fs::write(&new, list(versions)).unwrap();
    fs::rename(new, directory.join(file)).unwrap();
}

fn list(numbers: &[u64]) -> String {
    numbers.iter().map(|number| format!("{number} ")).collect()
}

pub(crate) fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn pause() {
    thread::sleep(Duration::from_micros(random_below(1000)));
}

/// What a process does: it has results in memory, and forgets those that others cleared.
pub(crate) struct Caller<S> {
    store: S,
    memory: HashMap<u64, u64>,
    since: Option<Ticket>,
    found: u64,
    remembered: u64,
    forgotten: u64,
    errors: u64,
}

impl<S: Store> Caller<S> {
    pub(crate) fn new(store: S) -> Self {
        let memory = HashMap::new();
        Self { store, memory, since: None, found: 0, remembered: 0, forgotten: 0, errors: 0 }
    }

    /// Errors; what was found, had in memory, and forgotten there.
    pub(crate) fn calls(mut self, calls: u64) -> String {
        for _ in 0..calls {
            pause();
            let number = random_below(KEYS);
            let cleared = read(CLEARED);
            let floor = tags_of(number).map(|tag| cleared[tag]).into_iter().max().unwrap();
            if self.call(number, floor).is_err() {
                self.errors += 1;
                // What it has might be void, and nobody tells.
                self.memory.clear();
                self.since = None;
            }
        }
        list(&[self.errors, self.found, self.remembered, self.forgotten])
    }

    fn call(&mut self, number: u64, floor: u64) -> Result<(), Failure> {
        self.forget()?;
        if let Some(version) = self.memory.get(&number) {
            assert!(*version >= floor, "call {number}: {version} is in memory, void below {floor}");
            self.remembered += 1;
            // Not for good, or nobody would look into the store.
            if random_below(4) == 0 {
                self.memory.remove(&number);
            }
            return Ok(());
        }
        let tags = tags_of(number).map(tag);
        let (lookup, stamps) = self.store.get_tagged(&FUNCTION, &key(number), &tags)?;
        let stamps: Vec<u8> = stamps.iter().flat_map(|stamp: &Stamp| stamp.to_le_bytes()).collect();
        if let Some(found) = lookup.found {
            let (then, version) = found.value.split_at(stamps.len());
            if then == stamps {
                let version = u64::from_le_bytes(version.try_into().unwrap());
                assert!(version >= floor, "call {number}: {version} is found, void below {floor}");
                self.found += 1;
                self.memory.insert(number, version);
                return Ok(());
            }
        }
        let version = read(NOW)[0];
        // Some take so long that their tags are cleared meanwhile.
        if random_below(16) == 0 {
            thread::sleep(Duration::from_millis(10));
        }
        let bytes = [&stamps[..], &version.to_le_bytes()].concat();
        self.store.put(&FUNCTION, &key(number), lookup.ticket, &bytes, None)?;
        self.memory.insert(number, version);
        Ok(())
    }

    fn forget(&mut self) -> Result<(), Failure> {
        let (now, changes) = self.store.tag_changes(self.since)?;
        let before = self.memory.len();
        match changes {
            Changes::Nothing => {}
            Changes::Removed(cleared) => {
                let is_void =
                    |number: u64| tags_of(number).iter().any(|it| cleared.contains(&tag(*it)));
                self.memory.retain(|number, _| !is_void(*number));
            }
            Changes::Everything => self.memory.clear(),
            _ => unreachable!(),
        }
        self.forgotten += (before - self.memory.len()) as u64;
        self.since = Some(now);
        Ok(())
    }
}

/// Clears tags, each until that is done: how often it was not, and the clears.
pub(crate) fn clear(store: &impl Store, calls: u64) -> String {
    let (mut now, mut errors) = (read(NOW)[0], 0);
    let mut cleared = read(CLEARED);
    for _ in 0..calls / (CALLS / CLEARS) {
        thread::sleep(Duration::from_millis(random_below(2 * CALLS / CLEARS)));
        now += 1;
        write(&directory(), NOW, &[now]);
        let number = random_below(TAGS as u64) as usize;
        let start = Instant::now();
        while store.clear_tag(&tag(number)).is_err() {
            errors += 1;
            assert!(start.elapsed() < AGES, "a tag cannot be cleared");
            pause();
        }
        cleared[number] = now;
        write(&directory(), CLEARED, &cleared);
    }
    list(&[errors, now])
}
