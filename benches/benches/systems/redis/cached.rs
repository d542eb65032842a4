//! cached: `#[concurrent_cached(redis = true)]`, which reads the server's place from the environment.

use cached::macros::concurrent_cached;

use crate::work;

#[concurrent_cached(redis = true, ttl_secs = 3600, map_error = r##"|error| format!("{error:?}")"##)]
pub fn bytes(i: u64) -> Result<Vec<u8>, String> {
    Ok(work::bytes(1024, i))
}

#[concurrent_cached(redis = true, ttl_secs = 3600, map_error = r##"|error| format!("{error:?}")"##)]
pub async fn bytes_async(i: u64) -> Result<Vec<u8>, String> {
    Ok(work::bytes(1024, i))
}
