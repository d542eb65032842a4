use memo::{memo, singleton};

#[memo(tags)]
fn bare(x: u64) -> u64 {
    x
}

#[memo(tags())]
fn none(x: u64) -> u64 {
    x
}

#[memo(tags = ["a"])]
fn assigned(x: u64) -> u64 {
    x
}

#[memo(tags("user:{id}"))]
fn unformatted(id: u64) -> u64 {
    id
}

#[singleton(tags(7))]
fn literal(x: u64) -> u64 {
    x
}

#[memo(tags(id))]
fn number(id: u64) -> u64 {
    id
}

#[memo(tags(format!("user:{id}"), owners))]
fn collection(id: u64, owners: &[u64]) -> u64 {
    id + owners.len() as u64
}

fn main() {}
