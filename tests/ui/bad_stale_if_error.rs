use memo::{memo, singleton};

#[memo(ttl = "1m", stale_if_error = "1h")]
fn plain(key: u32) -> u32 {
    key
}

#[memo(stale_if_error = "1h")]
fn lasting(key: u32) -> Result<u32, String> {
    Ok(key)
}

#[memo(ttl = "1m", stale_if_error = "0s")]
fn nothing(key: u32) -> Result<u32, String> {
    Ok(key)
}

#[memo(ttl = "1m", stale_if_error)]
fn how_long(key: u32) -> Result<u32, String> {
    Ok(key)
}

#[singleton(ttl = "1m", stale_if_error = "1h")]
fn pool(key: u32) -> Result<u32, String> {
    Ok(key)
}

fn main() {}
