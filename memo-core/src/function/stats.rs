//! What is counted of a function, and what is made of the counters.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// What a function's cache holds, and what it did since the process started.
///
/// `hits + misses` is the number of calls: a call that ran the body, or would have if its
/// arguments had made a key, is a miss; one answered from the cache, or by the computation of
/// another call that it waited for, is a hit. Looking with `get` or `contains` counts nothing.
///
/// ```
/// #[memo::memo]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// square(4);
/// let stats = square::stats();
/// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// `crate::module::function`, or the `name` option.
    pub name: &'static str,
    /// Calls answered without running the body.
    pub hits: u64,
    /// Calls that ran the body.
    pub misses: u64,
    /// Entries held now.
    pub entries: usize,
    /// Bytes held now: the stored keys and values.
    pub bytes: usize,
    /// Entries given up for room.
    pub evictions: u64,
    /// Entries given up for their age.
    pub expirations: u64,
    /// Calls whose arguments made no key, or whose result no codec carries: they ran uncached.
    pub uncacheable: u64,
    /// Calls that computed beside another computation of the same key, because waiting for it
    /// would not have ended, or ended without a result to share.
    pub unshared: u64,
    /// Failures of a store behind memory.
    pub store_errors: u64,
    /// Calls, among the hits, that a store behind memory answered.
    pub store_hits: u64,
    /// The time that the bodies took, one after the other, those included that failed.
    pub compute_time: Duration,
    /// The `max_entries` option.
    pub max_entries: Option<u64>,
    /// The `max_bytes` option.
    pub max_bytes: Option<u64>,
    /// The `ttl` option.
    pub ttl: Option<Duration>,
}

impl Stats {
    /// The share of the calls that were hits, from 0 to 1; 0 before the first call.
    ///
    /// ```
    /// #[memo::memo]
    /// fn square(x: u64) -> u64 { x * x }
    ///
    /// for x in [4, 4, 4, 5] {
    ///     square(x);
    /// }
    /// assert_eq!(square::stats().hit_ratio(), 0.5);
    /// ```
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn hit_ratio(&self) -> f64 {
        match self.hits + self.misses {
            0 => 0.0,
            calls => self.hits as f64 / calls as f64,
        }
    }

    /// The mean time that a body took; nothing before the first one was done.
    #[must_use]
    pub fn mean_compute_time(&self) -> Option<Duration> {
        (self.misses > 0).then(|| divide(self.compute_time, self.misses))
    }

    /// The time that the hits would have taken, had each been a mean computation.
    #[must_use]
    pub fn time_saved(&self) -> Duration {
        let mean = self.mean_compute_time().unwrap_or_default();
        let nanos = mean.as_nanos().saturating_mul(u128::from(self.hits));
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
    }
}

fn divide(time: Duration, by: u64) -> Duration {
    u64::try_from(time.as_nanos() / u128::from(by)).map_or(Duration::MAX, Duration::from_nanos)
}

macro_rules! serialize {
    ($($field:ident),*) => {
        impl Serialize for Stats {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // A field that is added to the type and not here does not compile.
                let Self { $($field),* } = self;
                let fields = [$(stringify!($field)),*].len();
                let mut stats = serializer.serialize_struct("Stats", fields)?;
                $(stats.serialize_field(stringify!($field), $field)?;)*
                stats.end()
            }
        }
    };
}

serialize!(
    name,
    hits,
    misses,
    entries,
    bytes,
    evictions,
    expirations,
    uncacheable,
    unshared,
    store_errors,
    store_hits,
    compute_time,
    max_entries,
    max_bytes,
    ttl
);
