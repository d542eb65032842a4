#![deny(unused_variables)]

use memo::memo;

#[memo(skip(skipped))]
fn skipping(used: u32, skipped: u32) -> u32 {
    used
}

#[memo(key = used)]
fn keyed(used: u32, (first, second): (u32, u32)) -> u32 {
    used + first
}

#[memo]
fn local(used: u32) -> u32 {
    let unused = used;
    1
}

fn main() {}
