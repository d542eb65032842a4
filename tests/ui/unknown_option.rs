use memo::memo;

#[memo(tll = "10m")]
fn double(x: u32) -> u32 {
    2 * x
}

#[memo(lifetime = "10m")]
fn triple(x: u32) -> u32 {
    3 * x
}

fn main() {}
