//! Whatever request fails, the call has its result, what was forgotten is not served, and the store is
//! one again once no request fails any more.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use memo::memo;
use memo::store::DiskStore;

use crate::files::{fast, Scratch};
use crate::random::Random;
use crate::trap::{self, Fault, SHORT};
use crate::variable;

const KEYS: u64 = 4;

/// What the functions return now; raised before something is forgotten.
static NOW: AtomicU64 = AtomicU64::new(0);
/// The oldest version that may be served of each call, of both functions.
static FLOORS: [AtomicU64; 2 * KEYS as usize] = [const { AtomicU64::new(0) }; 2 * KEYS as usize];
static RUNS: AtomicU64 = AtomicU64::new(0);

fn store() -> DiskStore {
    // Little enough that it is swept meanwhile.
    DiskStore::builder(directory()).max_bytes(1 << 20).open()
}

fn directory() -> PathBuf {
    fast().join(format!("memo-faults-failing-{}", std::process::id()))
}

/// A result that says what it is of.
type Page = (u64, u64, Vec<u8>);

/// The last one is written in two pieces.
fn made(number: u64) -> Page {
    RUNS.fetch_add(1, SeqCst);
    let len = if number == KEYS - 1 { 100_000 } else { 50 * number as usize };
    (number, NOW.load(SeqCst), vec![number as u8; len])
}

// Of few entries in memory, so that most calls ask the store.
#[memo(store = store(), max_entries = 1)]
fn page(number: u64) -> Page {
    made(number)
}

#[memo(store = store(), max_entries = 1, tags("odd".repeat(number as usize % 2)))]
fn tagged(number: u64) -> Page {
    made(number)
}

#[track_caller]
fn check(function: usize, number: u64, floor: u64, page: &Page) {
    let of = page.0 == number && page.2.iter().all(|byte| *byte == number as u8);
    assert!(of, "asked for {number}, and served {} with {} bytes", page.0, page.2.len());
    let (version, now) = (page.1, NOW.load(SeqCst));
    assert!(
        floor <= version && version <= now,
        "function {function}: {number} in version {version}, which is none of {floor} to {now}"
    );
}

fn floor(function: usize, number: u64) -> &'static AtomicU64 {
    &FLOORS[function * KEYS as usize + number as usize]
}

/// The functions by their numbers.
const FUNCTIONS: [usize; 2] = [0, 1];

/// Makes a call, and looks whether what it has may be served.
#[track_caller]
fn call_one(function: usize, number: u64) {
    let floor = floor(function, number).load(SeqCst);
    let made = if function == 0 { page(number) } else { tagged(number) };
    check(function, number, floor, &made);
}

/// Makes a call of both.
#[track_caller]
fn call(number: u64) {
    FUNCTIONS.iter().for_each(|function| call_one(*function, number));
    let floor = floor(0, number).load(SeqCst);
    if let Some(page) = page::get(number) {
        check(0, number, floor, &page);
    }
}

/// Has something forgotten: from then on nothing older is to be served of these calls.
fn forget(calls: &[(usize, u64)], forget: impl FnOnce()) {
    let version = NOW.fetch_add(1, SeqCst) + 1;
    forget();
    for (function, number) in calls {
        floor(*function, *number).store(version, SeqCst);
    }
}

fn all(function: usize) -> Vec<(usize, u64)> {
    (0..KEYS).map(|number| (function, number)).collect()
}

/// All that a program does to a store.
fn everything() {
    for number in [1, 2, 1, 3] {
        call(number);
    }
    forget(&[(0, 1)], || {
        page::remove(1);
    });
    call(1);
    forget(&[(1, 2)], || drop(tagged::refresh(2)));
    forget(&[(0, 3)], || page::insert(3, (3, NOW.load(SeqCst), vec![3; 10])));
    call(2);
    call(3);
    forget(&[(1, 1), (1, 3)], || memo::clear_tag("odd"));
    for number in 1..KEYS {
        call(number);
    }
    forget(&all(0), page::clear);
    call(2);
    // It may fail, and says so.
    let _ = store().sweep();
    forget(&[all(0), all(1)].concat(), memo::clear_all);
    call(3);
    call(0);
}

/// Has memory give up what it has: then calls ask the store.
fn forget_memory() {
    memo::set_max_bytes(0);
    memo::set_max_bytes(u64::MAX);
}

/// With no fault any more calls have what others computed before them.
#[track_caller]
fn check_recovered(what: &str) {
    // What was computed without a store is in memory, and nowhere else; the first call may be the one
    // that has the store forget what it could not, and stores nothing; and a sweep that began before may
    // still give up what it could not read.
    let mut missing = Vec::new();
    for _ in 0..5 {
        missing.clear();
        forget_memory();
        for number in 0..KEYS {
            for function in FUNCTIONS {
                let before = RUNS.load(SeqCst);
                call_one(function, number);
                if RUNS.load(SeqCst) > before {
                    missing.push((function, number));
                }
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty(), "{what}: {missing:?} are never stored");
    forget(&[all(0), all(1)].concat(), memo::clear_all);
    call(1);
    call(0);
}

/// What fails: an `errno`, or that only half is done.
const HOW: [i32; 9] = [
    libc::EIO,
    libc::ENOSPC,
    libc::EACCES,
    libc::EROFS,
    libc::EMFILE,
    libc::EINTR,
    libc::EDQUOT,
    libc::ENOMEM,
    SHORT,
];
/// It fails once; from then on; and every so many times.
const EVERY: [u64; 6] = [0, 1, 2, 3, 5, 7];

/// With how many requests let through one fails next.
enum Choice {
    All,
    Some(Random),
}

impl Choice {
    /// As many more than before.
    fn step(&mut self, most: usize) -> u64 {
        match self {
            Self::All => 1,
            Self::Some(random) => 1 + random.below(most) as u64,
        }
    }
}

#[derive(Debug, Default)]
struct Tried {
    runs: u64,
    failed_requests: u64,
}

/// Has requests fail in one of the ways, a later one each time, until none is so late.
fn fail_each(how: i32, every: u64, is_cold: bool, choice: &mut Choice, tried: &mut Tried) {
    let mut first = choice.step(400) - 1;
    loop {
        let fault = Fault { how, first, every };
        if is_cold {
            let _ = fs::remove_dir_all(directory());
        }
        let failed = trap::with_fault(fault, everything);
        check_recovered(&format!("{fault:?}, {is_cold}"));
        tried.runs += 1;
        tried.failed_requests += failed;
        if failed == 0 {
            return;
        }
        first += choice.step(800);
    }
}

#[test]
fn whatever_request_fails_the_call_has_its_result_and_the_store_recovers() {
    let is_all = std::env::var("MEMO_FAULTS").is_ok_and(|faults| faults == "all");
    let (rounds, mut choice) = if is_all {
        (1, Choice::All)
    } else {
        (variable("MEMO_FAULTS").unwrap_or(1), Choice::Some(Random::new()))
    };
    memo::set_reporter(|_| {});
    // Found before requests fail.
    let scratch = Scratch::of(directory());
    let mut tried = Tried::default();
    trap::run(|| {
        for round in 0..rounds {
            for how in HOW {
                println!("round {round}: {tried:?} before {how}");
                for every in EVERY {
                    if how == libc::EINTR && every == 1 {
                        // Who is interrupted asks again, and would for ever.
                        continue;
                    }
                    for is_cold in [false, true] {
                        fail_each(how, every, is_cold, &mut choice, &mut tried);
                    }
                }
            }
        }
    });
    let errors = page::stats().store_errors + tagged::stats().store_errors;
    println!("{tried:?}; {errors} errors were counted");
    assert!(tried.failed_requests > 100 && errors > 100);
    drop(scratch);
}
