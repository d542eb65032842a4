use memo::{memo, singleton};
use std::sync::Arc;

#[derive(serde::Serialize)]
struct Rect(u32);

trait Shape {
    fn area(&self, scale: u32) -> u32;
    async fn corners(&self) -> u32;
    fn unit() -> Arc<u32>;

    #[memo]
    fn sides() -> u32
    where
        Self: Sized,
    {
        4
    }
}

impl Shape for Rect {
    #[memo]
    fn area(&self, scale: u32) -> u32 {
        self.0 * scale
    }

    #[memo(in_impl, ttl = "1h")]
    async fn corners(&self) -> u32 {
        4
    }

    #[singleton]
    fn unit() -> Arc<u32> {
        Arc::new(1)
    }
}

fn main() {}
