use memo::memo;

#[memo(cache_if = Option::is_some)]
fn find(name: &str) -> Result<Option<usize>, String> {
    Ok(name.find('a'))
}

#[memo(cache_if = |rows: &Vec<u8>| rows.len() < 10)]
fn rows(count: usize) -> Vec<usize> {
    (0..count).collect()
}

fn main() {}
