use std::time::Duration;

use memo::{memo, singleton};

const SECONDS: u64 = 60;

fn life_of_text(text: &String) -> Duration {
    Duration::from_secs(text.len() as u64)
}

#[memo(ttl = SECONDS)]
fn a_number(x: u64) -> u64 {
    x
}

#[memo(ttl = life_of_text)]
fn of_another_type(x: u64) -> u64 {
    x
}

#[memo(ttl = |x| *x)]
fn no_duration(x: u64) -> u64 {
    x
}

#[memo(ttl = |x: &String| Duration::from_secs(x.len() as u64))]
fn a_closure_of_another_type(x: u64) -> u64 {
    x
}

#[memo(ttl = |x| Duration::from_secs(*x + key))]
fn captures(key: u64) -> u64 {
    key
}

#[memo(ttl = life_of_text)]
fn of_the_ok(x: u64) -> Result<u64, String> {
    Ok(x)
}

#[singleton(ttl = life_of_text)]
fn shared(x: u64) -> u64 {
    x
}

fn main() {}
