//! memo beside its peers: one group a case, one function a system, all in one process and one run.
//!
//! `cargo bench` takes a quarter of an hour, `cargo bench -- --quick` some minutes.

mod cases;
mod files;
mod measure;
mod rounds;
mod server;
mod systems;
mod work;

use std::time::Duration;
use std::{env, fs};

use criterion::Criterion;
use memo_benches::{criterion_home, STARTED};

fn main() {
    keep_memory();
    let home = criterion_home();
    if is_measuring() {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        fs::create_dir_all(&home).expect("criterion's directory can be made");
        fs::write(home.join(STARTED), load).expect("criterion's directory can be written");
    }
    // Criterion's quick mode is no quicker than this where noise keeps it from settling.
    let longest = if has("--quick") { 400 } else { 1500 };
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(&home)
        .warm_up_time(Duration::from_millis(400))
        .measurement_time(Duration::from_millis(longest))
        .sample_size(100)
        .nresamples(5_000)
        .configure_from_args();
    let _files = files::Files;
    cases::all(&mut criterion);
    criterion.final_summary();
    server::stop();
}

/// Has glibc keep freed memory: whether it gives a large block back to the system, and each call
/// pays for the page faults (ten times a copy's time), depends on what lies around the block.
fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` sets numbers of the allocator's, while there is no other thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Whether this run will leave results, rather than list or test the benchmarks.
fn is_measuring() -> bool {
    has("--bench") && !has("--list") && !has("--test")
}

fn has(flag: &str) -> bool {
    env::args().any(|argument| argument == flag)
}
