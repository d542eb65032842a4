//! A database that is a stand-in: rows are made up, and what is asked of it is counted.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use anyhow::{bail, Result};
use tokio::sync::Semaphore;

/// Connections to a database.
#[derive(Debug)]
pub struct Pool {
    url: String,
    connections: Semaphore,
    queries: AtomicU32,
    is_open: AtomicBool,
}

impl Pool {
    pub async fn connect(url: &str) -> Result<Self> {
        tokio::task::yield_now().await;
        if !url.starts_with("db://") {
            bail!("`{url}` is no database");
        }
        Ok(Self {
            url: url.to_owned(),
            connections: Semaphore::new(2),
            queries: AtomicU32::new(0),
            is_open: AtomicBool::new(true),
        })
    }

    /// The name of a product, of which each tenant has three; no database knows number 13.
    pub async fn query(&self, tenant: &str, id: u32) -> Result<Option<String>> {
        let _connection = self.connections.acquire().await?;
        self.queries.fetch_add(1, SeqCst);
        if id == 13 {
            bail!("the row is locked");
        }
        Ok((1..=3).contains(&id).then(|| format!("{tenant}'s {id} in {}", self.url)))
    }

    /// How often it was asked.
    pub fn queries(&self) -> u32 {
        self.queries.load(SeqCst)
    }

    pub fn is_open(&self) -> bool {
        self.is_open.load(SeqCst)
    }

    pub fn close(&self) {
        self.is_open.store(false, SeqCst);
    }

    /// Every connection, until they are dropped: whoever asks waits.
    pub async fn occupy(&self) -> impl Drop + '_ {
        self.connections.acquire_many(2).await.expect("the semaphore is never closed")
    }
}
