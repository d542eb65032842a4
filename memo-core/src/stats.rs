//! Statistics: what is made of the counters, and how they are written.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::registry::Stats;

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
