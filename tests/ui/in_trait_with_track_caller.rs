use memo::memo;

trait Shape {
    #[memo(in_trait)]
    #[track_caller]
    fn area(x: u32) -> u32 {
        x
    }
}

fn main() {}
