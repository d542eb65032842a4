use memo::memo;

trait Shape {
    #[memo]
    fn area(&self) -> u32;
}

fn main() {}
