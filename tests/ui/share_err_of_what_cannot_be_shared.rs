use std::rc::Rc;

use memo::{memo, singleton};

type Outcome<T> = Result<T, std::io::Error>;

#[memo(share_err)]
fn read(path: &str) -> Outcome<String> {
    std::fs::read_to_string(path)
}

#[memo(share_err)]
async fn shared(key: u32) -> Result<u32, Rc<str>> {
    Ok(key)
}

#[memo(share_err)]
fn borrowed(key: &str) -> Result<u32, &str> {
    Err(key)
}

#[singleton(share_err)]
fn pool(path: &str) -> Result<String, std::io::Error> {
    std::fs::read_to_string(path)
}

#[singleton(share_err)]
fn named<'a>(path: &'a str) -> Result<String, std::borrow::Cow<'a, str>> {
    Err(path.into())
}

#[memo(share_err)]
fn forever(key: u32) -> Result<u32, &'static str> {
    Ok(key)
}

fn main() {}
