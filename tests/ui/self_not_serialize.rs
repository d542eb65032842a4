use memo::memo;

struct Pool;

impl Pool {
    #[memo]
    fn size(&self) -> usize {
        0
    }
}

fn main() {}
