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
mod removals;
pub mod conformance;
mod shared;
mod unavailable;
#[cfg(any(feature = "disk", feature = "redis"))]
mod named;
#[cfg(any(feature = "disk", feature = "redis"))]
mod time;
#[cfg(any(feature = "disk", feature = "redis"))]
mod header;
#[cfg(any(feature = "disk", feature = "redis"))]
mod names;
#[cfg(feature = "disk")]
pub(crate) mod disk;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(all(memo_fuzz, any(feature = "disk", feature = "redis")))]
pub(crate) mod fuzzed;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "disk")]
pub use disk::{DiskBuilder, DiskEntry, DiskStore};
#[cfg(feature = "disk")]
#[doc(hidden)]
pub use named::disk;
#[cfg(feature = "redis")]
#[doc(hidden)]
pub use named::redis;
#[cfg(any(feature = "disk", feature = "redis"))]
use names::{hex, program, random};
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

    /// Returns whether there are results of a function of this name with another fingerprint, and none
    /// with this one: it was changed since they were stored. By default it returns `false`, for a store
    /// that cannot tell.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be asked.
    fn has_other_version(&self, function: &FunctionId<'_>) -> Result<bool, Failure> {
        let _ = function;
        Ok(false)
    }

    /// Returns whether the store has tags: whether it overrides [`stamps`](Self::stamps),
    /// [`clear_tag`](Self::clear_tag) and [`tag_changes`](Self::tag_changes). By default it does not,
    /// and functions with `tags` do without it.
    fn has_tags(&self) -> bool {
        false
    }

    /// Returns the stamps that these tags have now, in their order.
    ///
    /// A tag that has none, because it never had one, or the store lost or evicted it, or
    /// [`clear_all`](Self::clear_all) was called, gets one that no tag had before: that counts as a
    /// clear of the tag. What a store keeps of a tag is one number. Which results have the tag it does
    /// not know: the stamps at the time of a lookup are in the bytes that are [put](Self::put), and
    /// are compared with those of the time when these are found.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell, or has no tags. The call is a miss, and its result
    /// is not put.
    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        let _ = tags;
        Err(NO_TAGS.into())
    }

    /// Looks up a call as [`get`](Self::get) does, and returns the stamps of tags besides: as they
    /// were at the moment of the lookup, or at a later one before this returns. By default it asks for
    /// the one, then for the others.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell. The call is a miss, and its result is not put.
    fn get_tagged(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        tags: &[Tag],
    ) -> Result<(Lookup, Vec<Stamp>), Failure> {
        let lookup = self.get(function, key)?;
        Ok((lookup, self.stamps(tags)?))
    }

    /// Clears a tag for all processes: from now on it has another stamp. Notes that for
    /// [`tag_changes`](Self::tag_changes), and returns the moment after.
    ///
    /// The tickets of tags are a history of their own: the epoch is that of all tags, and the removals
    /// are the clears in it. They need not be counted one by one, but never decrease within an epoch,
    /// and a clear increases them.
    ///
    /// # Errors
    ///
    /// Returns an error if the tag may still have its stamp, or others not be told.
    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        let _ = tag;
        Err(NO_TAGS.into())
    }

    /// Returns the moment of this answer in the history of tags, and which were cleared between
    /// `since` and then: [`Changes::Removed`] with the tags, or [`Changes::Everything`] where that is
    /// not known any more. Without `since`, that is [`Changes::Nothing`].
    ///
    /// Stamps that the store lost or evicted need not be told here; [`clear_all`](Self::clear_all) is
    /// told as [`Changes::Everything`].
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot tell. Memory continues to answer.
    fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        let _ = since;
        Err(NO_TAGS.into())
    }

    /// Registers a callback, to be called whenever [`tag_changes`](Self::tag_changes) may have
    /// something to say before [`max_staleness`](Self::max_staleness) has run out. By default it is
    /// ignored.
    fn on_tag_invalidation(&self, notify: OnInvalidation) {
        let _ = notify;
    }
}

/// Why a store that was written before there were tags fails.
const NO_TAGS: &str = "the store has no tags";

/// Opens a store that the option gives, for one function.
#[doc(hidden)]
pub fn open<S: Store>(store: S) -> Arc<dyn Store> {
    Arc::new(store)
}

#[cfg(all(test, any(feature = "disk", feature = "redis")))]
mod tests;
