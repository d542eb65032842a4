use memo::{memo, singleton};

#[memo]
#[memo(ttl = "1h")]
fn double(x: u32) -> u32 {
    2 * x
}

#[memo]
#[memo::singleton]
fn both(x: u32) -> u32 {
    x
}

#[singleton]
#[inline]
#[memo]
fn neither(x: u32) -> u32 {
    x
}

#[singleton]
#[memo::singleton]
fn one(x: u32) -> u32 {
    x
}

fn main() {
    let _ = (double(1), both(1), neither(1), one(1));
}
