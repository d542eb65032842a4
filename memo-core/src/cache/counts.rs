//! What is counted and reported of a function.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::asked::Unknown;
use super::{nanos, pin, Cache, Shared, UNLISTED};
use crate::function::error::{report, Error, Kind};
use crate::function::event::EventKind;
use crate::key::{Scope, DIGEST};

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) store_hits: AtomicU64,
    /// Those that are not counted under the lock.
    pub(super) misses: AtomicU64,
    pub(super) uncacheable: AtomicU64,
    pub(super) unshared: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) differing: AtomicU64,
    /// The hits that were counted before it began anew.
    pub(super) hits_before: AtomicU64,
}

impl Counts {
    pub(super) const fn new() -> Self {
        Self {
            store_hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            uncacheable: AtomicU64::new(0),
            unshared: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            differing: AtomicU64::new(0),
            hits_before: AtomicU64::new(0),
        }
    }

    /// After so many hits.
    pub(super) fn begin_anew(&self, hits: u64) {
        let Self { store_hits, misses, uncacheable, unshared, stale, differing, hits_before } =
            self;
        for count in [store_hits, misses, uncacheable, unshared, stale, differing] {
            count.store(0, Ordering::Relaxed);
        }
        hits_before.store(hits, Ordering::Relaxed);
    }
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
        // It may be that of a session that has just ended.
        pin().count_hit(self.number() & !UNLISTED);
    }

    /// Counts a call that an old result answered, as the body failed.
    pub(crate) fn count_stale(&self) {
        self.counts.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a hit whose body returned something else.
    pub(crate) fn count_differing(&self, digest: &[u8; DIGEST]) {
        self.tell(digest, || EventKind::Differs);
        self.counts.differing.fetch_add(1, Ordering::Relaxed);
        let why = "a hit was verified, and the body returned something else than what was stored: \
                   it reads what is none of its arguments";
        self.report(Kind::Differs, why.into());
    }

    /// Counts a call that the store answered: a hit.
    pub(crate) fn count_store_hit(&self) {
        self.counts.store_hits.fetch_add(1, Ordering::Relaxed);
        self.count_hit();
    }

    pub(crate) fn count_miss(&self) {
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// How many misses there were, so many of which are counted under the lock.
    pub(super) fn misses_so_far(&self, locked: u64) -> u64 {
        locked + self.counts.misses.load(Ordering::Relaxed)
    }

    pub(crate) fn count_uncacheable(&self, why: String) {
        self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
        self.report(Kind::Value, why);
    }

    /// Counts a result that is its caller's alone.
    pub(super) fn count_private(&self) {
        self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
        let why = "it was computed for a session, from a function with `scope = \"session\"`, and nobody \
                   else may get it: give this function that scope, too";
        self.report(Kind::Private, why.into());
    }

    /// Counts a call that its condition keeps from the cache, or runs uncached as that panicked.
    #[cold]
    pub(crate) fn count_disabled(&'static self, scope: Option<Scope>, has_panicked: bool) {
        self.register(scope);
        if has_panicked {
            return self.count_uncacheable("its `enabled` panicked".into());
        }
        self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a result that is not stored, as it cannot be said for how long or beside how many.
    pub(crate) fn count_unknown_ttl(&self, unknown: Unknown) {
        match unknown {
            Unknown::Panicked => {
                self.count_uncacheable("its `ttl`, `jitter`, `idle` or bound panicked".into())
            }
            // The function is called to say it; that is no failure.
            Unknown::IsBeingAsked => {
                self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn report(&self, kind: Kind, why: String) {
        let bit = 1 << kind as u16;
        let reported = self.reports_as.map_or(&self.reported, |original| &original.reported);
        if reported.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            report(&Error::new(kind, self.name(), why));
        }
    }

    /// Reports what a store could not do, unless it is known not to do something.
    pub(crate) fn report_store(&self, kind: Kind, why: String) {
        const STORE: u16 = 1 << Kind::Store as u16 | 1 << Kind::Put as u16;
        let before = self.reported.fetch_or(1 << kind as u16, Ordering::Relaxed);
        if before & STORE == 0 {
            report(&Error::new(kind, self.name(), why));
        }
    }

    /// What was wrong is not: the next time it is, it is reported again.
    pub(crate) fn report_again(&self, kind: Kind) {
        let bit = 1 << kind as u16;
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
