use memo::singleton;

#[singleton]
fn set_up(path: &str) {
    let _ = path;
}

fn main() {}
