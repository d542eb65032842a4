use memo::memo;

#[memo(in_trait)]
pub fn double(x: u32) -> u32 {
    2 * x
}

fn main() {}
