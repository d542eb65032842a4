//! Why a call is a hit or a miss.

use std::time::Duration;

/// Why a call is a hit or a miss.
///
/// What is not in memory leaves a cause there: each function remembers those of 256 calls, in a table of
/// a few KiB that it has from the first one on. The oldest is forgotten first, and such a call is
/// [`Never`](Self::Never) again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Its result is stored.
    Hit {
        /// How long ago that was computed, to about a tenth of a second.
        age: Duration,
        /// For how long it is served yet, if nobody renews it; nothing, if for as long as there is room.
        left: Option<Duration>,
    },
    /// It was not computed, or so long ago that nobody remembers.
    Never,
    /// Its result was too old.
    Expired {
        /// How long ago that began.
        ago: Duration,
    },
    /// Its result went to make room.
    Evicted,
    /// Its result was cleared, with all of its function's or of one of its tags.
    Cleared {
        /// How long ago.
        ago: Duration,
    },
    /// Its result was removed.
    Removed,
    /// Its last result was not stored: it was an `Err`, or lived for no time, or `cache_if` or a bound
    /// refused it.
    NotStored,
    /// Its store has results of the function as it was before it changed, and none as it is now.
    OtherVersion,
    /// It runs uncached: its arguments make no key, its last result could not be encoded, or caching is
    /// turned off.
    Uncacheable,
    /// It is being computed.
    InFlight {
        /// For how long.
        since: Duration,
    },
    /// Its store could not be asked.
    StoreUnreachable,
}
