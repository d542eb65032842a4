use memo::{memo, singleton};

const NONE: usize = 0;

#[memo(max_entries = NONE * 10)]
fn nothing(x: u32) -> u32 {
    x
}

#[singleton(max_entries = -1)]
fn negative(x: u32) -> u32 {
    x
}

#[memo(version = -1)]
fn old(x: u32) -> u32 {
    x
}

#[memo(ttl = -60)]
fn past(x: u32) -> u32 {
    x
}

#[memo(max_entries = "1000")]
fn text(x: u32) -> u32 {
    x
}

#[memo(version = "2")]
fn text_too(x: u32) -> u32 {
    x
}

#[memo(max_entries = 10u8)]
fn typed(x: u32) -> u32 {
    x
}

#[memo(max_bytes = 1.5)]
fn part(x: u32) -> u32 {
    x
}

#[memo(max_entries = limit())]
fn unlike(x: u32) -> u32 {
    x
}

fn limit() -> u64 {
    10
}

#[memo(max_bytes = "all")]
fn all(x: u32) -> u32 {
    x
}

#[memo(name = 5)]
fn number(x: u32) -> u32 {
    x
}

const NAMELESS: &str = "";

#[memo(name = NAMELESS)]
fn nameless(x: u32) -> u32 {
    x
}

fn main() {}
