//! Pages of RNA sequences out of `SQLite`: the pool is shared by reference, the pages are cached by
//! value. `cargo run --manifest-path examples/rna_pages/Cargo.toml`

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{env, fs, process};

use memo::{memo, singleton};
use rusqlite::{params, Connection, OpenFlags};
use serde::{Deserialize, Serialize};

/// 5S ribosomal RNAs of the Rfam database; `examples/data/README.md` tells where they come from.
const RFAM_5S: &str = include_str!("../../data/rfam_5s_rrna.tsv");

type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    accession: String,
    start: u32,
    end: u32,
    sequence: String,
}

/// Connections wait here between two queries; a query that finds none opens another.
struct Pool {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    fn open(database: PathBuf) -> rusqlite::Result<Self> {
        let pool = Self { database, idle: Mutex::default() };
        pool.with(|_| Ok(()))?;
        Ok(pool)
    }

    fn with<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let connection = match waiting {
            Some(connection) => connection,
            None => Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let result = query(&connection);
        idle().push(connection);
        result
    }
}

/// Everybody who asks gets the same `Arc<Pool>`. A failure is not kept: the next call tries again.
#[singleton]
fn pool(database: &Path) -> Result<Pool, Error> {
    if !database.exists() {
        println!("    building {}", database.display());
        build(database)?;
    }
    println!("    opening the pool");
    Ok(Pool::open(database.to_owned())?)
}

/// The pool is not part of the key (hence the underscore), and need not be serializable.
#[memo]
fn get_page(_pool: &Pool, page_size: u32, page: u32) -> rusqlite::Result<Vec<Row>> {
    println!("    querying page {page}");
    _pool.with(|connection| {
        let mut query = connection.prepare_cached(
            "SELECT accession, start, end, sequence FROM rna
             ORDER BY length(sequence), accession, start LIMIT ? OFFSET ?",
        )?;
        let skipped = i64::from(page_size) * i64::from(page);
        let rows = query.query_map(params![page_size, skipped], |row| {
            Ok(Row {
                accession: row.get(0)?,
                start: row.get(1)?,
                end: row.get(2)?,
                sequence: row.get(3)?,
            })
        })?;
        rows.collect()
    })
}

fn build(database: &Path) -> Result<(), Error> {
    // Renamed when complete, so that an interrupted run leaves no half database behind.
    let unfinished = database.with_extension(process::id().to_string());
    let mut connection = Connection::open(&unfinished)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE rna (accession TEXT, start INTEGER, end INTEGER, sequence TEXT)",
    )?;
    let mut insert = transaction.prepare("INSERT INTO rna VALUES (?, ?, ?, ?)")?;
    for line in RFAM_5S.lines().skip(1) {
        insert.execute(rusqlite::params_from_iter(line.split('\t')))?;
    }
    drop(insert);
    transaction.commit()?;
    drop(connection);
    Ok(fs::rename(unfinished, database)?)
}

fn show(label: &str, page: u32) -> Result<Vec<Row>, Error> {
    let start = Instant::now();
    let pool = pool(&env::temp_dir().join("memo-rfam-5s.sqlite"))?;
    let rows = get_page(&pool, 3, page)?;
    println!("page {page}, {label}: {:?}", start.elapsed());
    for Row { accession, start, end, sequence } in &rows {
        println!(
            "{:>20}  {:>3} nt  {:.50}…",
            format!("{accession}/{start}-{end}"),
            sequence.len(),
            sequence
        );
    }
    Ok(rows)
}

fn main() -> Result<(), Error> {
    show("pool opened, queried", 0)?;
    show("queried", 1)?;
    let mut rows = show("from the cache", 0)?;

    // A page belongs to whoever got it.
    rows.truncate(1);
    for row in &mut rows {
        row.sequence.make_ascii_lowercase();
    }
    println!("\nmy copy, edited: {rows:?}\n");
    show("from the cache, unharmed", 0)?;

    get_page::clear();
    println!("\nget_page::clear() forgets the pages, not the pool");
    show("queried", 0)?;
    Ok(())
}
