//! A year of rates from an archive that takes longer than most clients wait.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

use memo::memo;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::failure::Failure;

/// How long the archive takes, and how long a client waits.
const TAKES: Duration = Duration::from_millis(200);
const WAITS: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    pub currency: String,
    pub per_euro: Vec<f64>,
    /// The archive's number of its answer, which shows how often it was asked.
    pub answer: u64,
}

/// Stands for a slow server.
#[derive(Debug, Default)]
pub struct Archive {
    answers: AtomicU64,
}

impl Archive {
    async fn load(&self, currency: &str) -> History {
        sleep(TAKES).await;
        let answer = 1 + self.answers.fetch_add(1, Relaxed);
        let per_euro = (0..12).map(|month| 1.25 + f64::from(month) / 100.0).collect();
        History { currency: currency.to_owned(), per_euro, answer }
    }
}

/// A task of its own, which nobody who gives up undoes: however many clients do, the archive is asked
/// once. Its arguments are cloned for the task, hence the `Arc`.
#[memo(ttl = "1d", detached)]
async fn load(_archive: &Arc<Archive>, currency: &str) -> History {
    _archive.load(currency).await
}

/// What a client gets that waits for no longer than it has to.
pub async fn history(archive: &Arc<Archive>, currency: &str) -> Result<History, Failure> {
    let loaded = timeout(WAITS, load(archive, currency)).await;
    loaded.map_err(|_| Failure::unavailable("the archive takes its time: ask again"))
}
