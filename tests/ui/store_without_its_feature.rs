use memo::memo;

#[memo(store = "disk")]
fn double(x: u32) -> u32 {
    2 * x
}

#[memo(store = "tape")]
fn triple(x: u32) -> u32 {
    3 * x
}

fn main() {}
