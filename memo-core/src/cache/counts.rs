//! What is counted and reported of a function.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::asked::Unknown;
use super::{nanos, pin, Cache, Shared};
use crate::function::error::{report, Error, Kind};

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) store_hits: AtomicU64,
    /// Those that are not counted under the lock.
    pub(super) misses: AtomicU64,
    pub(super) uncacheable: AtomicU64,
    pub(super) unshared: AtomicU64,
}

impl Shared {
    /// Counts a claim, which is a miss where there is no store that has to be asked.
    pub(super) fn count_miss(&mut self, cache: &Cache) {
        self.misses += u64::from(!cache.has_store());
    }
}

impl Cache {
    /// Counts a call answered without running the body, off the hot path.
    pub(crate) fn count_hit(&self) {
        pin().count_hit(self.number());
    }

    /// Counts a call that the store answered: a hit.
    pub(crate) fn count_store_hit(&self) {
        self.counts.store_hits.fetch_add(1, Ordering::Relaxed);
        self.count_hit();
    }

    pub(crate) fn count_miss(&self) {
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_uncacheable(&self, why: String) {
        self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
        self.report(Kind::Value, why);
    }

    /// Counts a result that is not stored, as it cannot be said for how long or beside how many.
    pub(crate) fn count_unknown_ttl(&self, unknown: Unknown) {
        match unknown {
            Unknown::Panicked => self.count_uncacheable("its `ttl` or bound panicked".into()),
            // The function is called to say it; that is no failure.
            Unknown::IsBeingAsked => {
                self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn report(&self, kind: Kind, why: String) {
        let bit = 1 << kind as u8;
        if self.reported.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            report(&Error::new(kind, self.name(), why));
        }
    }

    /// Reports what a store could not do, unless it is known not to do something.
    pub(crate) fn report_store(&self, kind: Kind, why: String) {
        const STORE: u8 = 1 << Kind::Store as u8 | 1 << Kind::Put as u8;
        let before = self.reported.fetch_or(1 << kind as u8, Ordering::Relaxed);
        if before & STORE == 0 {
            report(&Error::new(kind, self.name(), why));
        }
    }

    /// What was wrong is not: the next time it is, it is reported again.
    pub(crate) fn report_again(&self, kind: Kind) {
        let bit = 1 << kind as u8;
        // The load spares the common case the write to a shared line.
        if self.reported.load(Ordering::Relaxed) & bit != 0 {
            self.reported.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_unshared(&self) {
        self.counts.unshared.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn computed_in(&self, time: Duration) {
        let nanos = nanos(time);
        // The load spares the common case the write to a shared line.
        if nanos > self.longest.load(Ordering::Relaxed) {
            self.longest.fetch_max(nanos, Ordering::Relaxed);
        }
    }
}
