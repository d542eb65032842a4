//! One function's cache: its table, its flights, and the lock that changes both together.
//!
//! No type of the user's gets here: below the attributes' generic skin there are keys and entries.
//! Whatever must win over a computation in flight (`clear`, `remove`, `insert`, `refresh`) fences
//! its flight under the same lock under which the flight would store its result.

mod find;
mod keyed;
pub(crate) mod claimant;
mod claim;
pub(crate) mod waiting;
pub(crate) mod lead;
pub(crate) mod tiered;
mod finish;
mod invalidate;
mod retain;
mod clear;
mod expiry;
pub(crate) mod life;
mod counts;
mod told;
mod dependents;
mod registered;
mod why;
pub(crate) mod asked;
#[cfg(unix)]
mod fork;

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::platform::sync::{Mutex, MutexGuard};
use once_cell::sync::OnceCell;

use crate::cache::asked::{Asked, Unknown};
use crate::clock::{Clock, Tick, REAL};
use crate::flight::{on_rayon, Flights, Key, Of, ON_RAYON};
use crate::function::computed::Computed;
use crate::function::dependents::Dependents;
use crate::function::name::Name;
use crate::function::registry::{next_number, Function, Registry};
use crate::function::session;
use crate::key::tags::TagHash;
use crate::key::Scope;
use crate::memory::bounded::{Bounds, Memory};
use crate::memory::table::Table;
use crate::store::backing::Backing;

use claim::Claim;
pub(crate) use claimant::Claimant;
use counts::Counts;
pub(crate) use find::{pin, pin_outside, Held, Refreshed};
pub(crate) use finish::{Finished, Outcome};
#[cfg(unix)]
pub(crate) use fork::watch as watch_forks;
pub(crate) use keyed::NoKey;
use life::Ttl;

/// The shortest bound of a wait for a computation, in nanoseconds, where no option says another.
const MIN_BOUND: u64 = 5_000_000_000;
/// The same for a resource, which takes long and should be there once.
const MIN_RESOURCE_BOUND: u64 = 60_000_000_000;

/// Set in the number of a function that is in no registry.
const UNLISTED: usize = 1 << (usize::BITS - 1);
/// That of one that never was.
const NO_NUMBER: usize = usize::MAX;

pub(crate) struct Cache {
    table: Table,
    /// The function's number once it is in the registry, which is before its first entry. Before that
    /// [`UNLISTED`] is set in it; a double keeps the rest for the next block that it is called in.
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
    /// The `ttl` of all results in nanoseconds; nothing, if each has its own.
    ttl: Asked<Option<u64>>,
    /// The options `jitter` and `idle` in nanoseconds.
    jitter: Asked<u64>,
    idle: Asked<u64>,
    /// The option `stale_if_error` in nanoseconds.
    stale: Asked<u64>,
    /// The `wait` option in nanoseconds.
    wait: Asked<u64>,
    /// The backing store, if it has one.
    pub(crate) backing: Backing,
    registry: &'static Registry,
    /// What ages are told by.
    clock: &'static Clock,
    /// Its entries own resources, which are to be dropped as soon as nobody reads them; data is when
    /// it is worth it.
    is_resource: bool,
    /// Which kinds of [`Error`] were reported, one bit each.
    reported: AtomicU16,
    /// The function, for which a double in a session reports.
    reports_as: Option<&'static Self>,
    /// The function of which it is a double.
    original: Option<&'static Self>,
    /// Its place in the registry.
    place: AtomicUsize,
    /// It is a double in sessions.
    is_of_session: bool,
    /// The session has ended; written under the registry's lock.
    is_closed: AtomicBool,
}

/// What a function's options say of what it stores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// As far as the compiler knows them.
    pub(crate) bounds: Bounds,
    pub(crate) ask_entries: Option<fn() -> usize>,
    pub(crate) ask_bytes: Option<fn() -> usize>,
    pub(crate) ttl: Ttl,
    /// By how much a `ttl` may be shortened.
    pub(crate) jitter: Option<fn() -> Duration>,
    /// For how long an entry is kept that nobody asks for.
    pub(crate) idle: Option<fn() -> Duration>,
    /// For how long after its `ttl` an entry is kept for when the body fails.
    pub(crate) stale: Option<fn() -> Duration>,
    /// The bound of waits.
    pub(crate) wait: Option<fn() -> Duration>,
    /// An entry is served for another `ttl`, while one call has it refreshed.
    pub(crate) is_background: bool,
    /// Its results have tags.
    pub(crate) is_tagged: bool,
    /// Its results go with what they were computed from.
    pub(crate) depends: bool,
    /// What a terminal shows of a computation that lasts; an empty text is the function's name.
    pub(crate) spinner: Option<&'static str>,
}

struct Shared {
    memory: Memory,
    flights: Flights,
    /// So many clears are under way that have a store to clear as well: what is computed meanwhile
    /// may come from what they forget, and is not stored.
    clearing: u32,
    /// The same, of the tags that are being cleared.
    clearing_tags: Vec<TagHash>,
    /// What was computed from its results, once something was.
    dependents: Option<Box<Dependents>>,
    /// Counted here where the lock is taken anyway.
    misses: u64,
    computed: Computed,
}

impl Cache {
    pub(crate) const fn new(
        declared: Name,
        registry: &'static Registry,
        is_resource: bool,
    ) -> Self {
        Self {
            table: Table::new(),
            number: AtomicUsize::new(NO_NUMBER),
            name: OnceCell::new(),
            shared: Mutex::new(Shared {
                memory: Memory::new(!is_resource),
                flights: Flights::new(),
                clearing: 0,
                clearing_tags: Vec::new(),
                dependents: None,
                misses: 0,
                computed: Computed::new(),
            }),
            counts: Counts::new(),
            longest: AtomicU64::new(0),
            declared,
            limits: Limits {
                bounds: Bounds::NONE,
                ask_entries: None,
                ask_bytes: None,
                ttl: Ttl::None,
                jitter: None,
                idle: None,
                stale: None,
                wait: None,
                is_background: false,
                is_tagged: false,
                depends: false,
                spinner: None,
            },
            bounds: Asked::new(),
            ttl: Asked::new(),
            jitter: Asked::new(),
            idle: Asked::new(),
            stale: Asked::new(),
            wait: Asked::new(),
            backing: Backing::new(),
            registry,
            clock: &REAL,
            is_resource,
            reported: AtomicU16::new(0),
            reports_as: None,
            original: None,
            place: AtomicUsize::new(usize::MAX),
            is_of_session: false,
            is_closed: AtomicBool::new(false),
        }
    }
}

impl Cache {
    /// The same function with nothing stored and no store, in an isolation, which has this registry
    /// and this clock.
    pub(crate) fn double(
        &'static self,
        registry: &'static Registry,
        clock: &'static Clock,
    ) -> Self {
        let mut double = Self::new(self.declared, registry, self.is_resource);
        double.limits = self.limits;
        double.original = Some(self.original.unwrap_or(self));
        double.clock = clock;
        double.shared.lock().memory.clock = clock;
        double
    }

    /// The same function in sessions, of this isolation or of none.
    pub(crate) fn double_of_session(
        &'static self,
        isolation: Option<(&'static Registry, &'static Clock)>,
    ) -> Self {
        let (registry, clock) = isolation.unwrap_or((self.registry, self.clock));
        let mut double = self.double(registry, clock);
        double.is_of_session = true;
        // An isolation is a test of its own.
        double.reports_as = if isolation.is_none() { Some(self) } else { None };
        double
    }

    /// A call of it that found nothing.
    pub(crate) fn claimant(&'static self, key: Key) -> Claimant {
        let session = if self.is_of_session { session::current() } else { None };
        let depends = self.limits.depends.then_some(self as &dyn Function);
        Claimant::new(key, Of { session, depends })
    }

    pub(crate) fn is_resource(&self) -> bool {
        self.is_resource
    }

    /// The moment by which what is stored is old or not.
    pub(crate) fn now(&self) -> Tick {
        self.clock.now()
    }
}

impl Cache {
    /// What is behind the lock; children of `fork` are seen to before a thread may hold it.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        #[cfg(unix)]
        fork::watch();
        self.shared.lock()
    }

    /// Whether its results are data.
    pub(crate) fn is_data(&self) -> bool {
        !self.is_resource
    }

    fn register(&'static self, scope: Option<Scope>) {
        // Relaxed: a number seen late only means to ask again, under the registry's lock.
        let is_unlisted = || self.number.load(Ordering::Relaxed) & UNLISTED != 0;
        if is_unlisted() {
            #[cfg(unix)]
            crate::cache::fork::watch();
            let number = || {
                self.name.get_or_init(|| self.declared.full(scope));
                let number = match self.number.load(Ordering::Relaxed) {
                    NO_NUMBER => next_number(),
                    before => before & !UNLISTED,
                };
                self.number.store(number, Ordering::Relaxed);
            };
            let is_closed = || self.is_closed.load(Ordering::Relaxed);
            self.registry.register(self, is_unlisted, number, is_closed);
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name.get().copied().unwrap_or(self.declared.text)
    }

    /// The function's full name, also before it is called for the first time.
    pub(crate) fn name_of(&self, scope: Option<Scope>) -> &'static str {
        self.name.get_or_init(|| self.declared.full(scope))
    }

    /// The function's number among the counters of hits.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&self) -> usize {
        // Relaxed: who comes here found an entry, which was published after the number was set.
        self.number.load(Ordering::Relaxed)
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

    /// What it may hold; what the options would have to be asked for is none before that is done.
    fn bounds(&self) -> Bounds {
        self.bounds.known().unwrap_or(self.limits.bounds)
    }
}

#[cfg(test)]
impl Cache {
    pub(crate) fn has_flights(&self) -> bool {
        !self.shared.lock().flights.is_empty()
    }

    /// Whether nothing that was unlinked waits to be freed.
    #[cfg(memo_shuttle)]
    pub(crate) fn is_clean(&self) -> bool {
        self.shared.lock().memory.is_clean()
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
