use memo::memo;

#[memo]
fn words(count: usize) -> Vec<&'static str> {
    vec!["a"; count]
}

#[memo]
fn find(name: String) -> Result<Option<&'static str>, &'static str> {
    Err("no").or_else(|_: &str| if name.is_empty() { Err("no") } else { Ok(None) })
}

#[memo(cache_err)]
fn parse(name: String) -> Result<usize, &'static str> {
    name.parse().map_err(|_| "no number")
}

#[memo]
async fn pair(x: u32) -> (u32, [&'static [u8]; 2]) {
    (x, [b"a", b"b"])
}

#[memo]
fn last(text: &str) -> Option<&str> {
    text.split(' ').last()
}

fn main() {
    let _ = pair(1);
}
