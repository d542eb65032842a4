//! The runtime of the `memo` crate: what its attributes' code calls. Use `memo`, not this.
//!
//! The rooms stand in the order in which a call goes down through them: each uses only those below
//! it. `ARCHITECTURE.md` in the repository has the map.

#[cfg(not(target_has_atomic = "64"))]
compile_error!("memo needs atomic operations of 64 bits, which this target does not have");

#[cfg(all(target_family = "wasm", target_feature = "atomics"))]
compile_error!(
    "memo does not support threads on WebAssembly: parking_lot's locks cannot wait there"
);

mod call;
mod cache;
pub mod store;
mod background;
mod codec;
mod flight;
mod memory;
mod reclaim;
mod function;
mod key;
mod clock;
mod platform;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;

pub use background::spawner::{set_spawner, BoxFuture};
pub use call::isolated::{advance, isolated, isolated_async};
pub use codec::bulk;
pub use function::enabled::set_enabled;
pub use function::error::{set_reporter, Error};
pub use function::event::{set_observer, Event, EventKind, KeyId};
pub use function::explanation::Explanation;
#[cfg(feature = "metrics")]
pub use function::facade::publish as publish_metrics;
pub use function::openmetrics::openmetrics;
pub use function::report::{report, FunctionReport, Report};
pub use function::session::Session;
pub use function::stats::Stats;
pub use function::verify::set_verify;
pub use function::why::Why;
pub use key::file::File;
pub use memory::budget::set_max_bytes;

/// Clears every memo function, all at once.
///
/// A computation that is under way when this returns is not stored, as with `func::clear()`.
/// Neither is anything that was computed from a result that this clears, through however many
/// functions.
///
/// The backing stores of these functions are cleared entirely, including what they hold of
/// functions that this process has not called: with the feature `disk`, everything in the directory
/// of `store = "disk"`. Other processes learn of it as they learn of `func::clear()`; until then
/// they may compute from what they have in memory.
///
/// # Examples
///
/// ```
/// #[memo::memo]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// memo::clear_all();
/// assert!(!square::contains(4));
/// ```
pub fn clear_all() {
    match function::isolation::current() {
        // Its functions use no stores.
        Some(isolation) => isolation.memos.clear_all(),
        None => function::registry::MEMOS.clear_all_and(store::known::clear_stores),
    }
}

/// Forgets every result and every resource that has a tag: those of all functions, memo and singleton
/// alike, whose option `tags` gave it to them.
///
/// As with `func::clear()`, a computation that is under way when this returns and will have the tag is
/// not stored. Other results that were computed from what this forgets stay, unless they have the tag
/// as well.
///
/// The tag is forgotten in the same stores that [`clear_all`] clears, for all processes that use them: in
/// each that is one write, however many results have the tag. In memory it takes time in proportion to
/// how many have. What other processes have in memory goes as it does with `func::clear()`. A store that
/// cannot be reached is told once it can; until then, nothing with the tag is taken from it.
///
/// Other calls go on meanwhile; what is computed with the tag before this returns is not stored.
///
/// # Examples
///
/// ```
/// #[memo::memo(tags(format!("user:{id}")))]
/// fn name(id: u64) -> String {
///     // …
/// #   id.to_string()
/// }
///
/// #[memo::memo(tags(users.iter().map(|id| format!("user:{id}")).collect::<Vec<_>>()))]
/// fn names(users: &[u64]) -> Vec<String> {
///     users.iter().map(|id| name(*id)).collect()
/// }
///
/// names(&[7, 8]);
/// names(&[8, 9]);
/// memo::clear_tag("user:7");
/// assert!(!name::contains(7) && name::contains(8));
/// assert!(!names::contains(&[7, 8]) && names::contains(&[8, 9]));
/// ```
pub fn clear_tag(tag: impl AsRef<str>) {
    clear_tag_of(&key::tags::tag_of(tag.as_ref()));
}

fn clear_tag_of(tag: &key::tags::Tag) {
    use function::registry::{clear_tag, MEMOS, SINGLETONS};
    let hash = key::tags::hash_of_tag(tag);
    match function::isolation::current() {
        // Its functions use no stores.
        Some(isolation) => clear_tag(&[&isolation.memos, &isolation.singletons], hash, || ()),
        None => clear_tag(&[&MEMOS, &SINGLETONS], hash, || {
            store::known::clear_tag_in_stores(tag);
            MEMOS.all().into_iter().for_each(|function| function.tag_was_cleared(tag));
        }),
    }
}

/// Clears the functions of a name, and returns whether there are any.
///
/// The name is spelled as in [`Stats::name`]. A function is known once it has been called. Memo and
/// singleton functions of the name are cleared alike, several if the option `name` gives them the
/// same.
///
/// # Examples
///
/// ```
/// #[memo::memo(name = "squares")]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// assert!(memo::clear("squares") && !square::contains(4));
/// assert!(!memo::clear("cubes"));
/// ```
pub fn clear(name: &str) -> bool {
    // Not one or the other: there may be both.
    function::registry::memos().clear(name) | function::registry::singletons().clear(name)
}

/// Returns the statistics of every memo function that has been called.
///
/// [`report`] has those of singletons as well, and prints them as a table.
#[must_use]
pub fn stats() -> Vec<Stats> {
    function::registry::memos().stats()
}

/// Removes the resources of every singleton function, all at once.
///
/// A resource that is being made when this returns, perhaps from one that this removes, is not
/// shared. Whoever holds an `Arc` keeps it; a resource is released when its last `Arc` is dropped.
pub fn clear_all_singletons() {
    function::registry::singletons().clear_all();
}

/// Returns the statistics of every singleton function that has been called.
#[must_use]
pub fn singleton_stats() -> Vec<Stats> {
    function::registry::singletons().stats()
}

/// Implementation details of the attributes. Do not rely on them.
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::ToOwned;
    pub use std::boxed::Box;
    pub use std::sync::Arc;

    pub use crate::call::declared::{
        backed, Backed, CacheIf, Condition, Fallible, Pick, Share, Whole,
    };
    pub use crate::call::errors::{
        on_err, ErrOwn, ErrShared, Errs, Fails, NeverFails, OnErr, SharedError, SharesNothing,
    };
    pub use crate::call::lives::{lasting, Lasting, Said, SaidOfAny, TimeToLive};
    pub use crate::call::retain::AnyResult;
    pub use crate::call::{
        contains, contains_async, contains_stored, enter, explain, get, get_async, hit, insert,
        insert_async, is_enabled, look_again, only_if, refresh, refreshed, remove, remove_async,
        retain, retain_ok, uncached, AsyncMiss, Bytes, Call, Clones, Detached, Hooks, Insert, Kept,
        Memo, Miss, OnlyIf, Payload, Resource, Scoped, Static,
    };
    pub use crate::codec::{Codec, Data, OkOnly, Part, Plain};
    pub use crate::function::identity::{Place, Source};
    pub use crate::function::stats::Stats;
    pub use crate::key::given::{Attempt, NoKey};
    pub use crate::key::part::{Argument, Given, KeyPart, Walk};
    pub use crate::key::tags::{tagged, TagList, Tagged, Tagging};
    pub use crate::key::{Args, Scope};
    #[cfg(feature = "disk")]
    pub use crate::store::disk;
    pub use crate::store::open;
    #[cfg(feature = "redis")]
    pub use crate::store::redis;
}

/// What the package in `fuzz` drives. No other build has it.
#[cfg(memo_fuzz)]
#[doc(hidden)]
pub mod __fuzz {
    pub use crate::codec::fuzzed::*;
    pub use crate::key::fuzzed::*;
    #[cfg(any(feature = "disk", feature = "redis"))]
    pub use crate::store::fuzzed::*;
    #[cfg(feature = "redis")]
    pub use crate::store::redis::fuzzed::*;
}
