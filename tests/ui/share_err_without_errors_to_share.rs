use memo::{memo, singleton};

#[memo(share_err)]
fn find(key: u32) -> Option<u32> {
    Some(key)
}

#[memo(share_err, cache_err)]
fn stored(key: u32) -> Result<u32, String> {
    Ok(key)
}

#[singleton(share_err)]
fn pool() -> String {
    String::new()
}

#[memo(share_err = true)]
fn given(key: u32) -> Result<u32, String> {
    Ok(key)
}

fn main() {}
