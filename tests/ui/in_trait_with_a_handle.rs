use memo::memo;

trait Shape {
    #[memo(in_trait, handle = area_cache)]
    fn area(x: u32) -> u32 {
        x
    }
}

fn main() {}
