use std::borrow::Cow;

use memo::memo;

#[memo(clone)]
fn first(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

#[memo(clone)]
fn trimmed<'a>(text: &'a str) -> Result<Cow<'a, str>, String> {
    Ok(text.trim().into())
}

#[memo(clone, cache_err)]
fn number(text: &str) -> Result<u32, &str> {
    text.parse().map_err(|_| text)
}

struct Word<'a>(&'a str);

impl Clone for Word<'_> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

type Words<'a> = Vec<Word<'a>>;

#[memo(clone)]
fn words(text: &str) -> Words<'_> {
    text.split(' ').map(Word).collect()
}

fn main() {
    let _ = (first("a"), trimmed("a"), number("a"), words("a"));
}
