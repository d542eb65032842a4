//! How long a miss may have to wait: while the table grows to ten million entries, and after a clear of
//! them; and what the clear takes its caller.
//!
//! `cargo run --release --example pauses [ENTRIES]`

use std::hint::black_box;
use std::time::Duration;

use memo::memo;

#[memo]
fn unbounded(key: u64) -> u64 {
    key
}

#[memo(max_entries = 100_000_000)]
fn bounded(key: u64) -> u64 {
    key
}

#[memo(ttl = "1h")]
fn expiring(key: u64) -> u64 {
    key
}

fn main() {
    let entries = std::env::args().nth(1).map_or(10_000_000, |entries| entries.parse().unwrap());
    measure("unbounded", entries, unbounded, unbounded::clear);
    measure("bounded", entries, bounded, bounded::clear);
    measure("expiring", entries, expiring, expiring::clear);
}

fn measure(name: &str, entries: u64, call: fn(u64) -> u64, clear: fn()) {
    // The first cost what the process costs once.
    black_box(call(0));
    println!("{name}, {entries} entries: slowest misses {:?}", slowest(entries, call));
    let start = now();
    clear();
    println!("    clear() {:?}", now() - start);
    println!("    slowest misses after it {:?}", slowest(entries / 100, call));
    clear();
}

/// The slowest of so many misses: the time, and which it was. (A machine that others use as well adds one
/// of tens of milliseconds now and then, wherever that is.)
fn slowest(calls: u64, call: fn(u64) -> u64) -> [(Duration, u64); 4] {
    let mut slowest = [(Duration::ZERO, 0); 4];
    for key in 1..=calls {
        let start = now();
        black_box(call(key));
        let took = now() - start;
        if took > slowest[0].0 {
            slowest[0] = (took, key);
            slowest.sort();
        }
    }
    slowest
}

/// The time that this thread has run: what else the machine does is not counted.
fn now() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it is a place for the time.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
