use memo::{memo, singleton};

#[memo(ttl = "1m", refresh = "background")]
async fn page(url: String) -> String {
    url
}

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

fn main() {
    let _ = page(String::new());
}
