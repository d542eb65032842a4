//! Everything at once, with an oracle: threads and tasks call functions of all kinds, change them,
//! clear them one by one and all together, give up, fail, panic and stall; whatever is served must
//! be what the function returned, and no older than what was forgotten.
//!
//! `MEMO_STRESS_SECONDS=60 MEMO_STRESS_SEED=7 cargo test --release -p memo-tests --test stress` for longer.

mod allocator;
mod chains;
mod data;
mod ledger;
mod operations;
mod random;
mod record;
mod resources;
mod tasks;
mod verdict;
#[path = "../support/removing.rs"]
mod removing;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use verdict::wrong;

const THREADS: u64 = 12;
const EXECUTORS: u64 = 4;
/// After each everything is cleared, and must be gone.
const PHASES: u32 = 3;

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn whatever_happens_at_once_nothing_wrong_is_served_and_nobody_is_kept_waiting() {
    let time = Duration::from_secs(variable("MEMO_STRESS_SECONDS", 2));
    let seed = variable("MEMO_STRESS_SEED", u64::from(std::process::id()));
    println!("MEMO_STRESS_SEED={seed}");
    let mut held = Vec::new();
    for phase in 0..PHASES {
        run(time / PHASES, seed.wrapping_add(u64::from(phase) << 32));
        clear_everything();
        held.push(allocator::held());
        println!("phase {phase}: {} bytes are held; {}", held[held.len() - 1], verdict::summary());
    }
    data::check_counts();
    resources::check_counts();
    allocator::check(&held);
    data::remove_directory();
    assert_eq!(verdict::count(), 0, "see above");
}

/// Has everybody at work for so long.
fn run(time: Duration, seed: u64) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let is_over = &is_over;
            scope.spawn(move || {
                random::seed(seed, number);
                while !is_over.load(Relaxed) {
                    one_step();
                }
            });
        }
        for number in 0..EXECUTORS {
            let is_over = &is_over;
            scope.spawn(move || {
                random::seed(seed, THREADS + number);
                tasks::execute(is_over);
            });
        }
        scope.spawn(|| {
            random::seed(seed, THREADS + EXECUTORS);
            chains::clear_all_again_and_again(&is_over);
        });
        let start = Instant::now();
        while start.elapsed() < time {
            data::check_bounds();
            resources::check_bounds();
            thread::sleep(Duration::from_millis(1));
        }
        is_over.store(true, Relaxed);
    });
}

/// Does something on this thread.
fn one_step() {
    match random::below(20) {
        0 => chains::step(),
        1 => data::cycle(),
        2..=4 => resources::step(),
        _ => operations::step(data::any()),
    }
}

fn clear_everything() {
    memo::clear_all();
    memo::singleton::clear_all();
    for stats in memo::stats().into_iter().chain(memo::singleton::stats()) {
        if stats.entries > 0 || stats.bytes > 0 {
            wrong(&format!("left after everything was cleared: {stats:?}"));
        }
    }
    resources::wait_for_all_to_end();
}
