//! Exchange rates of a bank, which is down now and then.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use memo::memo;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rate {
    pub currency: String,
    pub per_euro: f64,
    /// The bank's number of its answer, which shows whether it was asked.
    pub answer: u64,
}

/// Stands for a server of another company's.
#[derive(Debug, Default)]
pub struct Bank {
    is_down: AtomicBool,
    answers: AtomicU64,
}

impl Bank {
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Relaxed);
    }

    async fn quote(&self, currency: &str) -> Result<Rate, Failure> {
        tokio::task::yield_now().await;
        if self.is_down.load(Relaxed) {
            return Err(Failure::unavailable("the bank does not answer"));
        }
        let per_euro = match currency {
            "USD" => 1.25,
            "GBP" => 0.85,
            _ => return Err(Failure::not_found(format!("there is no rate of `{currency}`"))),
        };
        let answer = 1 + self.answers.fetch_add(1, Relaxed);
        Ok(Rate { currency: currency.to_owned(), per_euro, answer })
    }
}

/// Asked again after 50 to 60 seconds, and not for all currencies in the same one. While the bank is
/// down yesterday's rate is better than none, and where there is none all who wait learn so at once.
#[memo(ttl = "1m", jitter = "10s", stale_if_error = "1d", share_err)]
pub async fn rate(_bank: &Bank, currency: &str) -> Result<Rate, Failure> {
    _bank.quote(currency).await
}
