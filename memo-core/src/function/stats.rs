//! What is counted of a function, and what is computed from the counters.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// What a function's cache holds now, and what it did since the process started.
///
/// `hits + misses` is the number of calls. A call that ran the body is a miss, whether or not its
/// result was stored. A call answered from memory, from the store, or by another call's computation
/// that it waited for, is a hit. `get` and `contains` count nothing.
///
/// # Examples
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
    /// The function's name: `crate::module::function`, or the `name` option.
    pub name: &'static str,
    /// Calls answered without running the body.
    pub hits: u64,
    /// Calls that ran the body.
    pub misses: u64,
    /// Entries in memory now.
    pub entries: usize,
    /// Bytes of the keys and values in memory now. What a value owns elsewhere that the option `clone`
    /// keeps as it is, the text of a `String` say, is not known and does not count.
    pub bytes: usize,
    /// Entries removed to make room.
    pub evictions: u64,
    /// Entries removed because they had expired.
    pub expirations: u64,
    /// Calls that ran uncached, because their arguments made no key, no encoding preserves their
    /// result, or the `enabled` option said so.
    pub uncacheable: u64,
    /// Calls that computed although another computation of the same key was running, because
    /// waiting for it would not have ended, or ended without a result to share.
    pub unshared: u64,
    /// Errors of the backing store.
    pub store_errors: u64,
    /// Hits that the backing store answered.
    pub store_hits: u64,
    /// Calls that an old result answered, as the body failed: see the option `stale_if_error`.
    pub stale: u64,
    /// Hits that were [verified](crate::set_verify), and whose bodies returned another result.
    pub differing: u64,
    /// The sum of the times that the bodies took, including those that failed.
    pub compute_time: Duration,
    /// The `max_entries` option, if it is given.
    pub max_entries: Option<u64>,
    /// The `max_bytes` option, if it is given.
    pub max_bytes: Option<u64>,
    /// The `ttl` option, if it is given and one for all results. Known once a result has been stored.
    /// With `jitter`, no result lives longer.
    pub ttl: Option<Duration>,
}

/// The statistics of a function, and what belongs to them that users are not shown.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) stats: Stats,
    /// How many times are in `stats.compute_time`.
    pub(crate) computations: u64,
}

impl Counted {
    /// Adds what the same function counts elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { stats, computations } = other;
        self.stats.add(stats);
        self.computations = self.computations.saturating_add(*computations);
    }
}

impl Stats {
    /// Adds what the same function counts elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        // By name, so that nothing that is added is forgotten.
        let Self {
            name: _,
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
            stale,
            differing,
            compute_time,
            max_entries,
            max_bytes,
            ttl,
        } = other;
        let counters = [
            (&mut self.hits, hits),
            (&mut self.misses, misses),
            (&mut self.evictions, evictions),
            (&mut self.expirations, expirations),
            (&mut self.uncacheable, uncacheable),
            (&mut self.unshared, unshared),
            (&mut self.store_errors, store_errors),
            (&mut self.store_hits, store_hits),
            (&mut self.stale, stale),
            (&mut self.differing, differing),
        ];
        for (counter, more) in counters {
            *counter = counter.saturating_add(*more);
        }
        self.entries = self.entries.saturating_add(*entries);
        self.bytes = self.bytes.saturating_add(*bytes);
        self.compute_time = self.compute_time.saturating_add(*compute_time);
        // These are the same of all, as far as they are known.
        self.max_entries = self.max_entries.or(*max_entries);
        self.max_bytes = self.max_bytes.or(*max_bytes);
        self.ttl = self.ttl.or(*ttl);
    }

    /// Returns the share of the calls that were hits, from 0 to 1. Returns 0 before the first call.
    ///
    /// # Examples
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

    /// Returns the mean time that a body took, or `None` before the first has returned.
    #[must_use]
    pub fn mean_compute_time(&self) -> Option<Duration> {
        (self.misses > 0).then(|| divide(self.compute_time, self.misses))
    }

    /// Returns the time that the hits would have taken, had each run the body for the mean time.
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
    stale,
    differing,
    compute_time,
    max_entries,
    max_bytes,
    ttl
);
