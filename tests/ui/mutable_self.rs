use memo::memo;

struct Counter(u32);

impl Counter {
    #[memo]
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

fn main() {}
