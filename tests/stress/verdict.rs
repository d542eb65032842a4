//! What was found wrong, and who was kept waiting.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

static WRONG: AtomicU64 = AtomicU64::new(0);
static SLOWEST: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// No body takes more than milliseconds, and a bound of waits is five seconds: whoever waits nearly
/// that long waits for nothing.
const KEPT_WAITING: Duration = Duration::from_secs(4);

/// Something is wrong. Not a panic: bodies' panics are caught, and more may be to be seen.
pub(crate) fn wrong(what: &str) {
    if WRONG.fetch_add(1, Relaxed) < 20 {
        println!("WRONG: {what}");
    }
}

pub(crate) fn count() -> u64 {
    WRONG.load(Relaxed)
}

/// Makes a call, and looks how long it takes.
pub(crate) fn timed<R>(what: &str, call: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = call();
    took(what, start.elapsed());
    result
}

/// A call took so long.
pub(crate) fn took(what: &str, time: Duration) {
    CALLS.fetch_add(1, Relaxed);
    SLOWEST.fetch_max(time.as_micros() as u64, Relaxed);
    if time > KEPT_WAITING {
        wrong(&format!("{what} was kept waiting for {time:?}"));
    }
}

pub(crate) fn summary() -> String {
    let slowest = Duration::from_micros(SLOWEST.load(Relaxed));
    format!("{} calls, the slowest took {slowest:?}", CALLS.load(Relaxed))
}
