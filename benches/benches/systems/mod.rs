//! The systems: the same functions in each, as its own documentation advises to write them.
//!
//! All hand out an owned value, as a memoized function does, except `pool` and `pool_of`, which
//! share one resource. A system lacks the functions that it has no way to write.

pub mod cached;
pub mod cached_by_key;
pub mod comemo;
pub mod concurrent_cached;
pub mod disk;
pub mod memo;
pub mod memoize;
pub mod moka;
pub mod naive;
pub mod once_cell;
pub mod once_lock;
pub mod quick_cache;
pub mod redis;

/// A cache at its start, for what is measured cold.
pub trait Cold: Send + Sync {
    /// Empty; and without memory that it held before, unless its system has no way to give it up.
    fn fresh() -> Self;

    fn number(&self, n: u64) -> u64;

    fn string(&self, name: &str) -> String;
}

/// A cold cache under a function that calls itself.
pub trait Recursive: Cold {
    fn fib(&self, n: u64) -> u64;
}
