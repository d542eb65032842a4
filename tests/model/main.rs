//! Sequences of everything that can be done to a function, against a map that says what must come of
//! it.
//!
//! A sequence is made of its seed alone, which a failure prints: `MEMO_MODEL_SEED=17 cargo test -p
//! memo-tests --test model` runs that one. `MEMO_MODEL_SEQUENCES` says how many are run otherwise.

mod lives;
mod random;
#[path = "../schedule/mod.rs"]
mod schedule;
mod sequence;
mod subjects;

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use sequence::Sequence;
use subjects::{Directory, Disk, Kept, Memory, Subject};

/// `clear_all` reaches the functions of the other test.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const STEPS: usize = 100;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn check<S: Subject>(default: u64) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let seeds = match variable("MEMO_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("MEMO_MODEL_SEQUENCES").unwrap_or(default),
    };
    for seed in seeds {
        let mut sequence = Sequence::<S>::new(seed);
        let run = AssertUnwindSafe(|| (0..STEPS).for_each(|_| sequence.step()));
        if let Err(panic) = catch_unwind(run) {
            eprintln!("MEMO_MODEL_SEED={seed} reproduces it; its steps were:");
            sequence.steps().iter().for_each(|step| eprintln!("    {step}"));
            resume_unwind(panic);
        }
    }
}

#[test]
fn whatever_is_done_to_a_function_it_answers_as_a_map_would() {
    check::<Memory>(200);
}

#[test]
fn whatever_is_done_to_a_function_that_keeps_its_results_it_answers_as_a_map_would() {
    check::<Kept>(200);
}

#[test]
fn whatever_is_done_to_a_function_with_a_store_it_answers_as_a_map_would() {
    let _directory = Directory::new();
    check::<Disk>(10);
}
