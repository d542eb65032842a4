//! Connections to the database, which is in memory and this process's alone.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use memo::singleton;
use rusqlite::{params_from_iter, Connection, OpenFlags};

use crate::failure::Failure;

/// 5S ribosomal RNAs of the Rfam database; `examples/data/README.md` tells where they come from.
const RFAM_5S: &str = include_str!("../../data/rfam_5s_rrna.tsv");

/// Connections wait here between two queries; a query that finds none opens another.
#[derive(Debug)]
pub struct Pool {
    database: String,
    idle: Mutex<Vec<Connection>>,
    /// The database is there for as long as a connection to it is.
    _kept: Mutex<Connection>,
}

/// How many rows there are. Whoever only wants to know which pages there are, as `/explain` does, makes no
/// pool for it and is no hit of one.
pub fn rows_in_all() -> u32 {
    static ROWS: LazyLock<u32> = LazyLock::new(|| {
        u32::try_from(lines().count()).expect("a file in the binary is not so long")
    });
    *ROWS
}

/// The lines that are rows: the first has the names of the columns.
fn lines() -> impl Iterator<Item = &'static str> {
    RFAM_5S.lines().skip(1)
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
        build(&mut connection)?;
        Ok(Self { database, idle: Mutex::default(), _kept: Mutex::new(connection) })
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

fn build(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE rna (accession TEXT, start INTEGER, end INTEGER, sequence TEXT)",
    )?;
    let mut insert = transaction.prepare("INSERT INTO rna VALUES (?, ?, ?, ?)")?;
    for line in lines() {
        insert.execute(params_from_iter(line.split('\t')))?;
    }
    drop(insert);
    transaction.commit()
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(run).await;
    result.map_err(Failure::internal)?.map_err(Failure::internal)
}
