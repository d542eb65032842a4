use memo::{memo, singleton};

#[memo(on_release = drop)]
fn double(x: u32) -> u32 {
    2 * x
}

#[singleton(cache_err)]
fn text(x: u32) -> Result<String, u32> {
    Err(x)
}

fn main() {}
