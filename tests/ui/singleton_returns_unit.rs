use memo::singleton;

#[singleton]
fn set_up(path: &str) -> Result<(), String> {
    Err(path.into())
}

fn main() {}
