//! Threads of memo's own: what is done after a call was answered, and what must not block a task.
//!
//! They start when there is something to do and end soon after there is not. The room knows jobs,
//! not caches: what uses it says what is to be run.

pub(crate) mod pool;
pub(crate) mod release;
