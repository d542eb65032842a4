//! The standard library's own singleton: a `OnceLock` of an `Arc`, cloned. It takes no arguments.

use std::sync::{Arc, OnceLock};

use crate::work::{self, Pool};

pub fn pool() -> Arc<Pool> {
    static POOL: OnceLock<Arc<Pool>> = OnceLock::new();
    Arc::clone(POOL.get_or_init(|| Arc::new(work::pool(""))))
}
