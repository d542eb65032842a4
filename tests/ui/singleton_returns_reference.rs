use memo::singleton;

#[singleton]
fn name(path: &str) -> &str {
    path
}

fn main() {}
