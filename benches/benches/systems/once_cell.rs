//! once_cell's `OnceCell` of an `Arc`, cloned. It takes no arguments.

use std::sync::Arc;

use ::once_cell::sync::OnceCell;

use crate::work::{self, Pool};

pub fn pool() -> Arc<Pool> {
    static POOL: OnceCell<Arc<Pool>> = OnceCell::new();
    Arc::clone(POOL.get_or_init(|| Arc::new(work::pool(""))))
}
