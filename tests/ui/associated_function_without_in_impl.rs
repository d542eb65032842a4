use memo::{memo, singleton};

#[derive(serde::Serialize, serde::Deserialize)]
struct Point(u32);

impl Point {
    #[memo]
    fn new(x: u32) -> Self {
        Self(x)
    }

    #[memo]
    pub async fn distance(from: u32, to: u32) -> u32 {
        from.abs_diff(to)
    }

    #[singleton]
    fn origin() -> u32 {
        0
    }
}

fn main() {}
