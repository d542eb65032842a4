use memo::memo;

#[memo(version)]
fn double(x: u32) -> u32 {
    2 * x
}

#[memo(cache_err = true)]
fn triple(x: u32) -> u32 {
    3 * x
}

fn main() {}
