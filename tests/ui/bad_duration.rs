use memo::memo;

#[memo(ttl = "0s")]
fn zero(x: u32) -> u32 {
    x
}

#[memo(ttl = "10 parsecs")]
fn unknown(x: u32) -> u32 {
    x
}

#[memo(ttl = "10")]
fn missing(x: u32) -> u32 {
    x
}

#[memo(ttl = 10)]
fn number(x: u32) -> u32 {
    x
}

#[memo(wait = "0s")]
fn impatient(x: u32) -> u32 {
    x
}

fn main() {}
