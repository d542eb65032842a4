//! What of the statistics is shown to who watches many processes: families of series, each a number for
//! a function.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::function::registry::{memos, singletons};
use crate::function::report::kind;
use crate::function::stats::{Counted, Stats};

/// All functions of one name and one attribute: they have the same labels, and so are one to who
/// watches.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) kind: &'static str,
    pub(crate) stats: Stats,
    pub(crate) computations: u64,
}

/// What is shown of one kind: a number for each function, or nothing for one that it says nothing about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    /// In full; a counter's ends in `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) number: Number,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Counter(fn(&Stats) -> u64),
    Gauge(fn(&Series) -> Option<u64>),
    Bytes(fn(&Series) -> Option<u64>),
    Seconds(fn(&Series) -> Option<Duration>),
}

/// The times of computations, which a text shows as a summary, and the facade as a histogram.
pub(crate) const COMPUTE_SECONDS: &str = "memo_compute_seconds";
pub(crate) const COMPUTE_SECONDS_HELP: &str = "Times that the bodies took, errors included.";

const fn counter(name: &'static str, help: &'static str, number: fn(&Stats) -> u64) -> Family {
    Family { name, help, number: Number::Counter(number) }
}

const fn gauge(name: &'static str, help: &'static str, number: Number) -> Family {
    Family { name, help, number }
}

pub(crate) const FAMILIES: [Family; 15] = [
    counter("memo_hits_total", "Calls answered without running the body.", |stats| stats.hits),
    counter("memo_misses_total", "Calls that ran the body.", |stats| stats.misses),
    counter("memo_evictions_total", "Entries removed to make room.", |stats| stats.evictions),
    counter("memo_expirations_total", "Entries removed because they had expired.", |stats| {
        stats.expirations
    }),
    counter("memo_uncacheable_total", "Calls that ran uncached.", |stats| stats.uncacheable),
    counter(
        "memo_unshared_total",
        "Calls that computed although another computation of the same key was running.",
        |stats| stats.unshared,
    ),
    counter("memo_store_errors_total", "Errors of the backing store.", |stats| stats.store_errors),
    counter("memo_store_hits_total", "Hits that the backing store answered.", |stats| {
        stats.store_hits
    }),
    counter(
        "memo_stale_total",
        "Calls that an old result answered, as the body failed.",
        |stats| stats.stale,
    ),
    counter(
        "memo_differing_total",
        "Hits that were verified, and whose bodies returned another result.",
        |stats| stats.differing,
    ),
    gauge(
        "memo_entries",
        "Entries in memory now.",
        Number::Gauge(|series| Some(series.stats.entries as u64)),
    ),
    gauge(
        "memo_bytes",
        "Bytes of the keys and values in memory now.",
        // What a resource takes, only its type knows.
        Number::Bytes(|series| series.is_data().then_some(series.stats.bytes as u64)),
    ),
    gauge(
        "memo_max_entries",
        "The bound of the entries.",
        Number::Gauge(|series| series.stats.max_entries),
    ),
    gauge(
        "memo_max_bytes",
        "The bound of the bytes.",
        Number::Bytes(|series| series.stats.max_bytes),
    ),
    gauge(
        "memo_ttl_seconds",
        "How long a result lives, where that is one for all results.",
        Number::Seconds(|series| series.stats.ttl.filter(|ttl| *ttl < FOR_EVER)),
    ),
];

/// A `ttl` that long, in which no number of nanoseconds fits, means that results do not expire.
const FOR_EVER: Duration = Duration::from_nanos(u64::MAX);

impl Series {
    fn is_data(&self) -> bool {
        self.kind == kind(false)
    }
}

/// The series of all functions that this thread's calls are of and that have been called, sorted by
/// their names.
pub(crate) fn series() -> Vec<Series> {
    let mut series = BTreeMap::new();
    for (is_singleton, registry) in [(false, memos()), (true, singletons())] {
        for Counted { stats, computations } in registry.counted() {
            let kind = kind(is_singleton);
            match series.entry((stats.name, kind)) {
                Entry::Vacant(entry) => {
                    entry.insert(Series { kind, stats, computations });
                }
                Entry::Occupied(mut entry) => {
                    let series: &mut Series = entry.get_mut();
                    series.computations = series.computations.saturating_add(computations);
                    add(&mut series.stats, &stats);
                }
            }
        }
    }
    series.into_values().collect()
}

/// Adds another function of the same name. Together they have a bound if each has, and a `ttl` if that
/// is the same.
fn add(sum: &mut Stats, other: &Stats) {
    let both = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
    let max_entries = both(sum.max_entries, other.max_entries);
    let max_bytes = both(sum.max_bytes, other.max_bytes);
    let ttl = sum.ttl.filter(|ttl| other.ttl == Some(*ttl));
    sum.add(other);
    (sum.max_entries, sum.max_bytes, sum.ttl) = (max_entries, max_bytes, ttl);
}
