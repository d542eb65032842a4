//! One function's cache: its table, its flights, and the lock that changes both together.
//!
//! No type of the user's gets here: below the attributes' generic skin there are keys and entries.
//! Whatever must win over a computation in flight (`clear`, `remove`, `insert`, `refresh`) fences
//! its flight under the same lock under which the flight would store its result.

mod change;
mod find;

use std::sync::atomic::{AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::budget;
use crate::clock::Tick;
use crate::entry::{Builder, Ref, View};
use crate::error::{report, Error, Kind};
use crate::expiry;
use crate::flight::{wake, Flight, Flights, Joined, Key, Wait};
use crate::key::sink::{take_refusal, Stop};
use crate::key::{self, Args, Scope};
use crate::memory::{Bounds, Memory};
use crate::outer::Outer;
use crate::reclaim;
use crate::registry::{Function, Registry, Stats};
use crate::site::Site;
use crate::table::{self, Table};

/// The shortest bound of a wait.
const SHORTEST_BOUND: Duration = Duration::from_secs(1);

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
    pub(crate) site: Site,
    pub(crate) limits: Limits,
    /// The `ttl` in nanoseconds, once it was asked for.
    life: OnceCell<u64>,
    /// What lies behind memory.
    pub(crate) outer: Outer,
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
    pub(crate) bounds: Bounds,
    pub(crate) ttl: Option<fn() -> Duration>,
    /// An entry is served for another `ttl`, while one call has it refreshed.
    pub(crate) is_background: bool,
}

struct Shared {
    memory: Memory,
    flights: Flights,
}

/// What becomes of a flight's key when it ends.
pub(crate) enum End {
    /// The entry is stored, and shared with who waits.
    Store(Ref),
    /// Shared, not stored; what is stored is older, and goes.
    Share(Ref),
    /// There is none; what is stored is older, and goes.
    Forget(Builder),
    /// There is none; what is stored stays.
    Leave,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) misses: AtomicU64,
    pub(crate) uncacheable: AtomicU64,
    pub(crate) unshared: AtomicU64,
}

/// What came of asking the cache under its lock.
pub(crate) enum Claim {
    Found(Ref),
    Lead,
    /// Another call's computation is to be waited for.
    Wait(Wait),
    /// So it would be, but the wait would never end.
    Circle,
}

impl Cache {
    pub(crate) const fn new(site: Site, registry: &'static Registry, is_resource: bool) -> Self {
        Self {
            table: Table::new(),
            number: AtomicUsize::new(usize::MAX),
            name: OnceCell::new(),
            shared: Mutex::new(Shared {
                memory: Memory::new(!is_resource),
                flights: Flights::new(),
            }),
            counts: Counts {
                misses: AtomicU64::new(0),
                uncacheable: AtomicU64::new(0),
                unshared: AtomicU64::new(0),
            },
            longest: AtomicU64::new(0),
            site,
            limits: Limits { bounds: Bounds::NONE, ttl: None, is_background: false },
            life: OnceCell::new(),
            outer: Outer::new(),
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
        self.enroll(args.scope());
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

    fn enroll(&'static self, scope: Option<Scope>) {
        // Relaxed: a number seen late only means to ask the `OnceCell`, which orders everything.
        if self.number.load(Ordering::Relaxed) != usize::MAX {
            return;
        }
        self.name.get_or_init(|| {
            let name = self.site.name_in(scope);
            self.number.store(self.registry.enroll(self), Ordering::Relaxed);
            name
        });
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name.get().copied().unwrap_or(self.site.name)
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

    pub(crate) fn count_miss(&self) {
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_uncacheable(&self, why: String) {
        self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
        self.report(Kind::Value, why);
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

    /// How long a call waits for another's computation at the most.
    pub(crate) fn bound(&self) -> Duration {
        let longest = Duration::from_nanos(self.longest.load(Ordering::Relaxed));
        (longest * 2).max(SHORTEST_BOUND)
    }

    pub(crate) fn computed_in(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // The load spares the common case the write to a shared line.
        if nanos > self.longest.load(Ordering::Relaxed) {
            self.longest.fetch_max(nanos, Ordering::Relaxed);
        }
    }

    /// Looks again, under the lock, and joins the flight of the key or becomes it.
    pub(crate) fn claim(&self, flight: &Arc<Flight>) -> Claim {
        let mut shared = self.shared.lock();
        if let Some(key) = flight.key.lock().as_ref() {
            if let Some(entry) = shared.memory.find(&self.table, key) {
                return Claim::Found(entry.share());
            }
        }
        match shared.flights.join(flight) {
            Joined::Leads => Claim::Lead,
            Joined::Waits(wait) => Claim::Wait(wait),
            Joined::Circle => Claim::Circle,
        }
    }

    /// Makes the call's flight one beside the flight of its key.
    pub(crate) fn claim_unshared(&self, flight: &Arc<Flight>) {
        self.count_unshared();
        self.shared.lock().flights.note(flight);
    }

    /// Makes the call's flight the flight of its key, whoever led it before.
    pub(crate) fn claim_anew(&self, flight: &Arc<Flight>) {
        let fenced = self.shared.lock().flights.replace(flight);
        fenced.iter().for_each(|flight| flight.wake_all());
    }

    /// Ends a flight, unless it was fenced as its end says.
    pub(crate) fn settle(&'static self, flight: &Arc<Flight>, end: End) {
        let end = match end {
            End::Store(entry) if !self.reserve(&entry) => End::Share(entry),
            end => end,
        };
        let (result, freed) = self.change(|shared| {
            shared.flights.depart(flight);
            let is_current = !flight.is_fenced();
            let result = match end {
                End::Store(entry) => {
                    self.store(&mut shared.memory, &entry, is_current);
                    Some(entry)
                }
                End::Share(entry) => {
                    if is_current {
                        shared.memory.remove_same(&self.table, entry.view());
                    }
                    Some(entry)
                }
                End::Forget(key) => {
                    if is_current {
                        shared.memory.remove(&self.table, &key);
                    }
                    None
                }
                End::Leave => None,
            };
            // Until they have taken it, a fence must keep it from them.
            if flight.is_awaited() {
                shared.flights.note(flight);
            }
            result
        });
        flight.end(result);
        drop(freed);
    }

    /// Takes an entry's bytes in the budget of all functions; false if they are too many.
    fn reserve(&self, entry: &Ref) -> bool {
        expiry::reclaim(Tick::now());
        self.is_resource || budget::reserve(entry.view().entry.bytes())
    }

    /// Gives the bytes of an entry back that was not stored.
    fn give_back(&self, entry: View<'_>) {
        if !self.is_resource {
            budget::give_back(entry.entry.bytes());
        }
    }

    /// Stores an entry whose bytes are reserved.
    fn store(&self, memory: &mut Memory, entry: &Ref, is_current: bool) {
        let view = entry.view();
        if !is_current {
            self.give_back(view);
            return;
        }
        if let Some(expiry) = view.expiry() {
            memory.expire(&self.table, Tick::now(), expiry::BATCH);
            expiry::expect(expiry);
        }
        if !memory.insert(&self.table, self.limits.bounds, view.share()) {
            self.give_back(view);
            memory.remove_same(&self.table, view);
        }
    }

    /// When what is stored now expires.
    pub(crate) fn expiry(&self) -> Option<Tick> {
        Some(Tick::now().plus(self.whole_life()?))
    }

    /// How long an entry is served, in nanoseconds; for ever, if nothing.
    pub(crate) fn whole_life(&self) -> Option<u64> {
        let factor = if self.limits.is_background { 2 } else { 1 };
        let own = self.life().map(|life| life.saturating_mul(factor));
        own.into_iter().chain(self.outer.longest_life()).min()
    }

    /// How long an entry is fresh, in nanoseconds; for ever, if nothing.
    pub(crate) fn life(&self) -> Option<u64> {
        let ttl = self.limits.ttl?;
        Some(*self.life.get_or_init(|| u64::try_from(ttl().as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Ends a flight whose result is not to be stored, unless someone waits for it.
    pub(crate) fn forget_if_unawaited(&'static self, flight: &Arc<Flight>) -> bool {
        let (is_over, freed) = self.change(|shared| {
            if flight.is_awaited() {
                return false;
            }
            shared.flights.depart(flight);
            if let (Some(key), false) = (flight.key.lock().take(), flight.is_fenced()) {
                shared.memory.remove(&self.table, &key);
            }
            true
        });
        if is_over {
            flight.end(None);
        }
        drop(freed);
        is_over
    }

    /// A leader leaves without an end, its future dropped: a waiter takes over.
    pub(crate) fn abandon(&self, flight: &Arc<Flight>) {
        let mut shared = self.shared.lock();
        if !shared.flights.leads(flight) {
            shared.flights.depart(flight);
            drop(shared);
            flight.end(None);
            return;
        }
        let heir = flight.abandon();
        if heir.is_none() {
            shared.flights.depart(flight);
        }
        drop(shared);
        if let Some(waker) = heir.flatten() {
            wake(waker);
        }
    }

    /// A waiter leaves: a flight that nobody leads nor awaits is forgotten.
    pub(crate) fn leave(&self, flight: &Arc<Flight>) {
        if flight.is_deserted() {
            let mut shared = self.shared.lock();
            // Somebody may have found it meanwhile.
            if flight.is_deserted() {
                shared.flights.depart(flight);
            }
        }
    }
}

impl Function for Cache {
    fn clear(&'static self) {
        if self.has_store() {
            self.clear_store();
        }
        self.forget_all();
    }

    fn stats(&'static self) -> Stats {
        // What has expired is not held any more, reclaimed or not.
        while self.expire(Tick::now()).is_some_and(|next| next <= Tick::now()) {}
        let (entries, bytes, evictions, expirations) = {
            let memory = &self.shared.lock().memory;
            (memory.entries(), memory.bytes(), memory.evictions(), memory.expirations())
        };
        let number = self.number.load(Ordering::Relaxed);
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
            store_errors: self.outer.errors.load(Ordering::Relaxed),
        }
    }

    fn expire(&'static self, now: Tick) -> Option<Tick> {
        self.limits.ttl?;
        let (next, freed) =
            self.change(|shared| shared.memory.expire(&self.table, now, expiry::BATCH));
        drop(freed);
        next
    }

    fn oldest_stamp(&'static self) -> Option<u64> {
        self.shared.lock().memory.oldest_stamp(&self.table)
    }

    fn evict(&'static self) {
        let (_, freed) = self.change(|shared| shared.memory.evict(&self.table));
        drop(freed);
    }
}
