//! Choices that are made again from the same seed: splitmix.

use crate::variable;

pub(crate) struct Random(u64);

impl Random {
    /// From the seed that `MEMO_FAULTS_SEED` says, which is printed; 1 by default.
    pub(crate) fn new() -> Self {
        let seed = variable("MEMO_FAULTS_SEED").unwrap_or(1);
        println!("MEMO_FAULTS_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }
}
