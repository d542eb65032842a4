//! Functions with names and numbers of all kinds.

use std::time::Duration;

#[memo::memo(max_entries = 2, max_bytes = "1 MiB", ttl = "90m")]
pub fn square(x: u64) -> u64 {
    x * x
}

/// Fails, and shares its name with the next one.
#[memo::memo(name = "shared \"name\" \\ with a\nline")]
pub fn half(x: u64) -> Result<u64, String> {
    if x % 2 == 1 {
        return Err(format!("{x} is odd"));
    }
    Ok(x / 2)
}

#[memo::memo(name = "shared \"name\" \\ with a\nline", ttl = Duration::MAX)]
pub fn double(x: u64) -> u64 {
    2 * x
}

#[memo::singleton(name = "größe")]
pub fn pool() -> Vec<u64> {
    vec![]
}

/// Calls them all, some of them twice.
pub fn work() {
    for x in [1, 2, 3, 3] {
        square(x);
        double(x);
        // Half of them are errors.
        let _ = half(x);
    }
    pool();
}
