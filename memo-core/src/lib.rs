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

pub use codec::bulk;
pub use function::enabled::set_enabled;
pub use function::error::{set_reporter, Error};
pub use function::report::{report, FunctionReport, Report};
pub use function::stats::Stats;
pub use key::file::File;
pub use memory::budget::set_max_bytes;

/// Forgets the results of every memo function, as one.
///
/// A computation that is under way when it returns is not stored, as with `func::clear()`. Nor is
/// anything that was computed from a result that this forgets, through however many functions.
///
/// In the stores behind them everything is forgotten, of functions too that this process has not
/// called: with the feature `disk`, all that is in the directory of `store = "disk"`. Other processes
/// hear of it as they hear of `func::clear()`; until then they may compute from what they have in
/// memory.
pub fn clear_all() {
    function::registry::MEMOS.clear_all_and(store::backing::clear_stores);
}

/// Clears the function of that name, as [`Stats::name`] spells it; false, if none of it has been
/// called.
///
/// It may be a memo or a singleton function, and several may have the `name`: then all are cleared.
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
    function::registry::MEMOS.clear(name) | function::registry::SINGLETONS.clear(name)
}

/// What the cache of every memo function that has been called holds and did.
#[must_use]
pub fn stats() -> Vec<Stats> {
    function::registry::MEMOS.stats()
}

/// Gives up the resources of every singleton function, as one: what is being made from one of them
/// is not shared.
///
/// Who still holds one goes on holding it; it ends when the last `Arc` does.
pub fn clear_all_singletons() {
    function::registry::SINGLETONS.clear_all();
}

/// What the cache of every singleton function that has been called holds and did.
#[must_use]
pub fn singleton_stats() -> Vec<Stats> {
    function::registry::SINGLETONS.stats()
}

/// Implementation details of the attributes. Do not rely on them.
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::ToOwned;
    pub use std::boxed::Box;
    pub use std::sync::Arc;

    pub use crate::call::declared::{CacheIf, Condition, Fallible, Pick, Share, Whole};
    pub use crate::call::{
        contains, contains_async, contains_stored, enter, get, get_async, hit, insert,
        insert_async, refresh, remove, remove_async, AsyncMiss, Call, Hooks, Memo, Miss, Payload,
        Resource,
    };
    pub use crate::codec::{only_if, Codec, Data, OkOnly, OnlyIf, Plain};
    pub use crate::function::identity::{Place, Source};
    pub use crate::function::stats::Stats;
    pub use crate::key::given::{Attempt, NoKey};
    pub use crate::key::part::{Argument, Given, KeyPart, Walk};
    pub use crate::key::{Args, Scope};
    #[cfg(feature = "disk")]
    pub use crate::store::disk;
    pub use crate::store::open;
    #[cfg(feature = "redis")]
    pub use crate::store::redis;
}
