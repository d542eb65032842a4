//! Connections to the database, which is a file of this run's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, process};

use memo::singleton;
use rusqlite::Connection;

use crate::failure::Failure;

/// Connections wait here between two queries; a query that finds none opens another.
#[derive(Debug)]
pub struct Pool {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// Everybody who asks gets the same `Arc<Pool>`. A failure is not kept: the next call tries again.
#[singleton(on_release = Pool::delete)]
pub async fn pool() -> Result<Pool, Failure> {
    blocking(Pool::create).await
}

impl Pool {
    fn create() -> rusqlite::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let file = format!("memo-api-{}-{number}.sqlite", process::id());
        let database = env::temp_dir().join(file);
        let connection = Connection::open(&database)?;
        connection.execute_batch(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger');",
        )?;
        Ok(Self { database, idle: Mutex::new(vec![connection]) })
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
                None => Connection::open(&self.database)?,
            };
            let result = query(&connection);
            idle().push(connection);
            result
        })
        .await
    }

    /// The file is nobody's once the pool is gone; that it cannot be deleted is no reason to fail.
    fn delete(&self) {
        let _ = fs::remove_file(&self.database);
    }
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(run).await;
    result.map_err(Failure::internal)?.map_err(Failure::internal)
}
