//! The text for a scrape, read by a parser that is not memo's. `.ci/openmetrics` has the reference
//! parser read it as well, which is written in Python.

use openmetrics_parser::openmetrics::parse_openmetrics;
use openmetrics_parser::{
    MetricFamily, MetricsExposition, OpenMetricsType, OpenMetricsValue, SummaryValue,
};

type Exposition = MetricsExposition<OpenMetricsType, OpenMetricsValue>;

const SHARED: &str = "shared \"name\" \\ with a\nline";

fn value<'e>(
    exposition: &'e Exposition,
    family: &str,
    function: &str,
) -> Option<&'e OpenMetricsValue> {
    let family: &MetricFamily<_, _> = exposition.families.get(family)?;
    let mut values = family.iter_samples().filter_map(|sample| {
        let labels = sample.get_labelset().unwrap();
        let is_meant = labels.get_label_value("function") == Some(function);
        is_meant.then_some(&sample.value)
    });
    let value = values.next();
    assert!(values.next().is_none(), "{function:?} is there twice");
    value
}

fn number(exposition: &Exposition, family: &str, function: &str) -> Option<f64> {
    match value(exposition, family, function)? {
        OpenMetricsValue::Counter(counter) => Some(counter.value.as_f64()),
        OpenMetricsValue::Gauge(number) => Some(number.as_f64()),
        other => panic!("{family} is {other:?}"),
    }
}

#[test]
fn the_text_says_what_the_functions_did() {
    observed::work();
    let text = memo::openmetrics();
    let exposition = parse_openmetrics(&text).unwrap();

    let square = |name| number(&exposition, name, "observed::square");
    assert_eq!((square("memo_hits"), square("memo_misses")), (Some(1.0), Some(3.0)));
    assert_eq!(square("memo_max_entries"), Some(2.0));
    assert_eq!(square("memo_max_bytes"), Some(1_048_576.0));
    assert_eq!(square("memo_ttl_seconds"), Some(5400.0));

    // Two functions, one of which fails for odd numbers.
    let shared = |name| number(&exposition, name, SHARED);
    assert_eq!((shared("memo_hits"), shared("memo_misses")), (Some(1.0), Some(7.0)));
    assert_eq!(shared("memo_ttl_seconds"), None);
    match value(&exposition, "memo_compute_seconds", SHARED) {
        Some(OpenMetricsValue::Summary(SummaryValue { sum, count, quantiles, .. })) => {
            assert!(sum.is_some_and(|sum| sum.as_f64() >= 0.0));
            assert_eq!((count, quantiles.len()), (&Some(7), 0));
        }
        other => panic!("{other:?}"),
    }

    assert_eq!(number(&exposition, "memo_entries", "größe"), Some(1.0));
    assert_eq!(exposition.families["memo_ttl_seconds"].unit, "seconds");
    assert_eq!(exposition.families["memo_bytes"].unit, "bytes");
}
