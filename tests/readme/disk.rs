use memo::{memo, store::DiskStore};

#[memo(store = "disk", ttl = "1d")]
fn primes(below: u32) -> Vec<u32> {
    (2..below).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).collect()
}

#[memo(store = DiskStore::builder("simulations").max_bytes(64 << 20).open())]
fn walk(steps: usize, seed: u64) -> Vec<f64> {
    let step = |x: &mut f64, n| {
        *x += (n as f64 * seed as f64).sin();
        Some(*x)
    };
    (0..steps).scan(0.0, step).collect()
}
