//! What is cached: the bodies, the same for every system, and the types they take and give.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Long enough that nothing expires while it is measured.
pub const TTL: Duration = Duration::from_secs(3600);

/// Entries, where there is a bound: more than [`MANY`] by what unevenly filled shards need.
pub const BOUND: usize = 10_000;

/// Keys, where there are many: a power of two.
pub const MANY: u64 = 8192;

/// Elements of what is large.
pub const LARGE: usize = 1_000_000;

/// Bytes of the largest result that is kept in files.
pub const LARGEST_FILE: usize = 10_000_000;

/// The `i`-th of [`MANY`] keys, in no order that memory likes.
pub fn scattered(i: u64) -> u64 {
    i.wrapping_mul(0x9E37_79B9_7F4A_7C15) & (MANY - 1)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Query {
    pub table: String,
    pub columns: Vec<String>,
    pub filter: Option<String>,
    pub page_size: u32,
    pub page: u32,
    pub descending: bool,
}

impl Query {
    pub fn example() -> Self {
        Self {
            table: "sequences".into(),
            columns: vec!["upi".into(), "len".into(), "taxid".into()],
            filter: Some("len > 100 and taxid = 9606".into()),
            page_size: 50,
            page: 7,
            descending: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub tags: Vec<String>,
    pub score: f64,
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    pub time: Vec<f64>,
    pub price: Vec<f64>,
    pub volume: Vec<u64>,
}

/// A resource.
pub struct Pool {
    _url: String,
}

pub fn number(n: u64) -> u64 {
    n.wrapping_mul(n)
}

pub fn integers(a: u64, b: u32) -> u64 {
    a.wrapping_add(b.into())
}

/// What may fail, and does not.
pub fn answer(n: u64) -> Result<u64, String> {
    Ok(number(n))
}

pub fn text(text: &str) -> u64 {
    text.bytes().map(u64::from).sum()
}

pub fn string(name: &str) -> String {
    format!("Hello, {name}!")
}

pub fn query(query: &Query) -> u64 {
    u64::from(query.page) * u64::from(query.page_size)
}

pub fn slice(values: &[u64]) -> u64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
}

pub fn record(id: u64) -> Record {
    Record {
        id,
        name: format!("Ada Lovelace the {id}th"),
        email: format!("ada.{id}@example.org"),
        tags: ["analyst", "metaphysician", "founder"].map(String::from).to_vec(),
        score: id as f64 / 7.0,
        active: id & 1 == 1,
    }
}

pub fn records(count: u64) -> Vec<Record> {
    (0..count).map(record).collect()
}

pub fn column(count: u64) -> Vec<f64> {
    (0..count).map(|i| i as f64 / 3.0).collect()
}

pub fn columns(count: u64) -> Columns {
    Columns { time: column(count), price: column(count), volume: (0..count).collect() }
}

pub fn pool(url: &str) -> Pool {
    Pool { _url: url.into() }
}

/// Bytes as of a picture or an archive, others for each `i`: nothing can be left out or shared.
pub fn bytes(len: usize, i: u64) -> Vec<u8> {
    static SOURCE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..LARGEST_FILE).map(|_| next()).collect()
    });
    let mut bytes = SOURCE[..len].to_vec();
    bytes[..8].copy_from_slice(&i.to_le_bytes());
    bytes
}

/// Some milliseconds of a core's time, whoever else wants the core.
pub fn slow(seed: u64) -> u64 {
    (0..4_000_000).fold(seed, |state, _| {
        black_box(state).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
    })
}
