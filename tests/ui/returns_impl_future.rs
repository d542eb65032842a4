use memo::memo;
use std::future::{ready, Future};

#[memo]
fn later(n: u32) -> impl Future<Output = u32> {
    ready(n)
}

fn main() {}
