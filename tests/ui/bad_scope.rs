use memo::{memo, singleton};

#[memo(scope = "request")]
fn square(x: u64) -> u64 {
    x * x
}

#[singleton(scope = session)]
fn pool(url: &str) -> String {
    url.into()
}

#[memo(store = "disk", scope = "session")]
fn double(x: u64) -> u64 {
    2 * x
}

#[memo(flight = "fleet", scope = "session")]
fn half(x: u64) -> u64 {
    x / 2
}

fn main() {}
