use memo::memo;

#[memo(clone, store = "disk")]
fn stored(x: u32) -> u32 {
    x
}

#[memo(max_bytes = "1 MiB", clone)]
fn bounded(x: u32) -> u32 {
    x
}

#[memo(clone = true)]
fn valued(x: u32) -> u32 {
    x
}

fn main() {}
