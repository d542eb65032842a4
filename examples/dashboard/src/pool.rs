//! Connections to the database, which is in memory and this process's alone.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use memo::singleton;
use rusqlite::{params_from_iter, Connection, OpenFlags};

use crate::failure::Failure;

/// 5S ribosomal RNAs of the Rfam database; `examples/data/README.md` tells where they come from.
const RFAM_5S: &str = include_str!("../../data/rfam_5s_rrna.tsv");

/// Connections wait here between two queries; a query that finds none opens another.
#[derive(Debug)]
pub struct Pool {
    database: String,
    rows: u32,
    idle: Mutex<Vec<Connection>>,
    /// The database is there for as long as a connection to it is.
    _kept: Mutex<Connection>,
}

/// Everybody who asks gets the same `Arc<Pool>`. A failure is not kept: the next call tries again.
#[singleton]
pub async fn pool() -> Result<Pool, Failure> {
    blocking(Pool::create).await
}

impl Pool {
    fn create() -> rusqlite::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let name = format!("memo-dashboard-{}-{number}", process::id());
        let database = format!("file:{name}?mode=memory&cache=shared");
        let mut connection = open(&database)?;
        let rows = build(&mut connection)?;
        Ok(Self { database, rows, idle: Mutex::default(), _kept: Mutex::new(connection) })
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Runs a query where it may block.
    pub async fn run<T: Send + 'static>(
        self: Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        blocking(move || {
            let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = idle().pop();
            let connection = match waiting {
                Some(connection) => connection,
                None => open(&self.database)?,
            };
            let result = query(&connection);
            idle().push(connection);
            result
        })
        .await
    }
}

fn open(database: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags)
}

/// Returns the number of rows.
fn build(connection: &mut Connection) -> rusqlite::Result<u32> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE rna (accession TEXT, start INTEGER, end INTEGER, sequence TEXT)",
    )?;
    let mut insert = transaction.prepare("INSERT INTO rna VALUES (?, ?, ?, ?)")?;
    let mut rows = 0;
    for line in RFAM_5S.lines().skip(1) {
        insert.execute(params_from_iter(line.split('\t')))?;
        rows += 1;
    }
    drop(insert);
    transaction.commit()?;
    Ok(rows)
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(run).await;
    result.map_err(Failure::internal)?.map_err(Failure::internal)
}
