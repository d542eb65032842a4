use memo::{memo, singleton};

#[memo(detached)]
fn page(url: String) -> String {
    url
}

#[singleton(detached)]
async unsafe fn device(port: u32) -> u32 {
    port
}

trait Shape {
    async fn area(&self) -> u32;
}

impl Shape for u32 {
    #[memo(detached, in_trait)]
    async fn area(&self) -> u32 {
        *self
    }
}

fn main() {}
