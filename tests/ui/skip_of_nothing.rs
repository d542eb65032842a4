use memo::memo;

#[memo(skip(pool))]
fn double(x: u32, _pool: &()) -> u32 {
    2 * x
}

fn main() {}
