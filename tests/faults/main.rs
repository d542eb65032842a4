//! What the disk store promises where the system fails it: whatever request fails, and in whatever
//! state a machine without power left the files.
//!
//! Few of what there is are tried by default. `MEMO_FAULTS=all cargo test --release -p memo-tests
//! --test faults` tries every request, and `MEMO_FAULTS=10` ten times as many by chance;
//! `MEMO_DAMAGED=100000` damages so many files, and `MEMO_POWER_LOSSES=100000` takes the power away so
//! often; `MEMO_FAULTS_SEED` makes the same choices again.

mod damage;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod failing;
mod files;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod power;
mod random;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trap;

/// What a variable says, if it is set.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}
