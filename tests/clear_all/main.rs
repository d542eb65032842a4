//! `clear_all` among everything, in a process of its own: it clears everybody's.

mod chains;
mod first_calls;
mod sessions;
mod source;
mod stores;

#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by the one test that runs.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
