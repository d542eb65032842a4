//! Every function that has been called, so that all can be asked and cleared at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::clock::Tick;

/// What a function's cache holds, and what it did since the process started.
///
/// `hits + misses` is the number of calls: a call that ran the body, or would have if its
/// arguments had made a key, is a miss; one answered from the cache, or by the computation of
/// another call that it waited for, is a hit. Looking with `get` or `contains` counts nothing.
///
/// ```
/// #[memo::memo]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// square(4);
/// let stats = square::stats();
/// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// `crate::module::function`, or the `name` option.
    pub name: &'static str,
    /// Calls answered without running the body.
    pub hits: u64,
    /// Calls that ran the body.
    pub misses: u64,
    /// Entries held now.
    pub entries: usize,
    /// Bytes held now: the stored keys and values.
    pub bytes: usize,
    /// Entries given up for room.
    pub evictions: u64,
    /// Entries given up for their age.
    pub expirations: u64,
    /// Calls whose arguments made no key, or whose result no codec carries: they ran uncached.
    pub uncacheable: u64,
    /// Calls that computed beside another computation of the same key, because waiting for it
    /// would not have ended, or ended without a result to share.
    pub unshared: u64,
    /// Failures of a store behind memory.
    pub store_errors: u64,
}

/// A function's cache, as the registry sees it.
pub(crate) trait Function: Sync {
    fn clear(&'static self);
    fn stats(&'static self) -> Stats;
    /// Gives up some of what has expired; when the next entry expires.
    fn expire(&'static self, now: Tick) -> Option<Tick>;
    /// When the entry that would be evicted next was queued, among those of all functions.
    fn oldest_stamp(&'static self) -> Option<u64>;
    /// Gives up that entry.
    fn evict(&'static self);
}

/// The functions of one attribute.
pub(crate) struct Registry {
    functions: Mutex<Vec<&'static dyn Function>>,
}

pub(crate) static MEMOS: Registry = Registry::new();
pub(crate) static SINGLETONS: Registry = Registry::new();

impl Registry {
    const fn new() -> Self {
        Self { functions: Mutex::new(Vec::new()) }
    }

    /// Adds a function; its number, which is its own among those of all registries.
    pub(crate) fn enroll(&self, function: &'static dyn Function) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        self.functions.lock().push(function);
        // Relaxed: only the number matters.
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// The functions now, so that they are spoken to outside the lock.
    pub(crate) fn all(&self) -> Vec<&'static dyn Function> {
        self.functions.lock().clone()
    }

    pub(crate) fn clear_all(&self) {
        self.all().into_iter().for_each(Function::clear);
    }

    pub(crate) fn stats(&self) -> Vec<Stats> {
        self.all().into_iter().map(Function::stats).collect()
    }
}
