use std::borrow::Cow;
use std::collections::HashMap;

use memo::memo;

#[memo(detached)]
async fn page(url: &str, user: Option<&str>) -> String {
    let _ = user;
    url.into()
}

#[memo(detached)]
async fn count(words: &[&str]) -> usize {
    words.len()
}

#[memo(detached)]
async fn title(_log: &mut Vec<String>, title: String) -> String {
    title
}

#[memo(detached)]
async fn text(text: Cow<'_, str>) -> String {
    text.into_owned()
}

#[memo(ttl = "1m", refresh = "background")]
async fn total(_rates: HashMap<&'static str, (u32, &[u8])>) -> u32 {
    0
}

struct Page<'a>(&'a str);

#[memo(detached)]
async fn rendered<'a>(_page: Page<'a>) -> u32 {
    0
}

fn main() {}
