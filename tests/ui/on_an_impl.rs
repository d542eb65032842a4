use memo::memo;

struct Point(u32);

#[memo]
impl Point {
    fn x(&self) -> u32 {
        self.0
    }
}

fn main() {}
