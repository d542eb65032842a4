use memo::memo;

#[memo(cache_if = |x| *x)]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {}
