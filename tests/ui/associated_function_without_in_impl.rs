use memo::memo;

#[derive(serde::Serialize, serde::Deserialize)]
struct Point(u32);

impl Point {
    #[memo]
    fn new(x: u32) -> Self {
        Self(x)
    }
}

fn main() {}
