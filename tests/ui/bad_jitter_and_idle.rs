use memo::{memo, singleton};

#[memo(jitter = "1m")]
fn nothing_to_shorten(x: u64) -> u64 {
    x
}

#[memo(idle = "1h", jitter = "1m")]
fn idle_is_not_shortened(x: u64) -> u64 {
    x
}

#[memo(ttl = "1h", jitter = "0s")]
fn no_jitter(x: u64) -> u64 {
    x
}

#[memo(ttl = "1h", jitter = 60)]
fn no_unit(x: u64) -> u64 {
    x
}

#[memo(idle = "0s")]
fn no_time(x: u64) -> u64 {
    x
}

#[singleton(idle = -1)]
fn negative(x: u64) -> u64 {
    x
}

#[memo(idle = "1h", store = "disk")]
fn stored(x: u64) -> u64 {
    x
}

#[memo(idle = 60 * 60)]
fn a_number(x: u64) -> u64 {
    x
}

fn main() {}
