//! Whoever is killed, at whatever moment, leaves nothing that others could take for a result.

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use memo::memo;
use memo::store::DiskStore;

use crate::children::{ask_another, directory, random_below, say, scale, Child, Scratch, AGES};

const PAGES: u64 = 200;

/// Less than all pages take, so that they are swept too.
const MAX_BYTES: u64 = 4 << 20;

#[memo(store = store(&directory()), max_entries = 8)]
fn page(number: u64) -> Vec<u8> {
    text(number)
}

fn store(directory: &Path) -> DiskStore {
    DiskStore::builder(directory).max_bytes(MAX_BYTES).open()
}

/// Up to 200 KB, and seldom that long: of all pages together, 10 MB.
fn text(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(number.pow(3) as usize / 320)
}

pub(crate) fn role(line: &str) -> String {
    match line {
        "write" => work(write),
        "clear" => work(clear),
        "read" => read(),
        _ => unreachable!("{line}"),
    }
}

fn work(step: fn(u64)) -> String {
    say("at it");
    let start = Instant::now();
    // Who is not killed ends with the test all the same.
    while start.elapsed() < AGES {
        step(random_below(PAGES));
    }
    "nobody killed me".into()
}

fn write(number: u64) {
    match random_below(8) {
        0..4 => assert!(page(number) == text(number), "page {number} is another"),
        4..6 => assert!(page::refresh(number) == text(number)),
        6 => page::insert(number, text(number)),
        _ => {
            page::remove(number);
        }
    }
}

fn clear(number: u64) {
    match random_below(8) {
        0 => memo::clear_all(),
        1 => {
            page::remove(number);
        }
        2 => {
            store(&directory()).sweep().unwrap();
        }
        _ => page::clear(),
    }
    // Something is to be there for the next one.
    thread::sleep(Duration::from_micros(random_below(8000)));
}

/// How many pages are found, each of them right; and there is nothing that keeps calls from working.
fn read() -> String {
    let mut found = 0;
    for number in 0..PAGES {
        if let Some(page) = page::get(number) {
            assert!(page == text(number), "page {number} is another");
            found += 1;
        }
    }
    for number in (0..PAGES).step_by(9) {
        assert!(page(number) == text(number), "page {number} is another");
    }
    assert_eq!(page::stats().store_errors, 0);
    found.to_string()
}

#[test]
fn whoever_is_killed_leaves_whole_results_and_nothing_that_is_not_swept() {
    let scratch = Scratch::new();
    let store = store(scratch.path());
    let (mut visible, mut found, mut unfinished, mut trash) = (0, 0, 0, 0);
    let start = Instant::now();
    let cycles = env::var("MEMO_KILLS").map_or(20 * scale(), |cycles| cycles.parse().unwrap());
    for cycle in 0..cycles {
        let mut workers = ["write", "write", "clear"].map(|work| {
            let mut worker = Child::new("kills", &scratch);
            worker.tell(work);
            (Duration::from_millis(5 + random_below(56)), worker)
        });
        workers.iter_mut().for_each(|(_, worker)| assert_eq!(worker.answer(), "at it"));
        workers.sort_by_key(|(life, _)| *life);
        let start = Instant::now();
        for (life, worker) in workers {
            thread::sleep(life.saturating_sub(start.elapsed()));
            worker.kill();
        }

        let entries = store.entries();
        let damaged: Vec<_> = entries.iter().filter(|entry| entry.age.is_none()).collect();
        assert!(damaged.is_empty(), "cycle {cycle}: {damaged:?}");
        visible += entries.len();
        found += ask_another("kills", &scratch, "read").parse::<usize>().unwrap();

        // What was left becomes more from cycle to cycle, until it is swept.
        if cycle % 10 == 9 || cycle == cycles - 1 {
            unfinished += names(scratch.path()).iter().filter(|name| is_unfinished(name)).count();
            trash += names(scratch.path()).iter().filter(|name| is_trash(name)).count();
            let hours = SystemTime::now() - Duration::from_secs(2 * 3600);
            walk(scratch.path(), &mut |path| set_modified(path, hours));
            store.sweep().unwrap();
            assert_is_tidy(scratch.path());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{cycles} cycles in {seconds:.1} s: {visible} results were there, {found} found; \
         {unfinished} unfinished and {trash} cleared swept"
    );
    assert!(visible > 0 && found > 0, "nothing was ever there");
}

fn is_unfinished(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".tmp")
}

fn is_trash(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("trash-"))
}

#[track_caller]
fn assert_is_tidy(root: &Path) {
    let names = names(root);
    let left: Vec<_> = names.iter().filter(|name| is_unfinished(name) || is_trash(name)).collect();
    assert!(left.is_empty(), "not swept: {left:?}");
    // Nor is what a clear could not come to any more.
    let mut epochs = HashMap::<_, HashSet<_>>::new();
    let is_of_an_epoch = |path: &&PathBuf| path.is_dir() && path.extension().is_some();
    for directory in names.iter().filter(is_of_an_epoch) {
        epochs.entry(directory.parent()).or_default().insert(directory.file_stem());
    }
    assert!(epochs.values().all(|epochs| epochs.len() == 1), "{epochs:?}");
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    walk(directory, &mut |path| names.push(path.to_owned()));
    names
}

/// Everything in a directory that nobody changes meanwhile, directories after what is in them.
fn walk(directory: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, visit);
        }
        visit(&path);
    }
}

fn set_modified(path: &Path, time: SystemTime) {
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
}
