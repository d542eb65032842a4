//! All functions at a glance.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::function::registry::{memos, singletons};
use crate::function::stats::Stats;

/// A table of all functions: what their caches hold, and what they did.
///
/// Returned by [`report`]. `Display` prints the table, and `Serialize` writes it as data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The functions that have been called, sorted by name.
    pub functions: Vec<FunctionReport>,
}

/// A function in a [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FunctionReport {
    /// Whether the function is a `#[singleton]`; otherwise it is a `#[memo]`.
    pub is_singleton: bool,
    /// The statistics of the function.
    pub stats: Stats,
}

/// Returns the statistics of all memo and singleton functions that have been called.
///
/// # Examples
///
/// ```
/// #[memo::memo]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// square(4);
/// println!("{}", memo::report());
/// # let report = memo::report();
/// # let stats = &report.functions[0].stats;
/// # assert_eq!((report.functions.len(), stats.hits, stats.misses), (1, 1, 1));
/// ```
#[must_use]
pub fn report() -> Report {
    let report = |is_singleton| move |stats| FunctionReport { is_singleton, stats };
    let memos = memos().stats().into_iter().map(report(false));
    let singletons = singletons().stats().into_iter().map(report(true));
    let mut functions: Vec<_> = memos.chain(singletons).collect();
    functions.sort_by_key(|function| function.stats.name);
    Report { functions }
}

impl FunctionReport {
    fn kind(&self) -> &'static str {
        kind(self.is_singleton)
    }

    fn cells(&self) -> [String; COLUMNS] {
        let stats = &self.stats;
        let mean = stats.mean_compute_time().map_or_else(|| "-".to_owned(), time);
        // What a resource takes, only its type knows.
        let bytes = if self.is_singleton { "-".to_owned() } else { size(stats.bytes) };
        [
            stats.name.to_owned(),
            self.kind().to_owned(),
            stats.entries.to_string(),
            bytes,
            stats.hits.to_string(),
            stats.misses.to_string(),
            format!("{:.1}%", 100.0 * stats.hit_ratio()),
            mean,
            time(stats.time_saved()),
        ]
    }
}

/// What a function's attribute is called.
pub(crate) fn kind(is_singleton: bool) -> &'static str {
    if is_singleton {
        "singleton"
    } else {
        "memo"
    }
}

const COLUMNS: usize = 9;
const HEADER: [&str; COLUMNS] =
    ["function", "kind", "entries", "bytes", "hits", "misses", "ratio", "mean", "saved"];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = std::iter::once(HEADER.map(str::to_owned))
            .chain(self.functions.iter().map(FunctionReport::cells))
            .collect();
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            // The texts begin where they do in the row above, the numbers end there.
            let [name, kind, numbers @ ..] = row;
            write!(f, "{name:<0$}  {kind:<1$}", widths[0], widths[1])?;
            for (number, width) in numbers.iter().zip(&widths[2..]) {
                write!(f, "  {number:>width$}")?;
            }
        }
        Ok(())
    }
}

// Input: 1_572_864
// Output: `1.5 MiB`
#[allow(clippy::cast_precision_loss)]
fn size(bytes: usize) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while let Some(larger) = units.next().filter(|_| size >= 1024.0) {
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {unit}")
    }
}

// Input: 1_500 µs
// Output: `1.5 ms`
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if time.is_zero() {
        "0 s".to_owned()
    } else if seconds < 1e-3 {
        format!("{:.1} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 600.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 1)?;
        report.serialize_field("functions", &self.functions)?;
        report.end()
    }
}

impl Serialize for FunctionReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut function = serializer.serialize_struct("FunctionReport", 4)?;
        function.serialize_field("kind", self.kind())?;
        function.serialize_field("stats", &self.stats)?;
        function.serialize_field("hit_ratio", &self.stats.hit_ratio())?;
        function.serialize_field("time_saved", &self.stats.time_saved())?;
        function.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([0, 1023, 1024, 3 << 19].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
        let times = [0, 500, 1_500_000, 2_000_000_000, 3_600_000_000_000];
        assert_eq!(
            times.map(|nanos| time(Duration::from_nanos(nanos))),
            ["0 s", "0.5 µs", "1.5 ms", "2.0 s", "1.0 h"]
        );
    }
}
