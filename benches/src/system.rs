//! The systems, by the names under which criterion keeps their results.

/// The peers with a column of their own in the table.
const COLUMNS: &[&str] =
    &["naive", "cached", "concurrent_cached", "memoize", "comemo", "moka", "quick_cache"];

/// The peers that run the body once for callers that come together.
pub const SHARING: &[&str] = &["cached_by_key", "moka", "quick_cache"];

/// What bounds any cache from below: no peers.
pub const BASELINES: &[&str] = &["clone", "blake3", "plain file + blake3", "tmp + rename"];

/// The peers that nearly every case has, in the order of the table.
#[must_use]
pub fn columns() -> &'static [&'static str] {
    COLUMNS
}

/// Of memo: no peers.
const OURS: &[&str] = &["memo", "memo's store", "memo without a store"];

/// Whether a user could pick it instead of memo.
#[must_use]
pub fn is_peer(system: &str) -> bool {
    !OURS.contains(&system) && !BASELINES.contains(&system)
}
