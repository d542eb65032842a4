//! Users, in `SQLite`.

use std::time::Duration;

use memo::memo;
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::pool::pool;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: i64,
    pub name: String,
}

/// Who is not there may be there soon: `None` is kept as well, but not for long.
fn life(user: &Option<User>) -> Duration {
    Duration::from_secs(if user.is_some() { 600 } else { 5 })
}

/// With `fresh` the database is asked, and what is cached stays as it is.
#[memo(skip(fresh), enabled = !fresh, ttl = life, max_entries = 10_000)]
pub async fn user(id: i64, fresh: bool) -> Result<Option<User>, Failure> {
    let find = move |connection: &rusqlite::Connection| {
        let mut query = connection.prepare_cached("SELECT name FROM users WHERE id = ?")?;
        query.query_row([id], |row| Ok(User { id, name: row.get(0)? })).optional()
    };
    pool().await?.run(find).await
}

pub async fn save(id: i64, name: String) -> Result<(), Failure> {
    let save = move |connection: &rusqlite::Connection| {
        connection.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", (id, name))
    };
    pool().await?.run(save).await?;
    // After the write: what was read before it, even by a call that has not ended yet, is not
    // returned from here on.
    user::remove(id);
    Ok(())
}
