//! One function's cache: its table, its flights, and the lock that changes both together.
//!
//! No type of the user's gets here: below the attributes' generic skin there are keys and entries.
//! Whatever must win over a computation in flight (`clear`, `remove`, `insert`, `refresh`) fences
//! its flight under the same lock under which the flight would store its result.

mod find;
mod claim;
pub(crate) mod lead;
pub(crate) mod tiered;
mod finish;
mod change;
mod clear;
mod expiry;
pub(crate) mod asked;
#[cfg(unix)]
mod fork;

use std::sync::atomic::{AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use crate::platform::sync::Mutex;
use once_cell::sync::OnceCell;

use crate::background::release;
use crate::cache::asked::{Asked, Unknown};
use crate::clock::Tick;
use crate::flight::{on_rayon, Flights, Key, ON_RAYON};
use crate::function::error::{report, Error, Kind};
use crate::function::name::Name;
use crate::function::registry::{Function, Held, Registry};
use crate::function::stats::Stats;
use crate::key::sink::{take_refusal, Stop};
use crate::key::{self, Args, Scope};
use crate::memory::bounded::{Bounds, Memory};
use crate::memory::entry::Builder;
use crate::memory::table::{self, Table};
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::reclaim;
use crate::store::backing::Backing;

pub(crate) use claim::Claim;
pub(crate) use finish::{Finished, Outcome};

/// The shortest bound of a wait for a computation, in nanoseconds, where no option says another.
const MIN_BOUND: u64 = 5_000_000_000;
/// The same for a resource, which takes long and should be there once.
const MIN_RESOURCE_BOUND: u64 = 60_000_000_000;

pub(crate) struct Cache {
    table: Table,
    /// The function's number once it is in the registry, which is before its first entry.
    number: AtomicUsize,
    /// The function's full name; set when it enters the registry.
    name: OnceCell<&'static str>,
    shared: Mutex<Shared>,
    counts: Counts,
    /// The longest computation so far, in nanoseconds.
    longest: AtomicU64,
    pub(crate) declared: Name,
    pub(crate) limits: Limits,
    /// The bounds, where the options ask for them.
    bounds: Asked<Bounds>,
    /// The `ttl` in nanoseconds.
    ttl: Asked<u64>,
    /// The `wait` option in nanoseconds.
    wait: Asked<u64>,
    /// What lies behind memory.
    pub(crate) backing: Backing,
    registry: &'static Registry,
    /// Its entries own resources, which are to be dropped as soon as nobody reads them; data is when
    /// it is worth it.
    is_resource: bool,
    /// Which kinds of [`Error`] were reported, one bit each.
    reported: AtomicU8,
}

/// What a function's options say of what it stores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// As far as the compiler knows them.
    pub(crate) bounds: Bounds,
    pub(crate) ask_entries: Option<fn() -> usize>,
    pub(crate) ask_bytes: Option<fn() -> usize>,
    pub(crate) ttl: Option<fn() -> Duration>,
    /// The bound of waits.
    pub(crate) wait: Option<fn() -> Duration>,
    /// An entry is served for another `ttl`, while one call has it refreshed.
    pub(crate) is_background: bool,
}

struct Shared {
    memory: Memory,
    flights: Flights,
    /// So many clears are under way that have a store to clear as well: what is computed meanwhile
    /// may come from what they forget, and is not stored.
    clearing: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// In nanoseconds.
    pub(crate) compute_time: AtomicU64,
    pub(crate) store_hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) uncacheable: AtomicU64,
    pub(crate) unshared: AtomicU64,
}

impl Cache {
    pub(crate) const fn new(
        declared: Name,
        registry: &'static Registry,
        is_resource: bool,
    ) -> Self {
        Self {
            table: Table::new(),
            number: AtomicUsize::new(usize::MAX),
            name: OnceCell::new(),
            shared: Mutex::new(Shared {
                memory: Memory::new(!is_resource),
                flights: Flights::new(),
                clearing: 0,
            }),
            counts: Counts {
                compute_time: AtomicU64::new(0),
                store_hits: AtomicU64::new(0),
                misses: AtomicU64::new(0),
                uncacheable: AtomicU64::new(0),
                unshared: AtomicU64::new(0),
            },
            longest: AtomicU64::new(0),
            declared,
            limits: Limits {
                bounds: Bounds::NONE,
                ask_entries: None,
                ask_bytes: None,
                ttl: None,
                wait: None,
                is_background: false,
            },
            bounds: Asked::new(),
            ttl: Asked::new(),
            wait: Asked::new(),
            backing: Backing::new(),
            registry,
            is_resource,
            reported: AtomicU8::new(0),
        }
    }
}

/// What a call found wrong before it could look anything up.
#[derive(Debug)]
pub(crate) struct NoKey;

impl Cache {
    /// The key of a call that found nothing, with room for a value of the expected length.
    ///
    /// # Errors
    /// An argument's `Serialize` returned one; it is counted and reported.
    pub(crate) fn missed<A: Args>(
        &'static self,
        args: &A,
        expected_len: usize,
    ) -> Result<Key, NoKey> {
        release::tend();
        self.register(args.scope());
        self.key(args, expected_len).map_err(|stop| {
            debug_assert_eq!(stop, Stop::Refused);
            self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
            self.report(Kind::Key, take_refusal());
            NoKey
        })
    }

    /// The key of a call that is only looked for.
    pub(crate) fn key<A: Args>(&self, args: &A, expected_len: usize) -> Result<Key, Stop> {
        let is_local = args.scope().is_some_and(Scope::is_local);
        key::encode(args, table::seed(), |encoded| {
            let digest = encoded.digest();
            Key { digest, entry: Builder::of(&encoded, expected_len), is_local }
        })
    }

    fn register(&'static self, scope: Option<Scope>) {
        // Relaxed: a number seen late only means to ask again, under the registry's lock.
        if self.number.load(Ordering::Relaxed) == usize::MAX {
            #[cfg(unix)]
            crate::cache::fork::watch();
            let is_new = || self.name.set(self.declared.full(scope)).is_ok();
            let number = |number| self.number.store(number, Ordering::Relaxed);
            self.registry.register(self, is_new, number);
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name.get().copied().unwrap_or(self.declared.text)
    }

    /// The function's number among the counters of hits.
    #[inline(always)]
    fn number(&self) -> usize {
        // Relaxed: who comes here found an entry, which was published after the number was set.
        self.number.load(Ordering::Relaxed)
    }

    /// Counts a call answered without running the body, off the hot path.
    pub(crate) fn count_hit(&self) {
        reclaim::pin().count_hit(self.number());
    }

    /// Counts a call that the store answered: a hit.
    pub(crate) fn count_store_hit(&self) {
        self.counts.store_hits.fetch_add(1, Ordering::Relaxed);
        self.count_hit();
    }

    /// Counts the time that a body took.
    pub(crate) fn count_compute_time(&self, time: Duration) {
        self.counts.compute_time.fetch_add(nanos(time), Ordering::Relaxed);
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

    /// How long a call waits for another's computation before one relieves it, in nanoseconds.
    pub(crate) fn bound(&self) -> u64 {
        if on_rayon() {
            return ON_RAYON;
        }
        let asked = self.limits.wait.map(|wait| self.wait.get(|| nanos(wait())));
        if let Some(Ok(bound)) = asked {
            return bound;
        }
        let min = if self.is_resource { MIN_RESOURCE_BOUND } else { MIN_BOUND };
        // Relaxed: it stands for itself alone.
        self.longest.load(Ordering::Relaxed).saturating_mul(2).max(min)
    }

    /// Asks for the bounds, before anything is stored.
    ///
    /// # Errors
    /// They are not known.
    fn ask_bounds(&self) -> Result<(), Unknown> {
        let Limits { bounds, ask_entries, ask_bytes, .. } = self.limits;
        if ask_entries.is_none() && ask_bytes.is_none() {
            return Ok(());
        }
        let ask = || Bounds {
            entries: ask_entries.map_or(bounds.entries, |ask| ask()),
            bytes: ask_bytes.map_or(bounds.bytes, |ask| ask()),
        };
        self.bounds.get(ask).map(drop)
    }

    /// What it may hold, asked for if need be; as far as the compiler knows, if it cannot be said.
    fn asked_bounds(&self) -> Bounds {
        let _ = self.ask_bounds();
        self.bounds()
    }

    /// What it may hold; what the options would have to be asked for is none before that is done.
    fn bounds(&self) -> Bounds {
        self.bounds.known().unwrap_or(self.limits.bounds)
    }

    pub(crate) fn computed_in(&self, time: Duration) {
        let nanos = nanos(time);
        // The load spares the common case the write to a shared line.
        if nanos > self.longest.load(Ordering::Relaxed) {
            self.longest.fetch_max(nanos, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
impl Cache {
    pub(crate) fn has_flights(&self) -> bool {
        !self.shared.lock().flights.is_empty()
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

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
        Box::new(move |side| {
            if side == Side::Child {
                shared.flights.forget_all();
                shared.clearing = 0;
            }
        })
    }

    fn clear_store_of(&'static self) {
        if self.has_store() {
            self.clear_store();
        }
    }

    fn hold(&'static self) -> Box<dyn Held> {
        Box::new(self.held())
    }

    fn clears_begin(&'static self, clears: u32) {
        // Added, as a clear of this function alone may be under way.
        self.shared.lock().clearing += clears;
    }

    fn stats(&'static self) -> Stats {
        // What has expired is not held any more, reclaimed or not.
        self.expire_all(Tick::now());
        let (entries, bytes, evictions, expirations) = {
            let memory = &self.shared.lock().memory;
            (memory.entries(), memory.bytes(), memory.evictions(), memory.expirations())
        };
        let number = self.number.load(Ordering::Relaxed);
        let Bounds { entries: max_entries, bytes: max_bytes } = self.asked_bounds();
        let bound = |bound| u64::try_from(bound).ok().filter(|_| bound != usize::MAX);
        Stats {
            name: self.name(),
            hits: reclaim::hits(number),
            misses: self.counts.misses.load(Ordering::Relaxed),
            entries,
            bytes,
            evictions,
            expirations,
            uncacheable: self.counts.uncacheable.load(Ordering::Relaxed),
            unshared: self.counts.unshared.load(Ordering::Relaxed),
            store_errors: self.backing.errors.load(Ordering::Relaxed),
            store_hits: self.counts.store_hits.load(Ordering::Relaxed),
            compute_time: Duration::from_nanos(self.counts.compute_time.load(Ordering::Relaxed)),
            max_entries: bound(max_entries),
            max_bytes: bound(max_bytes),
            ttl: self.known_ttl().map(Duration::from_nanos),
        }
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

    fn evict_older(&'static self, next: u64) -> bool {
        self.evict_if_older(next)
    }
}
