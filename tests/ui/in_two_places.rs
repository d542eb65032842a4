use memo::memo;

struct Point;

impl Point {
    #[memo(in_impl, in_trait)]
    fn double(x: u32) -> u32 {
        2 * x
    }
}

fn main() {}
