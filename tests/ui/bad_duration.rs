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

#[memo(ttl = "-5s")]
fn negative(x: u32) -> u32 {
    x
}

#[memo(ttl = "soon")]
fn soon(x: u32) -> u32 {
    x
}

#[memo(ttl = "1.2.3s")]
fn no_number(x: u32) -> u32 {
    x
}

#[memo(ttl = "1_000_000_000_000_000_000_000_000 weeks")]
fn for_ever(x: u32) -> u32 {
    x
}

#[memo(wait = true)]
fn neither(x: u32) -> u32 {
    x
}

fn main() {}
