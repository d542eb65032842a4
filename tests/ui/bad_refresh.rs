use memo::memo;

#[memo(refresh = "background")]
fn never_old(x: u32) -> u32 {
    x
}

#[memo(ttl = "1s", refresh = "foreground")]
fn unknown(x: u32) -> u32 {
    x
}

fn main() {}
