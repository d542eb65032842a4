use memo::{memo, singleton};

#[memo]
fn number(x: u64) -> Result<u64, String> {
    Ok(x)
}

#[memo(store = "disk")]
fn stored(x: u64) -> u64 {
    x
}

#[singleton]
fn shared(x: u64) -> u64 {
    x
}

fn main() {
    number::retain(|text: &String| text.is_empty());
    number::retain(|x| x + 1);
    stored::retain(|_| true);
    shared::retain(|_| true);
}
