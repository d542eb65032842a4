use memo::memo;

struct Failure;

#[memo(cache_err)]
fn parse(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_| Failure)
}

fn main() {}
