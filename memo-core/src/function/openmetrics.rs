//! The statistics as a text that Prometheus and its like read.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use crate::function::series::{
    series, Family, Number, Series, COMPUTE_SECONDS, COMPUTE_SECONDS_HELP, FAMILIES,
};

/// Returns the statistics of all memo and singleton functions that have been called, as text in the
/// format OpenMetrics 1.0.
///
/// This is what a scrape is to be answered with, as
/// `application/openmetrics-text; version=1.0.0; charset=utf-8`. Each sample has the label `function`,
/// the function's name as [`Stats::name`](crate::Stats::name) spells it, and `kind`, which is `memo` or
/// `singleton`. Where the option `name` gives several functions of a kind one name, their numbers are
/// added up; what only some of them have (a bound, a `ttl`) is then left out.
///
/// `memo_compute_seconds` has the number and the sum of the times that bodies took, errors included. Its
/// count is not that of the misses: a body that panics has no time, and a refresh is no miss.
///
/// In [`isolated`](crate::isolated), the text is about the functions that were called there.
///
/// # Examples
///
/// ```
/// #[memo::memo(name = "square")]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// square(4);
/// let text = memo::openmetrics();
/// assert!(text.contains("memo_hits_total{function=\"square\",kind=\"memo\"} 1\n"));
/// assert!(text.ends_with("# EOF\n"));
/// ```
#[must_use]
pub fn openmetrics() -> String {
    let mut text = String::new();
    // A `String` takes whatever is written.
    let _ = write(&mut text, &series());
    text
}

fn write(text: &mut String, series: &[Series]) -> fmt::Result {
    for Family { name, help, number } in FAMILIES {
        let mut samples = String::new();
        for series in series {
            let labels = Labels(series);
            match number {
                Number::Counter(number) => {
                    writeln!(samples, "{name}{labels} {}", number(&series.stats))?;
                }
                Number::Gauge(number) | Number::Bytes(number) => {
                    if let Some(number) = number(series) {
                        writeln!(samples, "{name}{labels} {number}")?;
                    }
                }
                Number::Seconds(number) => {
                    if let Some(time) = number(series) {
                        writeln!(samples, "{name}{labels} {}", Seconds(time))?;
                    }
                }
            }
        }
        let (name, kind, unit) = match number {
            // The name of the family is that of its samples without their ending.
            Number::Counter(_) => (name.trim_end_matches("_total"), "counter", None),
            Number::Gauge(_) => (name, "gauge", None),
            Number::Bytes(_) => (name, "gauge", Some("bytes")),
            Number::Seconds(_) => (name, "gauge", Some("seconds")),
        };
        write_family(text, name, kind, unit, help, &samples)?;
    }
    let mut samples = String::new();
    for series in series {
        let (labels, time) = (Labels(series), Seconds(series.stats.compute_time));
        writeln!(samples, "{COMPUTE_SECONDS}_count{labels} {}", series.computations)?;
        writeln!(samples, "{COMPUTE_SECONDS}_sum{labels} {time}")?;
    }
    let (name, help) = (COMPUTE_SECONDS, COMPUTE_SECONDS_HELP);
    // The name says the unit; a line that says it of a summary is allowed, but not to all readers.
    write_family(text, name, "summary", None, help, &samples)?;
    text.write_str("# EOF\n")
}

/// A family of which there is no sample is left out.
fn write_family(
    text: &mut String,
    name: &str,
    kind: &str,
    unit: Option<&str>,
    help: &str,
    samples: &str,
) -> fmt::Result {
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(text, "# TYPE {name} {kind}")?;
    if let Some(unit) = unit {
        writeln!(text, "# UNIT {name} {unit}")?;
    }
    writeln!(text, "# HELP {name} {help}")?;
    text.write_str(samples)
}

struct Labels<'s>(&'s Series);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{function=\"")?;
        for letter in self.0.stats.name.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                letter => f.write_char(letter)?,
            }
        }
        write!(f, "\",kind=\"{}\"}}", self.0.kind)
    }
}

/// Seconds with all their digits and no exponent, of which readers make different things.
// Input: 1_500 ms
// Output: `1.5`
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, mut fraction, mut digits) = (self.0.as_secs(), self.0.subsec_nanos(), 9);
        while digits > 1 && fraction % 10 == 0 {
            (fraction, digits) = (fraction / 10, digits - 1);
        }
        write!(f, "{seconds}.{fraction:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_all_their_digits_and_at_least_one() {
        let text = |nanos| Seconds(Duration::from_nanos(nanos)).to_string();
        assert_eq!(text(0), "0.0");
        assert_eq!(text(1), "0.000000001");
        assert_eq!(text(60_000_000_000), "60.0");
        assert_eq!(text(1_500_000_000), "1.5");
        assert_eq!(text(1_020_300_000), "1.0203");
        assert_eq!(text(u64::MAX), "18446744073.709551615");
    }

    #[test]
    fn without_functions_there_is_only_the_end() {
        let mut text = String::new();
        write(&mut text, &[]).unwrap();
        assert_eq!(text, "# EOF\n");
    }
}
