//! What is counted of a function's computations, and how long the latest took.

#[cfg(feature = "metrics")]
use std::sync::atomic::{AtomicBool, Ordering};

/// The computations of a function that returned, errors included. A body that panicked or was given up
/// has no time, and is not among them.
#[derive(Debug)]
pub(crate) struct Computed {
    /// How many times are in the sum. [`Stats::misses`](crate::Stats::misses) are others: a refresh is
    /// none, and what panicked, or ran without a key, is one.
    pub(crate) count: u64,
    /// In nanoseconds.
    pub(crate) time: u64,
    #[cfg(feature = "metrics")]
    latest: Latest,
}

impl Computed {
    pub(crate) const fn new() -> Self {
        Self {
            count: 0,
            time: 0,
            #[cfg(feature = "metrics")]
            latest: Latest::new(),
        }
    }

    /// Adds one that took so many nanoseconds.
    pub(crate) fn add(&mut self, took: u64) {
        self.count += 1;
        self.time = self.time.saturating_add(took);
        #[cfg(feature = "metrics")]
        self.latest.add(took);
    }

    /// The times since the last call of this, which are kept no longer.
    #[cfg(feature = "metrics")]
    pub(crate) fn take_latest(&mut self) -> Latest {
        std::mem::replace(&mut self.latest, Latest::new())
    }
}

/// So many times are kept between two publications, which is 8 KiB of them at most.
#[cfg(feature = "metrics")]
const KEPT: usize = 1024;

/// Whether anybody publishes times, so that they are to be kept.
#[cfg(feature = "metrics")]
static ARE_PUBLISHED: AtomicBool = AtomicBool::new(false);

/// From now on times are kept, until they are taken.
#[cfg(feature = "metrics")]
pub(crate) fn keep_times() {
    // Relaxed: what ends meanwhile may count among those before or after.
    ARE_PUBLISHED.store(true, Ordering::Relaxed);
}

/// The times of the latest computations, in nanoseconds and in no order.
#[cfg(feature = "metrics")]
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) times: Vec<u64>,
    /// Where the oldest is, once there is no room.
    oldest: usize,
    /// How many older ones there was no room for.
    pub(crate) dropped: u64,
}

#[cfg(feature = "metrics")]
impl Latest {
    const fn new() -> Self {
        Self { times: Vec::new(), oldest: 0, dropped: 0 }
    }

    fn add(&mut self, took: u64) {
        // Relaxed: see `keep_times`.
        if !ARE_PUBLISHED.load(Ordering::Relaxed) {
            return;
        }
        if self.times.len() < KEPT {
            return self.times.push(took);
        }
        self.times[self.oldest] = took;
        self.oldest = (self.oldest + 1) % KEPT;
        self.dropped += 1;
    }
}
