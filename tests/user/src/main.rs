//! Calls a function of each attribute and prints what came of it; `tests/switch.rs` reads that.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Arc;

use memo::{memo, singleton};

#[memo]
fn run() -> u32 {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    1 + RUNS.fetch_add(1, Relaxed)
}

#[singleton]
fn pool(url: &str) -> String {
    url.into()
}

fn main() {
    let runs = [run(), run(), run()];
    run::insert(9);
    let stats = run::stats();
    println!("runs {runs:?}, inserted {:?}", run::get());
    println!("{} hits, {} misses, {} entries", stats.hits, stats.misses, stats.entries);
    println!("one pool: {}", Arc::ptr_eq(&pool("db"), &pool("db")));
    println!("{} hits of the pool", pool::stats().hits);
}
