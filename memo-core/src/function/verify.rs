//! Which hits are verified: their bodies run again, and what they return is compared with what is stored.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::function::enabled;

/// The share of hits that are verified, of 2⁶⁴; [`UNREAD`], before the environment was asked.
static RATE: AtomicU64 = AtomicU64::new(UNREAD);
const UNREAD: u64 = 1;

thread_local! {
    /// Where the row of this thread's random numbers is; zero before its start.
    static RANDOM: Cell<u64> = const { Cell::new(0) };
    /// This thread verifies: what is called meanwhile is not verified.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Sets the share of the hits of memo functions that are verified, from 0 to 1.
///
/// A hit that is verified runs the body of its function again, with the same arguments, and what that
/// returns is compared with what is stored, as far as serde sees it; floats by their bits, and maps
/// that have no order without one. Where it differs, the function reads more than its arguments: a
/// clock, a file, a variable. That is counted in [`Stats::differing`](crate::Stats::differing) and
/// reported once for each function, [`Error::is_differing`](crate::Error::is_differing); the new result
/// is stored in the place of the old one, and is what the call returns. It counts as one hit.
///
/// Defaults to the environment variable `MEMO_VERIFY`, or 0. What is called by a body that runs for
/// this is not verified in its turn. A body that panics or returns an `Err` says nothing, and the call
/// returns what is stored. Not verified are functions with the option `clone`, whose results need no
/// serde traits to be compared by, functions in an `impl` of a trait or with `#[track_caller]` that are
/// not `async`, and singletons. In an [isolated](crate::isolated) block hits are verified as outside.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// static RATE: AtomicU64 = AtomicU64::new(2);
///
/// #[memo::memo]
/// fn price(units: u64) -> u64 { units * RATE.load(Relaxed) }
///
/// memo::set_verify(1.0);
/// price(4);
/// RATE.store(3, Relaxed);
/// assert_eq!(price(4), 12);
/// assert_eq!(price::stats().differing, 1);
/// # memo::set_verify(0.0);
/// ```
pub fn set_verify(rate: f64) {
    RATE.store(share(rate), Ordering::Relaxed);
    enabled::watch_or_not();
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a cast to an integer ends at its bounds"
)]
fn share(rate: f64) -> u64 {
    match (rate * u64::MAX as f64) as u64 {
        UNREAD => 0,
        share => share,
    }
}

fn rate() -> u64 {
    // Relaxed, here and above: it says nothing of other memory.
    match RATE.load(Ordering::Relaxed) {
        UNREAD => read_environment(),
        rate => rate,
    }
}

#[cold]
fn read_environment() -> u64 {
    let said = std::env::var("MEMO_VERIFY").ok().and_then(|rate| rate.trim().parse().ok());
    let rate = share(said.unwrap_or(0.0));
    // What `set_verify` said meanwhile stands.
    let before = RATE.compare_exchange(UNREAD, rate, Ordering::Relaxed, Ordering::Relaxed);
    before.err().unwrap_or(rate)
}

/// Whether any hits are verified.
pub(crate) fn is_on() -> bool {
    rate() > 0
}

/// Whether this hit is to be verified.
pub(crate) fn is_due() -> bool {
    match rate() {
        0 => false,
        _ if IS_INSIDE.try_with(Cell::get) != Ok(false) => false,
        u64::MAX => true,
        rate => random() < rate,
    }
}

/// The next of a row of numbers: Marsaglia's xorshift, whose bits are mixed.
fn random() -> u64 {
    RANDOM.with(|random| {
        let mut x = match random.get() {
            0 => RandomState::new().hash_one(()) | 1,
            x => x,
        };
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        random.set(x);
        x.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

/// This thread verifies, for as long as this lives.
pub(crate) struct Inside(bool);

impl Inside {
    pub(crate) fn new() -> Self {
        Self(IS_INSIDE.replace(true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = IS_INSIDE.try_with(|is_inside| is_inside.set(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_share_of_all_numbers_whatever_it_is() {
        let shares = [-1.0, 0.0, f64::NAN, 1.0, 7.0, f64::INFINITY].map(share);
        assert_eq!(shares, [0, 0, 0, u64::MAX, u64::MAX, u64::MAX]);
        assert_ne!(share(5e-20), UNREAD);
    }

    #[test]
    fn about_so_many_of_the_numbers_are_below_a_share() {
        let below = (0..100_000).filter(|_| random() < share(0.25)).count();
        assert!((24_000..26_000).contains(&below), "{below}");
    }
}
