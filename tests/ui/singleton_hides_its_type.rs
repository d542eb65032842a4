use memo::singleton;

type Result = std::result::Result<String, String>;

#[singleton]
fn name(path: &str) -> Result {
    Ok(path.into())
}

type Arc = std::sync::Arc<String>;

#[singleton]
fn shared(path: &str) -> Arc {
    Arc::new(path.into())
}

fn main() {}
