use memo::{memo, singleton};

#[memo(spinner)]
fn square(x: u64) -> u64 {
    x * x
}

#[singleton(spinner = "Connecting")]
fn pool() -> u64 {
    1
}

#[memo(spinner = true)]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[memo(spinner = "")]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {}
