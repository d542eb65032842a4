//! Backing stores: where results live beyond this process.
//!
//! A [`Store`] keeps bytes by function and key; what the bytes mean is `memo`'s concern. It is more
//! than a map because it is shared: other processes clear a function or remove a call while this
//! one computes. A lookup therefore returns a [`Ticket`], the moment of the lookup, and a result is
//! put with it: the store drops a result that was computed before its function was cleared or its
//! call removed. With the same tickets, memory learns what other processes invalidated since.
//!
//! The room knows no cache and no flight; `backing` is a function's store, and what memory must
//! know of it. Start reading at [`Store`].

pub(crate) mod known;
pub(crate) mod in_step;
pub(crate) mod backing;
pub mod conformance;
mod shared;
mod unavailable;
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
pub use disk::{DiskBuilder, DiskEntry, DiskStore};
#[cfg(feature = "redis")]
pub use redis::{RedisBuilder, RedisStore};
pub(crate) use unavailable::Unavailable;

/// The error of a store. No call fails with it: it is counted in
/// [`Stats::store_errors`](crate::Stats::store_errors) and reported once.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The identity of a call's arguments: the BLAKE3 digest of their encoding.
pub type Key = [u8; 32];

/// The identity of a tag: the BLAKE3 digest of its text.
pub type Tag = [u8; 32];

/// What a tag has until it is cleared, and never again after.
pub type Stamp = u64;

/// The identity of a memoized function in stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId<'a> {
    /// The function's name: `crate::module::function`, or the `name` option.
    pub name: &'a str,
    /// A hash of the name, the place, the signature, the body and the `version` of the function. It
    /// differs whenever one of them does.
    pub fingerprint: [u8; 16],
}

/// A [`FunctionId`].
pub type Function<'a> = FunctionId<'a>;

impl<'a> FunctionId<'a> {
    /// Creates the identity of a function.
    #[must_use]
    pub const fn new(name: &'a str, fingerprint: [u8; 16]) -> Self {
        Self { name, fingerprint }
    }
}

/// A moment in the history of a function in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ticket {
    /// A number that differs after each clear, and never returns to an earlier value.
    pub epoch: u64,
    /// The number of calls that were removed in this epoch.
    pub removals: u64,
}

impl Ticket {
    /// Creates the ticket of the moment in an epoch after a number of removals.
    #[must_use]
    pub const fn new(epoch: u64, removals: u64) -> Self {
        Self { epoch, removals }
    }
}

/// The answer of [`Store::get`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The moment of the lookup, or one before it.
    pub ticket: Ticket,
    /// The stored result, if there is one that is neither expired nor damaged.
    pub found: Option<Found>,
}

impl Lookup {
    /// Creates the answer to a lookup at a moment.
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
    /// The time since they were put. Where clocks do not agree, it is longer than that, and never
    /// shorter.
    pub age: Duration,
}

impl Found {
    /// Creates a result that was put this long ago.
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

/// What was invalidated since a moment: the answer of [`Store::changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changes {
    /// Nothing was invalidated.
    Nothing,
    /// These calls were removed.
    Removed(Vec<Key>),
    /// The function was cleared.
    Everything,
}

/// A callback that is called when [`Store::changes`] may have something to say.
pub type OnInvalidation = Arc<dyn Fn() + Send + Sync>;

/// The right to compute a call for all processes. Dropping it ends it.
#[non_exhaustive]
pub struct Lease {
    /// Held for its drop.
    _guard: Box<dyn std::any::Any + Send + Sync>,
}

impl Lease {
    /// Creates a lease that ends when the guard is dropped.
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

/// A backing store: a place for results beyond this process.
///
/// Memory is always in front of it. A store is asked for what memory does not have, on the thread
/// of the call, or for `async` functions on a thread of `memo`'s own. It may lose results at any
/// time. It must never return other bytes than those that were put under the same function and key,
/// nor bytes that were invalidated by a clear, a removal or their age: [`conformance::check`] tests
/// that.
///
/// An error never fails a call. A lookup that fails is a miss, and a result that cannot be put is
/// not stored. Only after a failed [`clear`](Self::clear) or [`remove`](Self::remove) does a
/// function do without its store, until what was to be forgotten is.
///
/// `&'static S` and `Arc<S>` are stores where `S` is, so that several functions can share one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "not a `memo::store::Store`",
    note = "`store` takes `\"disk\"`, `\"redis\"`, or what implements `memo::store::Store`"
)]
pub trait Store: Send + Sync + 'static {
    /// Looks up a call.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell. The call is a miss, and its result is not put.
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure>;

    /// Stores the result of a call that was looked up at the moment of `ticket`. Drops the result,
    /// and returns `Ok`, if the function was cleared or the call removed since. The result expires
    /// after `life`, if that is given.
    ///
    /// # Errors
    ///
    /// Returns an error if the result is not stored.
    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure>;

    /// Removes a call. Returns whether [`get`](Self::get) would have found it, and the moment after
    /// the removal.
    ///
    /// # Errors
    ///
    /// Returns an error if the result may still be there.
    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure>;

    /// Removes every call of a function. Returns the moment after.
    ///
    /// # Errors
    ///
    /// Returns an error if results may still be there.
    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure>;

    /// Removes every call of every function.
    ///
    /// # Errors
    ///
    /// Returns an error if results may still be there.
    fn clear_all(&self) -> Result<(), Failure>;

    /// Returns the moment of this answer, and what was invalidated between `since` and then.
    /// Without `since`, that is [`Changes::Nothing`].
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell. Memory continues to answer.
    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure>;

    /// Returns how long memory may answer without asking for [`changes`](Self::changes). Defaults
    /// to 50 ms.
    ///
    /// It is called again after each answer. With [`Duration::MAX`], memory asks only when the
    /// callback that was given to [`on_invalidation`](Self::on_invalidation) is called.
    fn max_staleness(&self) -> Duration {
        Duration::from_millis(50)
    }

    /// Registers a callback, to be called whenever [`changes`](Self::changes) of this function may
    /// have something to say before [`max_staleness`](Self::max_staleness) has run out. By default
    /// it is ignored.
    fn on_invalidation(&self, function: &FunctionId<'_>, notify: OnInvalidation) {
        let _ = (function, notify);
    }

    /// Returns the longest time for which the store keeps anything, so that memory keeps nothing
    /// for longer. Defaults to `None`: no bound.
    fn longest_life(&self) -> Option<Duration> {
        None
    }

    /// Returns the right to compute a call for all processes, or `None` while another process has
    /// it.
    ///
    /// It ends when it is dropped, and some time after its process has ended without dropping it.
    /// Only functions with `flight = "fleet"` ask for it. By default everybody gets it.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell. The call is computed.
    fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
        let _ = (function, key);
        Ok(Some(Lease::new(())))
    }
}

/// Opens a store that the option gives, for one function.
#[doc(hidden)]
pub fn open<S: Store>(store: S) -> Arc<dyn Store> {
    Arc::new(store)
}

/// Opens the store of `store = "redis"`.
#[cfg(feature = "redis")]
#[doc(hidden)]
pub fn redis() -> Arc<dyn Store> {
    match RedisStore::in_default_place() {
        Some(redis) => Arc::new(redis),
        None => Arc::new(Unavailable("`MEMO_REDIS_URL` is not set")),
    }
}

/// Opens the store of `store = "disk"`, the same for all functions.
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
        None => Arc::new(Unavailable(NOT_NAMED)),
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
