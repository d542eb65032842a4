//! The statistics for the recorder of the crate `metrics`.

use std::time::Duration;

use ::metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, Unit,
};

use crate::function::computed::{keep_times, Latest};
use crate::function::registry::{memos, singletons};
use crate::function::report::kind;
use crate::function::series::{
    series, Family, Number, Series, COMPUTE_SECONDS, COMPUTE_SECONDS_HELP, FAMILIES,
};

/// Of computations that [`COMPUTE_SECONDS`] does not show.
const DROPPED: &str = "memo_compute_dropped_total";
const DROPPED_HELP: &str = "Computations that are not in the histogram, as too many ended at once.";

/// Hands the statistics of all memo and singleton functions that have been called to the recorder of
/// the crate `metrics`.
///
/// Call it just before a scrape is answered, or from time to time. It hands over the same series as
/// [`openmetrics`](crate::openmetrics), with the same names and labels: counters as they stand, gauges,
/// and instead of the sum and the number of computation times the times themselves, as the histogram
/// `memo_compute_seconds`. Times are kept from the first call on and until the next one, the latest 1024
/// of each function; how many older ones were dropped says `memo_compute_dropped_total`.
///
/// In [`isolated`](crate::isolated), it speaks of the functions that were called there.
///
/// Without a recorder it does nothing, but that times are kept. The recorder runs outside all locks of
/// memo's; it may call memo functions.
pub fn publish() {
    keep_times();
    // Each time, as the recorder may be another than the last time.
    describe();
    let all = series();
    for family in FAMILIES {
        all.iter().for_each(|series| publish_number(family, series));
    }
    for (is_singleton, registry) in [(false, memos()), (true, singletons())] {
        for function in registry.all() {
            let labels = [("function", function.name()), ("kind", kind(is_singleton))];
            let Latest { times, dropped, .. } = function.take_latest();
            let histogram = histogram!(COMPUTE_SECONDS, &labels);
            for time in times {
                histogram.record(Duration::from_nanos(time).as_secs_f64());
            }
            // Several functions may have one name.
            counter!(DROPPED, &labels).increment(dropped);
        }
    }
}

fn describe() {
    for Family { name, help, number } in FAMILIES {
        match number {
            Number::Counter(_) => describe_counter!(name, Unit::Count, help),
            Number::Gauge(_) => describe_gauge!(name, Unit::Count, help),
            Number::Bytes(_) => describe_gauge!(name, Unit::Bytes, help),
            Number::Seconds(_) => describe_gauge!(name, Unit::Seconds, help),
        }
    }
    describe_histogram!(COMPUTE_SECONDS, Unit::Seconds, COMPUTE_SECONDS_HELP);
    describe_counter!(DROPPED, Unit::Count, DROPPED_HELP);
}

#[allow(clippy::cast_precision_loss)]
fn publish_number(Family { name, number, .. }: Family, series: &Series) {
    let labels = [("function", series.stats.name), ("kind", series.kind)];
    let value = match number {
        Number::Counter(number) => {
            return counter!(name, &labels).absolute(number(&series.stats));
        }
        Number::Gauge(number) | Number::Bytes(number) => number(series).map(|number| number as f64),
        Number::Seconds(number) => number(series).map(|time| time.as_secs_f64()),
    };
    if let Some(value) = value {
        gauge!(name, &labels).set(value);
    }
}
