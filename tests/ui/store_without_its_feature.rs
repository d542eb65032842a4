use memo::memo;

#[memo(store = "redis")]
fn double(x: u32) -> u32 {
    2 * x
}

#[memo(store = "tape")]
fn triple(x: u32) -> u32 {
    3 * x
}

fn main() {}
