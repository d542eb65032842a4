//! Threads of memo's own: for what a call does not wait for, and for what must not block a task.
//!
//! They start when there is something to do and end soon after there is not. The room knows jobs,
//! not caches: what uses it says what is to be run.

pub(crate) mod pool;
pub(crate) mod release;
