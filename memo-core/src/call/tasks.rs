//! Calls that are tasks: a miss that awaits, a computation that is a task of its own, a refresh behind a
//! hit, and the companions that wait for a store without blocking.

pub(super) mod async_miss;
pub(super) mod detached;
pub(super) mod refreshes;
pub(super) mod async_companions;
