use memo::{memo, singleton};

#[memo(key = x?)]
fn of_a_number(x: u32) -> u32 {
    x
}

#[singleton(key = (_context.id?, x))]
fn of_a_field(_context: &Context, x: u32) -> u32 {
    x
}

struct Context {
    id: String,
}

fn main() {}
