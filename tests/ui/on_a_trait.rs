use memo::memo;

#[memo]
trait Shape {
    fn area(&self) -> u32;
}

fn main() {}
