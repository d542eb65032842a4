//! Where results live beyond this process, behind its memory.
//!
//! A [`Store`] speaks of functions, keys and bytes; what the bytes are is `memo`'s affair. What
//! makes it more than a map is that it is shared: other processes clear a function or remove a
//! call while this one computes. So whoever looks a call up is given a [`Ticket`], the moment of
//! the look, and a result is put with it: a store drops what was computed before a function was
//! cleared or the call removed. The same tickets tell memory what others made void since.

pub mod conformance;
#[cfg(any(feature = "disk", feature = "redis"))]
mod time;
#[cfg(any(feature = "disk", feature = "redis"))]
mod header;
#[cfg(feature = "disk")]
pub(crate) mod disk;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "disk")]
pub use disk::{DiskEntry, DiskStore};
#[cfg(feature = "redis")]
pub use redis::{RedisBuilder, RedisStore};

/// Why a store could not do what it was asked. No call fails with it: it is counted in
/// [`Stats::store_errors`](crate::Stats::store_errors) and reported once.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The identity of a call's arguments: the BLAKE3 digest of their encoding.
pub type Key = [u8; 32];

/// A memoized function, as stores know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId<'a> {
    /// `crate::module::function`, or the `name` option.
    pub name: &'a str,
    /// Differs whenever the name, the place, the signature, the body or the `version` does.
    pub fingerprint: [u8; 16],
}

/// A [`FunctionId`].
pub type Function<'a> = FunctionId<'a>;

impl<'a> FunctionId<'a> {
    /// Names a function.
    #[must_use]
    pub const fn new(name: &'a str, fingerprint: [u8; 16]) -> Self {
        Self { name, fingerprint }
    }
}

/// A moment in the history of a function in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ticket {
    /// Differs after each clear, and never returns to an earlier value.
    pub epoch: u64,
    /// The number of calls that have been removed in this epoch.
    pub removals: u64,
}

impl Ticket {
    /// Makes the ticket of a moment: in this epoch, after so many removals.
    #[must_use]
    pub const fn new(epoch: u64, removals: u64) -> Self {
        Self { epoch, removals }
    }
}

/// What a store has of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The moment of the look, or one before it.
    pub ticket: Ticket,
    /// The result, if one is stored that is neither expired nor damaged.
    pub found: Option<Found>,
}

impl Lookup {
    /// Answers a look at that moment.
    #[must_use]
    pub const fn new(ticket: Ticket, found: Option<Found>) -> Self {
        Self { ticket, found }
    }
}

/// A stored result.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The bytes that were [put](Store::put).
    pub value: Vec<u8>,
    /// How long ago they were put. Where clocks do not agree, more than that; never less.
    pub age: Duration,
}

impl Found {
    /// Hands out a result that was put that long ago.
    #[must_use]
    pub const fn new(value: Vec<u8>, age: Duration) -> Self {
        Self { value, age }
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, age } = self;
        f.debug_struct("Found").field("bytes", &value.len()).field("age", age).finish()
    }
}

/// What others made void since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changes {
    /// Nothing was.
    Nothing,
    /// These calls were removed.
    Removed(Vec<Key>),
    /// The function was cleared.
    Everything,
}

/// Called when there may be changes to ask for.
pub type OnInvalidation = Arc<dyn Fn() + Send + Sync>;

/// The right to compute a call for all processes. It ends when it is dropped.
#[non_exhaustive]
pub struct Lease {
    /// Held for its drop.
    _guard: Box<dyn std::any::Any + Send + Sync>,
}

impl Lease {
    /// A right that ends when the guard is dropped.
    #[must_use]
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self { _guard: Box::new(guard) }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

/// A place for results beyond this process.
///
/// Memory is always in front of it; it is asked for what memory does not have, on the thread of
/// the call (for `async` functions, on a thread of `memo`'s own). It may lose what it likes and
/// when it likes. What it must not do is to give out other bytes than were put under that function
/// and key, or bytes that a clear, a removal or their age has made void:
/// [`conformance::check`] tests that.
///
/// Errors are for whoever watches: a lookup that fails is a miss, a result that cannot be put is
/// not stored. Only a [`clear`](Self::clear) or [`remove`](Self::remove) that fails changes more:
/// the function then does without its store until it can be cleared.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "not a `memo::store::Store`",
    note = "`store` takes `\"disk\"`, `\"redis\"`, or what implements `memo::store::Store`"
)]
pub trait Store: Send + Sync + 'static {
    /// Looks a call up.
    ///
    /// # Errors
    /// The store cannot tell; nothing was found, and the result will not be put.
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure>;

    /// Stores the result of a call that was looked up at the ticket's moment; drops it if the
    /// function was cleared or the call removed since. It expires after `life`, if that is given.
    ///
    /// # Errors
    /// It is not stored.
    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure>;

    /// Forgets one call: whether there was a result to be found, one that had neither expired nor
    /// been made void; and the moment after.
    ///
    /// # Errors
    /// It may still be there.
    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure>;

    /// Forgets every call of a function: the moment after.
    ///
    /// # Errors
    /// They may still be there.
    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure>;

    /// Forgets every call of every function.
    ///
    /// # Errors
    /// Some may still be there.
    fn clear_all(&self) -> Result<(), Failure>;

    /// What was made void since a moment, and the moment of this answer. Since none: nothing.
    ///
    /// # Errors
    /// The store cannot tell; memory goes on answering.
    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure>;

    /// Returns how long memory may answer without asking for [`changes`](Self::changes); asked anew
    /// after each time. With [`Duration::MAX`] it asks only when told to by what
    /// [`on_invalidation`](Self::on_invalidation) was given. Defaults to 50 ms.
    fn max_staleness(&self) -> Duration {
        Duration::from_millis(50)
    }

    /// Has `notify` called whenever [`changes`](Self::changes) of this function may have something to
    /// say before [`max_staleness`](Self::max_staleness) has run out. A store that cannot tell
    /// ignores it.
    fn on_invalidation(&self, function: &FunctionId<'_>, notify: OnInvalidation) {
        let _ = (function, notify);
    }

    /// The longest time that anything is kept, so that memory does not keep it longer.
    fn longest_life(&self) -> Option<Duration> {
        None
    }

    /// The right to compute a call for all processes; nothing, while another has it. It ends when
    /// it is dropped, or after a while if its process is no more. Only for functions with
    /// `flight = "fleet"`; a store that does not know such rights gives them to everybody.
    ///
    /// # Errors
    /// The store cannot tell: the call is computed.
    fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
        let _ = (function, key);
        Ok(Some(Lease::new(())))
    }
}

macro_rules! forward {
    ($($of:tt)*) => {
        $($of)* {
            fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
                (**self).get(function, key)
            }

            fn put(
                &self,
                function: &FunctionId<'_>,
                key: &Key,
                ticket: Ticket,
                value: &[u8],
                life: Option<Duration>,
            ) -> Result<(), Failure> {
                (**self).put(function, key, ticket, value, life)
            }

            fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
                (**self).remove(function, key)
            }

            fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
                (**self).clear(function)
            }

            fn clear_all(&self) -> Result<(), Failure> {
                (**self).clear_all()
            }

            fn changes(
                &self,
                function: &FunctionId<'_>,
                since: Option<Ticket>,
            ) -> Result<(Ticket, Changes), Failure> {
                (**self).changes(function, since)
            }

            fn max_staleness(&self) -> Duration {
                (**self).max_staleness()
            }

            fn on_invalidation(&self, function: &FunctionId<'_>, notify: OnInvalidation) {
                (**self).on_invalidation(function, notify);
            }

            fn longest_life(&self) -> Option<Duration> {
                (**self).longest_life()
            }

            fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
                (**self).lease(function, key)
            }
        }
    };
}

forward!(impl<S: Store + ?Sized> Store for Arc<S>);
forward!(impl<S: Store + ?Sized> Store for &'static S);

/// The store that the option names, opened for one function.
#[doc(hidden)]
pub fn open<S: Store>(store: S) -> Arc<dyn Store> {
    Arc::new(store)
}

/// The store of `store = "redis"`.
#[cfg(feature = "redis")]
#[doc(hidden)]
pub fn redis() -> Arc<dyn Store> {
    match RedisStore::in_default_place() {
        Some(redis) => Arc::new(redis),
        None => Arc::new(Nowhere("`MEMO_REDIS_URL` is not set")),
    }
}

/// The store of `store = "disk"`.
#[cfg(feature = "disk")]
#[doc(hidden)]
pub fn disk() -> Arc<dyn Store> {
    static DISK: once_cell::sync::OnceCell<Arc<dyn Store>> = once_cell::sync::OnceCell::new();
    const NOT_NAMED: &str = if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        "this platform has no files"
    } else {
        "the environment names no directory: set `MEMO_CACHE_DIR`"
    };
    let disk = DISK.get_or_init(|| match DiskStore::in_default_place() {
        Some(disk) => Arc::new(disk),
        None => Arc::new(Nowhere(NOT_NAMED)),
    });
    Arc::clone(disk)
}

/// Bytes as names have them.
#[cfg(any(feature = "disk", feature = "redis"))]
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What the program is called, without what cargo adds to the name of a test.
// Input: `target/debug/deps/app-0123456789abcdef`
// Output: `app`
#[cfg(any(feature = "disk", feature = "redis"))]
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((start, end)) if is_hash(end) && !start.is_empty() => start.to_owned(),
        _ if name.is_empty() => "unnamed".to_owned(),
        _ => name,
    }
}

/// A number that no other process comes by.
#[cfg(any(feature = "disk", feature = "redis"))]
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static STATE: RandomState = RandomState::new());
    // Relaxed: only the number matters.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let random = |state: &RandomState| state.hash_one((process_id(), number));
    STATE.try_with(random).unwrap_or_else(|_| random(&RandomState::new()))
}

/// The process, which a child of `fork` has nothing else to be told by from its parent. WebAssembly
/// has no `fork`, and asking for the number would end the program.
#[cfg(any(feature = "disk", feature = "redis"))]
fn process_id() -> u32 {
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}

/// A store that there is none of; and why.
pub(crate) struct Nowhere(pub(crate) &'static str);

impl Nowhere {
    fn fail<T>(&self) -> Result<T, Failure> {
        Err(self.0.into())
    }
}

impl Store for Nowhere {
    fn get(&self, _: &FunctionId<'_>, _: &Key) -> Result<Lookup, Failure> {
        self.fail()
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        _: &Key,
        _: Ticket,
        _: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        self.fail()
    }

    fn remove(&self, _: &FunctionId<'_>, _: &Key) -> Result<(bool, Ticket), Failure> {
        self.fail()
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.fail()
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.fail()
    }

    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        self.fail()
    }
}
