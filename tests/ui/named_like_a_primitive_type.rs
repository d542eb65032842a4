use memo::memo;

#[memo]
fn char(code: u8) -> u8 {
    code
}

fn main() {}
