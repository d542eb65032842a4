//! Tags of the store alone, without a cache before it: processes look up, put and clear while some of
//! them are killed, and nobody finds what was void.

#[path = "../support/tagged.rs"]
mod tagged;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{DiskStore, FunctionId, Key, Store};

use tagged::{clear, clears_in, key, numbers, prepare, tag, Caller, CALLS, CLEARS, FUNCTION};

use crate::children::{command, directory, random_below, scale, Child, Scratch, AGES};

const PROCESSES: usize = 6;

fn store(directory: &Path) -> DiskStore {
    DiskStore::open(directory)
}

pub(crate) fn role(line: &str) -> String {
    let (what, calls) = command(line);
    let store = store(&directory());
    match what {
        "call" => Caller::new(store).calls(calls),
        "clear" => clear(&store, calls),
        _ => unreachable!("{line}"),
    }
}

fn start(scratch: &Scratch, line: &str) -> Child {
    let mut child = Child::new("stamps", scratch);
    child.tell(line);
    child
}

#[test]
fn nothing_is_found_by_a_tag_that_was_cleared() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    prepare(scratch.path());
    let calls = CALLS * scale();
    let began = Instant::now();
    let mut clearer = start(&scratch, &format!("clear {calls}"));
    let mut callers: Vec<_> =
        (1..PROCESSES).map(|_| start(&scratch, &format!("call {calls}"))).collect();
    let cleared = numbers(&clearer.answer());
    let said: Vec<_> = callers.iter_mut().map(|caller| numbers(&caller.answer())).collect();
    let sum = |at: usize| said.iter().map(|said| said[at]).sum::<u64>();
    println!(
        "{} clears in {:?}: {} found, {} in memory, {} forgotten",
        cleared[1],
        began.elapsed(),
        sum(1),
        sum(2),
        sum(3)
    );
    assert_eq!((cleared, sum(0)), (vec![0, calls / (CALLS / CLEARS)], 0), "errors");
    assert!(sum(1) > 0 && sum(2) > 0 && sum(3) > 0, "nothing was ever found, or forgotten");
}

#[test]
fn nothing_is_found_by_a_tag_that_was_cleared_while_processes_are_killed() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    prepare(scratch.path());
    // Until they are killed.
    let line = |what| format!("{what} {}", CALLS * 1000);
    let mut watcher = start(&scratch, &format!("call {}", CALLS * scale()));
    let cycles = 40 * scale();
    for cycle in 0..cycles {
        let before = clears_in(scratch.path());
        let workers = ["call", "call", "clear"].map(|what| start(&scratch, &line(what)));
        let began = Instant::now();
        while clears_in(scratch.path()) == before {
            assert!(began.elapsed() < AGES, "cycle {cycle}: nothing goes on");
            thread::sleep(Duration::from_millis(1));
        }
        for worker in workers {
            thread::sleep(Duration::from_millis(random_below(10)));
            worker.kill();
        }
    }
    let said = numbers(&watcher.answer());
    println!("{} clears through {cycles} cycles: {said:?}", clears_in(scratch.path()));
    assert_eq!(said[0], 0, "errors");
    let damaged = store(scratch.path()).entries();
    assert!(damaged.iter().all(|entry| entry.age.is_some()), "{damaged:?}");
}

/// A directory that is full loses first what was used longest ago: not what says of results whether they are
/// void.
#[test]
fn a_stamp_that_is_used_outlives_the_results_that_are_not() {
    let scratch = Scratch::new();
    let store = DiskStore::builder(scratch.path()).max_bytes(1 << 20).open();
    let before = store.stamps(&[tag(1)]).unwrap();
    let began = Instant::now();
    let mut puts = 0_u64;
    while began.elapsed() < Duration::from_secs(3) {
        let (lookup, stamps) = store.get_tagged(&FUNCTION, &key(puts), &[tag(1)]).unwrap();
        assert_eq!(stamps, before, "a stamp was swept after {puts} results");
        store.put(&FUNCTION, &key(puts), lookup.ticket, &[7; 4096], None).unwrap();
        puts += 1;
    }
    store.sweep().unwrap();
    assert_eq!(store.stamps(&[tag(1)]).unwrap(), before, "a stamp was swept");
    assert!(puts > 1000, "it was never full");
}

#[test]
fn what_is_known_of_tags_is_no_result() {
    let scratch = Scratch::new();
    let store = store(scratch.path());
    let function = FunctionId::new("f", [1; 16]);
    let call: Key = key(1);
    let (lookup, _) = store.get_tagged(&function, &call, &[tag(1), tag(2)]).unwrap();
    store.put(&function, &call, lookup.ticket, b"value", None).unwrap();
    let entries = store.entries();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0].function, "f");
}
