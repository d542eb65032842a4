//! What went wrong with a cache, for whoever watches it. No call ever fails with one of these.

use std::fmt;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::platform::unwind::catch;

/// Something a cache could not do.
///
/// Caching never fails a call: the function answers all the same, and what went wrong is counted
/// in its [`Stats`](crate::Stats) and reported once per function and cause to the
/// [reporter](set_reporter); of a store, once until it does again what it is asked.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    function: &'static str,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Value,
    /// A store could not be read.
    Store,
    /// A store could not be written.
    Put,
    /// The call is none that a store could know.
    Local,
    /// Another function is known to stores by the same.
    Ambiguous,
    /// What was given up is not freed as it should be.
    Memory,
    /// A store may keep more than it was told to.
    #[cfg_attr(not(feature = "disk"), expect(dead_code, reason = "only a directory is swept"))]
    Sweep,
}

impl Error {
    pub(crate) fn new(kind: Kind, function: &'static str, message: String) -> Self {
        Self { kind, function, message }
    }

    /// The function whose cache it was, as [`Stats::name`](crate::Stats::name) spells it; the store,
    /// where it concerns all that this keeps, and `memo`, where it concerns all functions.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Whether the arguments of a call could not be made a key: their `Serialize` returned an
    /// error. The call ran uncached.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.kind == Kind::Key
    }

    /// Whether a result could not be stored: its `Serialize` and `Deserialize` do not carry it
    /// there and back, through any codec. The result was returned uncached.
    #[must_use]
    pub fn is_value(&self) -> bool {
        self.kind == Kind::Value
    }

    /// Whether a store behind memory could not do what it was asked. The function answers from
    /// memory, and computes what is not there.
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store | Kind::Put | Kind::Local | Kind::Ambiguous | Kind::Sweep)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Key => "runs uncached: its arguments cannot be made a key",
            Kind::Value => "runs uncached: its result cannot be stored",
            Kind::Store | Kind::Put => "does without its store for now",
            Kind::Local | Kind::Ambiguous => "does without its store",
            Kind::Memory => "frees what it gave up later than it would",
            Kind::Sweep => "is not kept within its bound as it should be",
        };
        write!(f, "`{}` {what}: {}", self.function, self.message)
    }
}

impl std::error::Error for Error {}

static REPORTER: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Sets who is told of an [`Error`], once per function and cause; the last one set is told.
///
/// Without a reporter, and without the feature `tracing`, errors are only counted.
///
/// ```
/// memo::set_reporter(|error| eprintln!("{error}"));
/// ```
pub fn set_reporter(reporter: fn(&Error)) {
    // Release pairs with the Acquire in `report`; a fn pointer carries no other data, but this
    // costs nothing and keeps the pair easy to believe.
    REPORTER.store(reporter as *mut (), Ordering::Release);
}

/// Callbacks run outside locks: callers hold none.
#[cold]
pub(crate) fn report(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(function = error.function, "{error}");
    let reporter = REPORTER.load(Ordering::Acquire);
    if !reporter.is_null() {
        // SAFETY: the only non-null values ever stored are `fn(&Error)` pointers, by
        // `set_reporter`.
        let reporter = unsafe { std::mem::transmute::<*mut (), fn(&Error)>(reporter) };
        // Its panic is no reason to lose the result of the call that it is told about.
        let _ = catch(|| reporter(error));
    }
}
