use memo::singleton;
use std::cell::Cell;

#[singleton]
fn counter() -> Cell<u32> {
    Cell::new(0)
}

fn main() {}
