use memo::memo;

#[memo]
struct Point {
    x: u32,
}

fn main() {}
