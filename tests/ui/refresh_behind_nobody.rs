use memo::{memo, singleton};

#[singleton(ttl = "1m", refresh = "background")]
unsafe fn device(port: u32) -> u32 {
    port
}

trait Shape {
    fn area(&self) -> u32;
}

impl Shape for u32 {
    #[memo(ttl = "1m", refresh = "background", in_trait)]
    fn area(&self) -> u32 {
        *self
    }
}

fn main() {}
