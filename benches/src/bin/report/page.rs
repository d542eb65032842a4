//! The rows of the tables of a page.
//!
//! The chart is drawn from what the page says, so that the two agree, and so that it can be drawn again
//! when criterion's files are gone.

use std::io;

use memo_benches::{Case, CASES};

/// A case, and memo beside the fastest peer; times are nanoseconds.
#[derive(Debug)]
pub struct Row {
    pub case: &'static Case,
    pub memo: f64,
    pub peer: String,
    pub peers_time: f64,
}

impl Row {
    /// Memo's time as a multiple of the peer's.
    pub fn ratio(&self) -> f64 {
        self.memo / self.peers_time
    }
}

/// The cases that have a peer, in the order of the page.
///
/// # Errors
/// There is no table of cases, or one of its lines cannot be understood: a chart without it would hide it.
pub fn rows(page: &str) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut heads: Option<Vec<&str>> = None;
    let mut tables = 0;
    for line in page.lines() {
        let cells = cells(line);
        match &heads {
            _ if !line.starts_with('|') => heads = None,
            None if cells.starts_with(&["case", "memo"]) => {
                heads = Some(cells);
                tables += 1;
            }
            Some(heads) if cells[0] != "---" => {
                let table = Table { heads, cells: &cells };
                rows.extend(table.row().ok_or_else(|| unclear(line))?);
            }
            _ => {}
        }
    }
    if tables == 0 {
        return Err(unclear("no table begins with `| case | memo |`"));
    }
    Ok(rows)
}

/// One line of a table, below its heads.
struct Table<'a> {
    heads: &'a [&'a str],
    cells: &'a [&'a str],
}

impl Table<'_> {
    /// The inner `None` is a case that no peer has.
    fn row(&self) -> Option<Option<Row>> {
        let title = self.cell("case")?;
        let case = CASES.iter().find(|case| case.title == title)?;
        let peer = self.cell("best peer")?;
        if peer == "–" {
            return Some(None);
        }
        let memo = nanos(self.cell("memo")?)?;
        let peers_time = self.cell(peer).map_or_else(|| self.other(peer), nanos)?;
        Some(Some(Row { case, memo, peer: peer.to_owned(), peers_time }))
    }

    fn cell(&self, head: &str) -> Option<&str> {
        let index = self.heads.iter().position(|it| *it == head)?;
        self.cells.get(index).copied()
    }

    /// The time of a system without a column: `clone 77.6 ns, once_cell 13.8 ns`.
    fn other(&self, system: &str) -> Option<f64> {
        let mut others = self.cell("others")?.split(", ");
        others.find_map(|other| nanos(other.strip_prefix(system)?.strip_prefix(' ')?))
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// What `table::human` writes.
fn nanos(text: &str) -> Option<f64> {
    let (value, unit) = text.split_once(' ')?;
    let factor = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        _ => return None,
    };
    Some(value.parse::<f64>().ok()? * factor)
}

fn unclear(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::human;

    const HEADS: &str = "| case | memo | best peer | memo / best | mark | cached | others |\n\
                         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";

    fn page(line: &str) -> String {
        format!(
            "# A page\n\n| other | table |\n| --- | --- |\n| a | b |\n\n{HEADS}{line}\n\nText.\n"
        )
    }

    fn only(line: &str) -> Row {
        rows(&page(line)).unwrap().remove(0)
    }

    #[test]
    fn a_peer_is_found_in_its_column() {
        let row = only("| `u64`, 2 threads | 2.06 ns | cached | **0.05** | ✓ | 39.5 ns |  |");
        assert_eq!((row.case.id, row.peer.as_str()), ("u64-2t", "cached"));
        assert_eq!((row.memo, row.peers_time), (2.06, 39.5));
    }

    #[test]
    fn a_peer_without_a_column_is_found_among_the_others() {
        let others = "tmp + rename 15.7 µs, cached without fsync 14.0 µs, cacache 45.2 µs";
        let best = "cached without fsync";
        let row = only(&format!("| disk write, 64 B | 17.9 µs | {best} | – | | – | {others} |"));
        assert_eq!((row.memo, row.peers_time), (17_900.0, 14_000.0));
    }

    #[test]
    fn a_case_without_a_peer_is_left_out() {
        let lines = "| `u64` in memory, before Redis | 14.4 ns | – | – | | – | |\n\
                     | Redis miss, 1 KiB | 171 µs | cached | **0.53** | | 321 µs | |";
        assert_eq!(only(lines).case.id, "redis-miss");
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_shows_it() {
        for line in [
            "| no such case | 2.06 ns | cached | **0.05** | | 39.5 ns | |",
            "| `u64` | soon | cached | **0.05** | | 39.5 ns | |",
            "| `u64` | 2.06 ns | cached | **0.05** | | – | |",
            "| `u64` | 2.06 ns | moka | **0.05** | | 39.5 ns | |",
            "| `u64` | 2.06 ns |",
        ] {
            assert_eq!(rows(&page(line)).unwrap_err().to_string(), line);
        }
    }

    #[test]
    fn a_page_without_cases_is_an_error() {
        assert!(rows("# A page\n").is_err());
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for time in [2.06, 39.5, 318.0, 1_060.0, 65_500.0, 922_000.0, 4_040_000.0] {
            let read = nanos(&human(time)).unwrap();
            assert!((read / time - 1.0).abs() < 1e-12, "{time} ns was read as {read}");
        }
    }
}
