use memo::memo;

#[memo(flight = "fleet")]
fn square(x: u64) -> u64 {
    x * x
}

#[memo(store = "disk", flight = "formation")]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {}
