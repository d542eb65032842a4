//! What is fuzzed, as plain functions of bytes: `main.rs` runs them on its own, the programs in
//! `fuzz_targets` under libFuzzer.
//!
//! A target panics where what memo promises does not hold. What it returns says what became of the
//! input, so that inputs of which something new becomes can be told without seeing which code ran.

#[cfg(not(memo_fuzz))]
compile_error!("the targets need `RUSTFLAGS=\"--cfg memo_fuzz\"`: see `.ci/fuzz`");

pub mod input;
pub mod memory;
pub mod model;
pub mod mutate;
pub mod targets;
pub mod types;
