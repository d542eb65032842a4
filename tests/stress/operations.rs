//! What is done to a function, on a thread.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::Relaxed;

use memo::Stats;

use crate::ledger::Ledger;
use crate::random;
use crate::record::Record;
use crate::verdict::timed;

/// A memoized function and its companions, by the number of a key.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) ledger: &'static Ledger,
    pub(crate) keys: u64,
    pub(crate) call: fn(u64) -> Option<Record>,
    pub(crate) refresh: fn(u64) -> Option<Record>,
    pub(crate) get: fn(u64) -> Option<Record>,
    pub(crate) contains: fn(u64) -> bool,
    pub(crate) insert: fn(u64, Record),
    pub(crate) remove: fn(u64) -> bool,
    pub(crate) clear: fn(),
    pub(crate) stats: fn() -> Stats,
}

/// What a function returns; nothing where it fails.
pub(crate) trait Outcome {
    fn of(record: Record) -> Self;
    fn record(self) -> Option<Record>;
}

impl Outcome for Record {
    fn of(record: Record) -> Self {
        record
    }

    fn record(self) -> Option<Record> {
        Some(self)
    }
}

impl Outcome for Result<Record, String> {
    fn of(record: Record) -> Self {
        Ok(record)
    }

    fn record(self) -> Option<Record> {
        self.ok()
    }
}

/// The table of a function, and what its argument is for a key's number.
macro_rules! function {
    ($function:ident, $ledger:ident, $keys:expr, $key:ident => $argument:expr) => {
        $crate::operations::Function {
            name: stringify!($function),
            ledger: &$ledger,
            keys: $keys,
            call: |$key| $crate::operations::Outcome::record($function($argument)),
            refresh: |$key| $crate::operations::Outcome::record($function::refresh($argument)),
            get: |$key| $function::get($argument).and_then($crate::operations::Outcome::record),
            contains: |$key| $function::contains($argument),
            insert: |$key, record| {
                $function::insert($argument, $crate::operations::Outcome::of(record));
            },
            remove: |$key| $function::remove($argument),
            clear: $function::clear,
            stats: $function::stats,
        }
    };
}
pub(crate) use function;

/// Does something to it, mostly calls it.
pub(crate) fn step(function: &Function) {
    let Function { name, ledger, .. } = function;
    let key = random::key(function.keys);
    match random::below(400) {
        0 => ledger.forget_all(function.clear),
        1..=4 => ledger.forget(key, || (function.remove)(key)),
        5..=7 => ledger.insert(key, |record| (function.insert)(key, record)),
        8..=10 => {
            ledger.refresh(key, || timed(name, || caught(|| (function.refresh)(key)).flatten()));
        }
        11..=20 => ledger.serves("get", key, || (function.get)(key)),
        21..=24 => drop((function.contains)(key)),
        _ => {
            ledger.calls.fetch_add(1, Relaxed);
            ledger
                .serves("call", key, || timed(name, || caught(|| (function.call)(key)).flatten()));
        }
    }
}

/// What comes of it; nothing if it panics.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
