//! Why a call was a hit or a miss.

use std::time::Duration;

/// Why a call was a hit or a miss.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is stored.
    Hit {
        /// How long ago it was computed.
        age: Duration,
        /// How long it will still be served.
        left: Option<Duration>,
    },
    /// It was never stored, or so long ago that nobody remembers.
    Never,
    /// Its arguments make no key.
    Uncacheable,
}
