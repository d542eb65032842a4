//! The cases, in the order of the table, with the marks that memo is to reach.

/// One criterion group, one row of the table.
#[derive(Debug)]
pub struct Case {
    pub id: &'static str,
    pub title: &'static str,
    pub marks: &'static [Mark],
    /// Why a mark is not reached and what was tried, for the table to say when it is not.
    pub note: &'static str,
}

/// How long memo may take at the most, as a multiple.
#[derive(Debug)]
pub struct Mark {
    pub at_most: f64,
    pub against: Against,
}

/// Whose time is multiplied.
#[derive(Clone, Copy, Debug)]
pub enum Against {
    /// The best peer.
    Peers,
    /// The best peer that also computes once for callers that come together.
    Sharing,
    /// This one.
    System(&'static str),
}

const fn of_peers(at_most: f64) -> Mark {
    Mark { at_most, against: Against::Peers }
}

const fn of(system: &'static str, at_most: f64) -> Mark {
    Mark { at_most, against: Against::System(system) }
}

const NONE: &[Mark] = &[];
const HIT: &[Mark] = &[of_peers(0.9)];
const HIT_2T: &[Mark] = &[of_peers(0.5)];
const RECORD: &[Mark] = &[of_peers(1.05)];
const RECORD_2T: &[Mark] = &[of_peers(0.75)];
const OPTION: &[Mark] = &[of_peers(0.7)];
// 0.8 of BLAKE3's rate is 1.25 of its time.
const SLICE: &[Mark] = &[of_peers(0.7), of("blake3", 1.25)];
const COLUMN: &[Mark] = &[of("clone", 1.2)];
const RECORDS: &[Mark] = &[of("clone", 1.1)];
const SINGLETON: &[Mark] = &[of("once_lock", 1.3)];
const MISS: &[Mark] = &[Mark { at_most: 2.5, against: Against::Sharing }];

const fn row(id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    Case { id, title, marks, note: "" }
}

pub const CASES: &[Case] = &[
    row("u64", "`u64`", HIT),
    row("u64-2t", "`u64`, 2 threads", HIT_2T),
    row("integers", "`(u64, u32)`", HIT),
    row("integers-2t", "`(u64, u32)`, 2 threads", HIT_2T),
    row("str-20", "`&str` of 20 B", HIT),
    row("str-20-2t", "`&str` of 20 B, 2 threads", HIT_2T),
    row("str-256", "`&str` of 256 B", HIT),
    row("str-256-2t", "`&str` of 256 B, 2 threads", HIT_2T),
    row("str-1024", "`&str` of 1 KiB", HIT),
    row("str-1024-2t", "`&str` of 1 KiB, 2 threads", HIT_2T),
    row("str-4096", "`&str` of 4 KiB", HIT),
    row("str-4096-2t", "`&str` of 4 KiB, 2 threads", HIT_2T),
    row("str-16384", "`&str` of 16 KiB", HIT),
    row("str-16384-2t", "`&str` of 16 KiB, 2 threads", HIT_2T),
    row("str-65536", "`&str` of 64 KiB", HIT),
    row("str-65536-2t", "`&str` of 64 KiB, 2 threads", HIT_2T),
    row("string", "`&str` of 20 B → `String`", HIT),
    row("string-2t", "`&str` of 20 B → `String`, 2 threads", HIT_2T),
    row("query", "query struct", NONE),
    row("query-2t", "query struct, 2 threads", NONE),
    row("record", "`u64` → record", RECORD),
    row("record-2t", "`u64` → record, 2 threads", RECORD_2T),
    row("u64-many", "`u64`, many keys", HIT),
    row("u64-many-2t", "`u64`, many keys, 2 threads", HIT_2T),
    row("str-many", "`&str` of 20 B, many keys", HIT),
    row("str-many-2t", "`&str` of 20 B, many keys, 2 threads", HIT_2T),
    row("slice", "`&[u64]` of 1 M", SLICE),
    row("slice-2t", "`&[u64]` of 1 M, 2 threads", NONE),
    row("records", "→ 10,000 records", RECORDS),
    row("column", "→ `Vec<f64>` of 1 M", COLUMN),
    row("column-2t", "→ `Vec<f64>` of 1 M, 2 threads", NONE),
    row("columns", "→ struct of columns", NONE),
    row("columns-bulk", "→ struct of columns, `memo::bulk`", COLUMN),
    row("ttl", "`u64` with `ttl`", OPTION),
    row("bounded", "`u64` with `max_entries`", OPTION),
    row("bounded-many", "`u64` with `max_entries`, many keys", OPTION),
    row("async", "`u64`, async", OPTION),
    row("miss-u64", "cold miss, `u64`", MISS),
    row("miss-u64-2t", "cold miss, `u64`, 2 threads", NONE),
    row("miss-string", "cold miss, `&str` of 20 B → `String`", MISS),
    row("churn", "miss and eviction, `u64`", NONE),
    row("stampede", "64 threads, one cold key of 5 ms", NONE),
    row("fib", "recursion `fib(90)`, cold", NONE),
    row("singleton", "singleton", SINGLETON),
    row("singleton-str", "singleton of a `&str`", NONE),
];

/// The case of this name.
///
/// # Panics
/// There is none: the list above lacks a row.
#[must_use]
pub fn case(id: &str) -> &'static Case {
    CASES.iter().find(|case| case.id == id).unwrap_or_else(|| panic!("there is no case `{id}`"))
}
