use memo::memo;

#[memo(store = "results".to_owned())]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
