use memo::memo;

#[memo]
mod shapes {
    pub fn area(side: u32) -> u32 {
        side * side
    }
}

fn main() {}
