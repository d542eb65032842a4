//! The cached functions: pages of rows, and a square that takes its time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memo::memo;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::failure::Failure;
use crate::pool::Pool;

/// Stands for the way to a database that is on another machine.
const DISTANCE: Duration = Duration::from_millis(40);

/// Stands for the work that a harder function has.
const EFFORT: Duration = Duration::from_millis(250);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub accession: String,
    pub start: u32,
    pub end: u32,
    pub sequence: String,
}

/// Whether the body of a function ran for a call. It is no part of the key, and so the one way to tell
/// that is right whoever else calls and clears meanwhile.
#[derive(Debug, Default)]
pub struct Ran(AtomicBool);

impl Ran {
    fn note(&self) {
        self.0.store(true, Relaxed);
    }
}

/// A result, and what it took to get it.
#[derive(Debug)]
pub struct Answer<T> {
    pub value: T,
    pub took: Duration,
    pub is_computed: bool,
}

impl<T> Answer<T> {
    pub fn new(value: T, begin: Instant, ran: &Ran) -> Self {
        Self { value, took: begin.elapsed(), is_computed: ran.0.load(Relaxed) }
    }
}

/// Pages are counted from 1. The twenty latest are kept, so that some are evicted now and then.
#[memo(max_entries = 20)]
pub async fn get_page(
    _pool: &Arc<Pool>,
    _ran: &Ran,
    page_size: u32,
    page: u32,
) -> Result<Vec<Row>, Failure> {
    _ran.note();
    sleep(DISTANCE).await;
    let query = move |connection: &rusqlite::Connection| {
        let mut query = connection.prepare_cached(
            "SELECT accession, start, end, sequence FROM rna
             ORDER BY length(sequence), accession, start LIMIT ? OFFSET ?",
        )?;
        let skipped = i64::from(page_size) * (i64::from(page) - 1);
        let rows = query.query_map(params![page_size, skipped], |row| {
            Ok(Row {
                accession: row.get(0)?,
                start: row.get(1)?,
                end: row.get(2)?,
                sequence: row.get(3)?,
            })
        })?;
        rows.collect()
    };
    Arc::clone(_pool).run(query).await
}

/// The square of an `i32` always is an `i64`. Bounded, as everything is that others have the arguments of.
#[memo(max_entries = 1_000)]
pub async fn square(_ran: &Ran, x: i32) -> i64 {
    _ran.note();
    sleep(EFFORT).await;
    i64::from(x) * i64::from(x)
}
