//! Accesses that evictions are measured with; the benchmarks' example `hit_ratio` has them too.

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Accesses whose keys are as frequent as Zipf's law says: the key of rank `n` as often as `n` to the
/// power of `-exponent`.
pub(crate) fn zipf(keys: usize, exponent: f64, len: usize) -> Vec<u64> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        })
        .collect();
    let mut random = Random(42);
    (0..len)
        .map(|_| {
            let at = random.unit() * sum;
            cumulated.partition_point(|&below| below < at) as u64
        })
        .collect()
}
