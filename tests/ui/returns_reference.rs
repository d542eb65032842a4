use memo::memo;

#[memo]
fn first(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn main() {}
