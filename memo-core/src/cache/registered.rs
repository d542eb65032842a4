//! A function's cache as the registry sees it, and as a fork does.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::{Cache, Shared, UNLISTED};
use crate::clock::Tick;
use crate::function::computed::Computed;
#[cfg(feature = "metrics")]
use crate::function::computed::Latest;
use crate::function::dependents::{Dependent, Taken};
use crate::function::registry::{Function, Held, Step};
use crate::function::stats::{Counted, Stats};
use crate::key::tags::{Tag, TagHash};
use crate::memory::bounded::Bounds;
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::reclaim;

/// So many entries are forgotten for a tag under the lock at once.
const SLICE: usize = 512;

impl Function for Cache {
    fn name(&'static self) -> &'static str {
        self.name()
    }

    fn clear(&'static self) {
        self.clear_with_store();
    }

    #[cfg(unix)]
    fn before_fork(&'static self) -> Unlock {
        let mut shared = self.shared.lock();
        let backing = self.backing.before_fork();
        Box::new(move |side| {
            backing(side);
            if side == Side::Child {
                shared.flights.forget_all();
                shared.clearing = 0;
                shared.clearing_tags.clear();
            }
        })
    }

    fn clear_store_of(&'static self) {
        if self.has_store() {
            self.clear_store();
        }
    }

    fn tag_was_cleared(&'static self, tag: &Tag) {
        self.tag_was_cleared(tag);
    }

    fn hold(&'static self) -> Box<dyn Held> {
        Box::new(self.held())
    }

    fn forget_tagged(&'static self, tag: TagHash) -> (bool, Box<dyn Any>) {
        let (is_done, freed) =
            self.change(|shared| shared.memory.remove_tagged(&self.table, tag, SLICE));
        (is_done, Box::new(freed))
    }

    fn is_tagged(&'static self) -> bool {
        self.limits.is_tagged
    }

    fn clears_begin(&'static self, clears: u32, tags: &[TagHash]) {
        let mut shared = self.lock();
        // Added, as a clear of this function alone may be under way.
        shared.clearing += clears;
        shared.clearing_tags.extend(tags);
    }

    fn will_be_counted(&'static self) {
        // What has expired is not held any more, reclaimed or not.
        self.expire_whole();
        let _ = self.ask_bounds();
    }

    fn counted(&'static self) -> Counted {
        let (entries, bytes, evictions, expirations, misses, computations, compute_time) = {
            let Shared { memory, misses, computed, .. } = &*self.lock();
            let (evictions, expirations) = (memory.evictions(), memory.expirations());
            let Computed { count, time, .. } = *computed;
            let (entries, bytes) = (memory.entries(), memory.bytes());
            (entries, bytes, evictions, expirations, *misses, count, time)
        };
        let number = self.number.load(Ordering::Relaxed) & !UNLISTED;
        let Bounds { entries: max_entries, bytes: max_bytes } = self.bounds();
        let bound = |bound| u64::try_from(bound).ok().filter(|_| bound != usize::MAX);
        let stats = Stats {
            name: self.name(),
            hits: reclaim::hits(number) - self.counts.hits_before.load(Ordering::Relaxed),
            misses: self.misses_so_far(misses),
            entries,
            bytes,
            evictions,
            expirations,
            uncacheable: self.counts.uncacheable.load(Ordering::Relaxed),
            unshared: self.counts.unshared.load(Ordering::Relaxed),
            store_errors: self.backing.errors.load(Ordering::Relaxed),
            store_hits: self.counts.store_hits.load(Ordering::Relaxed),
            stale: self.counts.stale.load(Ordering::Relaxed),
            differing: self.counts.differing.load(Ordering::Relaxed),
            compute_time: Duration::from_nanos(compute_time),
            max_entries: bound(max_entries),
            max_bytes: bound(max_bytes),
            ttl: self.known_ttl().map(Duration::from_nanos),
        };
        Counted { stats, computations }
    }

    #[cfg(feature = "metrics")]
    fn take_latest(&'static self) -> Latest {
        self.lock().computed.take_latest()
    }

    fn original(&'static self) -> usize {
        std::ptr::from_ref(self.original.unwrap_or(self)).addr()
    }

    fn place(&'static self) -> &'static AtomicUsize {
        &self.place
    }

    fn close(&'static self) {
        self.clear_step(Step::Close);
        self.registry.end(self, || self.is_closed.store(true, Ordering::Relaxed));
    }

    fn reopen(&'static self) {
        self.registry.leave(self);
        self.clear_step(Step::Anew);
        self.begin_anew();
        self.is_closed.store(false, Ordering::Relaxed);
    }

    fn expire_whole(&'static self) {
        self.expire_all(self.now());
    }

    fn begin_anew(&'static self) {
        // Relaxed: nobody calls it.
        let number = self.number.fetch_or(UNLISTED, Ordering::Relaxed);
        self.counts.begin_anew(reclaim::hits(number & !UNLISTED));
        self.longest.store(0, Ordering::Relaxed);
        self.reported.store(0, Ordering::Relaxed);
        self.bounds.forget();
        self.ttl.forget();
        self.jitter.forget();
        self.idle.forget();
        self.stale.forget();
        self.wait.forget();
        let mut shared = self.lock();
        (shared.misses, shared.computed) = (0, Computed::new());
        shared.memory.forget_counts();
    }

    fn expire(&'static self, now: Tick, listed: u64) {
        self.expire_listed(now, listed);
    }

    fn try_expire(&'static self, now: Tick, listed: u64) {
        self.try_expire_listed(now, listed);
    }

    fn list_oldest(&'static self) {
        self.list_for_eviction();
    }

    fn void(
        &'static self,
        dependent: &Arc<Dependent>,
        left: &mut Taken,
    ) -> Option<Box<dyn FnOnce()>> {
        self.void_dependent(dependent, left)
    }

    fn forget_some_dependents(&'static self) {
        if let Some(mut shared) = self.shared.try_lock() {
            if let Some(dependents) = &mut shared.dependents {
                dependents.forget_some();
            }
        }
    }

    fn evict_older(&'static self, next: u64) -> (bool, Box<dyn Any>) {
        self.evict_if_older(next)
    }
}
