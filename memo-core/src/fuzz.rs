//! Random values for tests: few by default, `MEMO_FUZZ` times as many if that is set, from the seed
//! that `MEMO_SEED` says.

use std::env;

/// Numbers that are the same for a seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A test's numbers; a failure shows the seed, as it is said here.
    pub(crate) fn of_test() -> Self {
        let seed = env::var("MEMO_SEED").map_or(0x5EED, |seed| seed.parse().expect("MEMO_SEED"));
        println!("MEMO_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

/// How many times a test does what it does with random values, where so many are enough for a look.
pub(crate) fn rounds(few: usize) -> usize {
    few * env::var("MEMO_FUZZ").map_or(1, |factor| factor.parse().expect("MEMO_FUZZ"))
}
