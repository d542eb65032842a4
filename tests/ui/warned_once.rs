#![deny(private_interfaces, deprecated)]

use memo::{memo, singleton};

#[derive(serde::Serialize)]
struct Private;

#[deprecated]
#[derive(serde::Serialize)]
pub struct Old;

#[memo]
pub fn private(name: &Private) -> usize {
    let _ = name;
    1
}

#[singleton]
pub fn old(name: &Old) -> usize {
    let _ = name;
    1
}

pub struct Point;

impl Point {
    #[memo(in_impl)]
    pub async fn private(name: &Private) -> usize {
        let _ = name;
        1
    }
}

fn main() {}
