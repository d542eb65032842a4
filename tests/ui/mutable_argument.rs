use memo::memo;

#[memo]
fn fill(buf: &mut Vec<u8>, len: usize) {
    buf.resize(len, 0);
}

#[memo]
fn taken_apart((a, b): &mut (u32, u32)) -> u32 {
    *a + *b
}

fn main() {}
