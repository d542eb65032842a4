//! Functions of data, of every kind of option.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use memo::memo;
use memo::store::DiskStore;

use crate::ledger::Ledger;
use crate::operations::{function, Function};
use crate::random::{self, below, one_in};
use crate::record::Record;
use crate::removing::remove;
use crate::verdict::{timed, wrong};

/// Functions of a number, whose ledger is what they read.
macro_rules! functions {
    ($($function:ident $ledger:ident [$($options:tt)*])*) => {
        $(
            static $ledger: Ledger = Ledger::new(stringify!($function));
            #[memo($($options)*)]
            fn $function(key: u64) -> Record {
                $ledger.read(key)
            }
        )*
    };
}

functions! {
    plain PLAIN []
    few FEW [max_entries = 64]
    small SMALL [max_bytes = 20_000]
    aging AGING [ttl = "15ms"]
    behind BEHIND [ttl = "30ms", refresh = "background"]
    both BOTH [ttl = "40ms", max_entries = 50, max_bytes = 15_000]
    picky PICKY [cache_if = |record: &Record| record.version % 3 != 0]
    hasty HASTY [wait = Duration::from_micros(300)]
    moody MOODY [cache_if = |_: &Record| !one_in(8) || resume_unwind(Box::new("moody"))]
    kept KEPT [clone]
    kept_few KEPT_FEW [clone, max_entries = 64]
    kept_aging KEPT_AGING [clone, ttl = "15ms", max_entries = 100]
    stored STORED [store = directory("stored"), ttl = "1h"]
    versioned VERSIONED [store = directory("versioned"), max_entries = 20]
}

static FAILING: Ledger = Ledger::new("failing");

#[memo]
fn failing(key: u64) -> Result<Record, String> {
    let record = FAILING.read(key);
    match below(8) {
        0 => Err("not now".into()),
        1 => resume_unwind(Box::new("not now")),
        _ => Ok(record),
    }
}

static LONG: Ledger = Ledger::new("long");
static HUGE: Ledger = Ledger::new("huge");

/// Where in a text its number is, which the samples of a hash do not see.
const NUMBER: std::ops::Range<usize> = 3000..3004;

/// Keys that are kept as they are.
#[memo]
fn long(key: &str) -> Record {
    LONG.read(key[NUMBER].parse().unwrap_or_default())
}

/// Keys of which the digest is kept.
#[memo]
fn huge(key: &str) -> Record {
    HUGE.read(key[NUMBER].parse().unwrap_or_default())
}

fn text(number: u64, tail: usize) -> String {
    format!("{}{number:0>4}{}", "a".repeat(NUMBER.start), "b".repeat(tail))
}

static PARALLEL: Ledger = Ledger::new("parallel");

/// Waits in rayon's pool, whose threads meanwhile take up others' calls.
#[memo]
fn parallel(key: u64) -> Record {
    let call = |key: u64| {
        PLAIN.calls.fetch_add(1, SeqCst);
        plain(key % 20).key
    };
    let (first, second) = rayon::join(|| call(key), || call(key + 1));
    if (first, second) != (key % 20, (key + 1) % 20) {
        wrong("a call in a pool has another's result");
    }
    PARALLEL.read(key)
}

static FUNCTIONS: [Function; 18] = [
    function!(plain, PLAIN, 400, key => key),
    function!(few, FEW, 400, key => key),
    function!(small, SMALL, 400, key => key),
    function!(aging, AGING, 400, key => key),
    function!(behind, BEHIND, 400, key => key),
    function!(both, BOTH, 400, key => key),
    function!(picky, PICKY, 400, key => key),
    function!(hasty, HASTY, 400, key => key),
    function!(moody, MOODY, 400, key => key),
    function!(kept, KEPT, 400, key => key),
    function!(kept_few, KEPT_FEW, 400, key => key),
    function!(kept_aging, KEPT_AGING, 400, key => key),
    function!(failing, FAILING, 400, key => key),
    function!(stored, STORED, 100, key => key),
    function!(versioned, VERSIONED, 40, key => key),
    function!(long, LONG, 200, key => &text(key, 2000)),
    function!(huge, HUGE, 40, key => &text(key, 140_000)),
    function!(parallel, PARALLEL, 100, key => key),
];

/// One of them; the slow ones less often.
pub(crate) fn any() -> &'static Function {
    loop {
        let function = &FUNCTIONS[below(FUNCTIONS.len() as u64) as usize];
        let is_slow = ["stored", "versioned", "huge", "parallel"].contains(&function.name);
        if !is_slow || one_in(10) {
            return function;
        }
    }
}

/// A directory of this process's.
fn parent() -> PathBuf {
    std::env::temp_dir().join(format!("memo-stress-{}", std::process::id()))
}

pub(crate) fn directory(name: &str) -> DiskStore {
    DiskStore::open(parent().join(name))
}

pub(crate) fn remove_directory() {
    remove(&parent());
}

/// A function that needs another, which needs the first.
#[memo]
fn there(key: u64, _depth: u32) -> u64 {
    if _depth < 4 && back(key, _depth + 1) != key / 2 * 2 {
        wrong("back has another's result");
    }
    random::work();
    key
}

#[memo]
fn back(key: u64, _depth: u32) -> u64 {
    let key = key / 2 * 2;
    if _depth < 4 && there(key, _depth + 1) != key {
        wrong("there has another's result");
    }
    random::work();
    key
}

#[memo]
fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1).wrapping_add(fibonacci(n - 2))
    }
}

/// Calls functions that call themselves, or each other.
pub(crate) fn cycle() {
    let key = random::key(100);
    match below(40) {
        0 => {
            there::clear();
            back::clear();
            fibonacci::clear();
        }
        1..=9 => drop((there::remove(key), back::remove(key))),
        10..=19 if timed("there", || there(key, 0)) != key => wrong("there"),
        20..=29 if timed("back", || back(key, 0)) != key / 2 * 2 => wrong("back"),
        30.. => {
            let n = below(60);
            let next = |(a, b): (u64, u64), _| (b, a.wrapping_add(b));
            if timed("fibonacci", || fibonacci(n)) != (0..n).fold((0, 1), next).0 {
                wrong("fibonacci");
            }
        }
        _ => {}
    }
}

/// Looks whether the bounds hold right now.
pub(crate) fn check_bounds() {
    let (few, small, both) = (few::stats(), small::stats(), both::stats());
    let within = few.entries <= 64
        && small.bytes <= 20_000
        && both.entries <= 50
        && both.bytes <= 15_000
        && versioned::stats().entries <= 20;
    if !within {
        wrong(&format!("a bound is exceeded: {few:?}, {small:?}, {both:?}"));
    }
    if one_in(50) {
        let max = 100_000 + below(100_000);
        memo::set_max_bytes(max);
        for stats in memo::stats() {
            if stats.bytes as u64 > max {
                wrong(&format!("the bound of {max} for all is exceeded by one: {stats:?}"));
            }
        }
        memo::set_max_bytes(u64::MAX);
    }
}

/// Every call was a hit or a miss, and nothing went wrong that should not.
pub(crate) fn check_counts() {
    for function in &FUNCTIONS {
        let stats = (function.stats)();
        let calls = function.ledger.calls.load(SeqCst);
        if stats.hits + stats.misses != calls {
            wrong(&format!("{calls} calls were counted as {stats:?}"));
        }
        if stats.uncacheable > 0 && function.name != "moody" || stats.store_errors > 0 {
            wrong(&format!("nothing is wrong with {}: {stats:?}", function.name));
        }
        println!("{}: {} runs, {} unshared", function.name, function.ledger.runs(), stats.unshared);
    }
}
