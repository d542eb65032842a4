//! The stores that an option names.

use std::sync::Arc;

use super::{Store, Unavailable};

/// Opens the store of `store = "redis"`.
#[cfg(feature = "redis")]
#[doc(hidden)]
pub fn redis() -> Arc<dyn Store> {
    match super::RedisStore::in_default_place() {
        Some(redis) => Arc::new(redis),
        None => Arc::new(Unavailable("`MEMO_REDIS_URL` is not set")),
    }
}

/// Opens the store of `store = "disk"`, the same for all functions.
#[cfg(feature = "disk")]
#[doc(hidden)]
pub fn disk() -> Arc<dyn Store> {
    static DISK: once_cell::sync::OnceCell<Arc<dyn Store>> = once_cell::sync::OnceCell::new();
    const NOT_NAMED: &str = if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        "this platform has no files"
    } else {
        "the environment names no directory: set `MEMO_CACHE_DIR`"
    };
    let disk = DISK.get_or_init(|| match super::DiskStore::in_default_place() {
        Some(disk) => Arc::new(disk),
        None => Arc::new(Unavailable(NOT_NAMED)),
    });
    Arc::clone(disk)
}
