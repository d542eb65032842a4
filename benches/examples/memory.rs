//! What memo's entries and functions take of memory, counted by an allocator that asks the system's
//! how large each piece really is; and how long a hit takes while a million entries are cleared.
//!
//! `cargo run --release --example memory`

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo_benches::{held, Counting};

#[global_allocator]
static COUNTING: Counting = Counting;

#[memo]
fn entry(key: u128) -> u64 {
    key as u64
}

#[memo(tags(format!("user:{}", key % 1000)))]
fn tagged(key: u128) -> u64 {
    key as u64
}

#[memo(tags(format!("user:{}", key % 1000), format!("order:{}", key % 777)))]
fn tagged_twice(key: u128) -> u64 {
    key as u64
}

#[memo]
fn called_once(key: u64) -> u64 {
    key
}

#[memo]
fn failed_once(key: u64) -> Result<u64, u64> {
    Err(key)
}

#[memo]
fn other(key: u64) -> u64 {
    key
}

const ENTRIES: usize = 1_000_000;

fn main() {
    // What the thread and the process need once is no function's.
    black_box((other(1), other(1)));

    let of_static = size_of::<[usize; 64]>();
    let before = held();
    black_box(called_once(1));
    let memory = held() - before + of_static;
    println!("a function called once, one result stored: at most {memory} B, its static included");
    let before = held();
    let _ = black_box(failed_once(1));
    let memory = held() - before + of_static;
    println!("one that failed, whose cause is remembered: at most {memory} B");

    let memo = held_by_each(entry);
    println!("memo:        {memo:.1} B an entry of a 16-byte key and an 8-byte value");
    println!("  one tag:   {:.1} B", held_by_each(tagged));
    println!("  two tags:  {:.1} B", held_by_each(tagged_twice));
    stall();

    let before = held();
    let cache = quick_cache::sync::Cache::<u128, u64>::new(2 * ENTRIES);
    (0..ENTRIES as u128).for_each(|key| cache.insert(key, key as u64));
    println!("quick_cache: {:.1} B", (held() - before) as f64 / cache.len() as f64);
    drop(cache);

    let before = held();
    let cache = moka::sync::Cache::<u128, u64>::new(2 * ENTRIES as u64);
    (0..ENTRIES as u128).for_each(|key| cache.insert(key, key as u64));
    cache.run_pending_tasks();
    println!("moka:        {:.1} B", (held() - before) as f64 / cache.entry_count() as f64);
}

fn held_by_each(function: fn(u128) -> u64) -> f64 {
    let before = held();
    for key in 0..ENTRIES as u128 {
        black_box(function(key));
    }
    (held() - before) as f64 / ENTRIES as f64
}

/// The slowest hit while another thread clears, beside the slowest while none does.
fn stall() {
    let slowest = |until: &dyn Fn() -> bool| {
        let mut slowest = Duration::ZERO;
        while !until() {
            let start = Instant::now();
            black_box(other(1));
            slowest = slowest.max(start.elapsed());
        }
        slowest
    };
    let start = Instant::now();
    let quiet = slowest(&|| start.elapsed() > Duration::from_millis(200));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            entry::clear();
            println!("clear() of {ENTRIES} entries: {:?}", start.elapsed());
            done.store(true, Ordering::Relaxed);
        });
        let busy = slowest(&|| done.load(Ordering::Relaxed));
        println!("slowest hit meanwhile: {busy:?}, without a clear: {quiet:?}");
    });
}
