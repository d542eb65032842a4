use memo::memo;
use std::future::{ready, Future};
use std::pin::Pin;

#[memo]
fn later(x: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(ready(x))
}

fn main() {}
