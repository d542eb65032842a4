//! Pseudo-random numbers, a sequence for each thread: xorshift.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

thread_local!(static STATE: Cell<u64> = const { Cell::new(1) });

/// Begins this thread's sequence.
pub(crate) fn seed(seed: u64, number: u64) {
    let mixed = (seed.wrapping_mul(1000).wrapping_add(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // From 0 nothing comes.
    STATE.set(mixed | 1);
}

pub(crate) fn number() -> u64 {
    let mut state = STATE.get();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
}

pub(crate) fn below(end: u64) -> u64 {
    number() % end
}

/// Once in so many times.
pub(crate) fn one_in(times: u64) -> bool {
    below(times) == 0
}

/// A key out of so many, the first ones far more often than the last ones.
pub(crate) fn key(keys: u64) -> u64 {
    let uniform = below(1_000_000) as f64 / 1e6;
    ((keys as f64).powf(uniform) as u64 - 1).min(keys - 1)
}

/// Takes the time of a body: mostly none, sometimes a while.
pub(crate) fn work() {
    match below(16) {
        0 => thread::sleep(Duration::from_micros(below(200))),
        1..=4 => thread::yield_now(),
        _ => {}
    }
}
