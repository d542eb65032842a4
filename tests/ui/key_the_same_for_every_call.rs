use memo::{memo, singleton};

const VERSION: u32 = 1;

struct Config {
    id: u32,
}

static CONFIG: Config = Config { id: 1 };

#[memo(key = "{id}")]
fn text(id: u32) -> u32 {
    id
}

#[memo(key = 1)]
fn number(id: u32) -> u32 {
    id
}

#[memo(key = VERSION)]
fn constant(id: u32) -> u32 {
    id
}

#[singleton(key = CONFIG.id)]
fn field(id: u32) -> u32 {
    id
}

#[memo(key = { Some(1) })]
fn block(id: u32) -> u32 {
    id
}

#[memo(key = format!("x"))]
fn formatted(id: u32) -> u32 {
    id
}

#[memo(key = concat!("a", stringify!(id)))]
fn joined(id: u32) -> u32 {
    id
}

#[memo(key = "all")]
fn of_nothing() -> u32 {
    1
}

#[memo(key = matches!(id?, x @ 1 if x > 0))]
fn hidden(id: Option<u32>) -> Option<u32> {
    id
}

fn main() {}
