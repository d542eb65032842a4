use memo::memo;

#[memo]
fn fill(buf: &mut Vec<u8>, len: usize) {
    buf.resize(len, 0);
}

fn main() {}
