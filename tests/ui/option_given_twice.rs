use memo::memo;

#[memo(version = 1, name = "double", version = 2)]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {}
