//! What functions are computed from, and how old what they serve may be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

/// What the innermost of a chain of functions reads, and what all of them may be no older than.
pub(crate) struct Source {
    version: AtomicU64,
    floor: AtomicU64,
}

impl Source {
    pub(crate) const fn new() -> Self {
        Self { version: AtomicU64::new(1), floor: AtomicU64::new(0) }
    }

    pub(crate) fn read(&self) -> u64 {
        self.version.load(SeqCst)
    }

    /// Changes it, clears, and says that what was before is not to be served any more.
    pub(crate) fn change(&self, clear: fn()) -> u64 {
        let version = self.version.fetch_add(1, SeqCst) + 1;
        clear();
        self.floor.fetch_max(version, SeqCst);
        version
    }

    #[track_caller]
    pub(crate) fn check(&self, call: impl Fn() -> u64) {
        let floor = self.floor.load(SeqCst);
        let served = call();
        assert!(served >= floor, "{served} is served, {floor} was cleared");
    }
}

const KEYS: u64 = 8;

/// Clears while three threads call a chain of functions, and looks whether anything in the chain is
/// older than that.
pub(crate) fn nothing_stale(source: &Source, rounds: u32, clear: fn(), chain: [fn(u64) -> u64; 3]) {
    let [outer, middle, inner] = chain;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..3_u64 {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut call = number;
                while !is_over.load(SeqCst) {
                    call += 1;
                    let key = call % KEYS;
                    // Mostly the whole chain.
                    match call % 11 {
                        0 => source.check(|| inner(key)),
                        1 => source.check(|| middle(key)),
                        _ => source.check(|| outer(key)),
                    }
                }
            });
        }
        for _ in 0..rounds {
            let version = source.change(clear);
            for key in 0..KEYS {
                for function in [outer, middle, inner] {
                    let served = function(key);
                    assert!(served >= version, "{served} after {version} was cleared");
                }
            }
        }
        is_over.store(true, SeqCst);
    });
}
