use memo::singleton;

type Result = std::result::Result<String, String>;

#[singleton]
fn name(path: &str) -> Result {
    Ok(path.into())
}

fn main() {}
