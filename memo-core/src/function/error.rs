//! What a cache could not do, for whoever watches it. No call ever fails with one of these.

use std::fmt;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::function::event::{self, EventKind};
use crate::platform::unwind::catch;

/// An error of a cache or of its store.
///
/// Caching never fails a call: the function returns its result all the same. The error is counted
/// in the function's [`Stats`](crate::Stats) and reported to the [reporter](set_reporter), once for
/// each function and cause. Errors of a store are reported again after the store has worked in
/// between.
///
/// Its `Display` names the function and says what it does without, and why.
#[derive(Clone, Debug)]
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
    /// The body returns something else than what is stored.
    Differs,
    /// Another function is known to stores by the same.
    Ambiguous,
    /// What was computed for one session is for nobody else.
    Private,
    /// What was given up is not freed as it should be.
    Memory,
    /// A store may keep more than it was told to.
    #[cfg_attr(not(feature = "disk"), expect(dead_code, reason = "only a directory is swept"))]
    Sweep,
    /// There is nothing that runs tasks.
    Task,
}

impl Error {
    pub(crate) fn new(kind: Kind, function: &'static str, message: String) -> Self {
        Self { kind, function, message }
    }

    /// Returns the name of the function, as [`Stats::name`](crate::Stats::name) spells it.
    ///
    /// An error that concerns everything in a store has the store's name instead, and one that
    /// concerns all functions has `memo`.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Returns whether the arguments of a call made no key, because their `Serialize` returned an
    /// error. The call ran uncached.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.kind == Kind::Key
    }

    /// Returns whether a result could not be stored, because its `Serialize` and `Deserialize`
    /// preserve it in no encoding. The result was returned uncached.
    #[must_use]
    pub fn is_value(&self) -> bool {
        self.kind == Kind::Value
    }

    /// Returns whether a hit was [verified](crate::set_verify), and the body returned another result than
    /// the one that was stored.
    #[must_use]
    pub fn is_differing(&self) -> bool {
        self.kind == Kind::Differs
    }

    /// Returns whether what was to be a task of its own was none, as there is neither a
    /// [spawner](crate::set_spawner) nor, with the feature `tokio`, a runtime. A `detached` computation
    /// was made in its caller's task, and an async function did not refresh in the background.
    #[must_use]
    pub fn is_task(&self) -> bool {
        self.kind == Kind::Task
    }

    /// Returns whether a result was not stored, because a function without `scope` computed it from one
    /// that has a cache for each [`Session`](crate::Session). It was returned to its caller alone.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.kind == Kind::Private
    }

    /// Returns whether a backing store failed. The function returns what is in memory, and computes
    /// what is not.
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
            Kind::Private => "returns a result that is not stored",
            Kind::Store | Kind::Put => "does without its store for now",
            Kind::Local | Kind::Ambiguous => "does without its store",
            Kind::Differs => "returns another result for the same arguments",
            Kind::Memory => "frees what it gave up later than it would",
            Kind::Task => "runs in its caller's task alone",
            Kind::Sweep => "is not kept within its bound as it should be",
        };
        write!(f, "`{}` {what}: {}", self.function, self.message)
    }
}

impl std::error::Error for Error {}

static REPORTER: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Sets the function that is called with each [`Error`], once for each function and cause.
///
/// It replaces the reporter that was set before. There is none by default: without one, and without
/// the feature `tracing`, errors are only counted. The reporter may call memo functions; its panics
/// are caught.
///
/// # Examples
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
    if event::is_observed() {
        event::tell(error.function, None, EventKind::Failed(error.clone()));
    }
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
