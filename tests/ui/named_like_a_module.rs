use memo::{memo, singleton};

mod parser {
    pub const LIMIT: usize = 80;
    pub struct Tree(pub usize);
}

#[memo]
fn std(x: u32) -> u32 {
    x
}

#[memo]
fn alloc(x: u32) -> u32 {
    x
}

#[singleton(handle = core)]
fn other(x: u32) -> u32 {
    x
}

#[memo]
fn parser(text: &str) -> usize {
    text.len().min(parser::LIMIT)
}

#[memo]
fn serde_json(text: &str) -> usize {
    use serde_json::{from_str, Value};
    from_str::<Value>(text).map_or(0, |value| value.to_string().len())
}

#[memo(key = csv::QuoteStyle::from(x))]
fn csv(x: u64) -> u64 {
    x
}

mod beside {
    pub mod regions {}

    #[memo::memo]
    pub fn regions(x: u64) -> u64 {
        x
    }

    #[memo::singleton(handle = Lines)]
    pub fn lines(x: u64) -> u64 {
        x
    }

    pub enum Lines {}
}

fn main() {}
