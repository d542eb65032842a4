use memo::memo;

#[memo(max_entries = 0)]
fn none(x: u32) -> u32 {
    x
}

#[memo(max_bytes = "64 MiBs")]
fn unknown(x: u32) -> u32 {
    x
}

#[memo(max_bytes = "0 KB")]
fn nothing(x: u32) -> u32 {
    x
}

fn main() {}
