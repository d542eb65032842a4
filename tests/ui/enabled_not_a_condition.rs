use memo::{memo, singleton};

#[memo(enabled = "x < 10")]
fn a_text(x: u64) -> u64 {
    x
}

#[memo(enabled = x)]
fn a_number(x: u64) -> u64 {
    x
}

#[memo(enabled)]
fn nothing(x: u64) -> u64 {
    x
}

#[memo(enabled = consumes(text))]
fn moved(text: String) -> usize {
    text.len()
}

#[singleton(enabled = maybe(x)?)]
fn attempted(x: u64) -> u64 {
    x
}

fn consumes(text: String) -> bool {
    text.is_empty()
}

fn maybe(x: u64) -> Option<bool> {
    (x > 0).then_some(true)
}

fn main() {}
