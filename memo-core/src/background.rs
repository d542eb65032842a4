//! What runs beside the calls: threads of memo's own, for what a call does not wait for and for what
//! must not block a task; and tasks of the user's runtime.
//!
//! Threads start when there is something to do and end soon after there is not. The room knows jobs
//! and futures, not caches: what uses it says what is to be run.

pub(crate) mod pool;
pub(crate) mod release;
pub(crate) mod spawner;
pub(crate) mod carried;
pub(crate) mod task;
