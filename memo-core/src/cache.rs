//! One function's cache: its table, its flights, and the lock that changes both together.
//!
//! No type of the user's gets here: below the attributes' generic skin there are keys and entries.
//! Whatever must win over a computation in flight (`clear`, `remove`, `insert`, `refresh`) fences
//! its flight under the same lock under which the flight would store its result.

use std::collections::HashSet;
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
use crate::key::{self, Args, Hashed, Hashes, Scope, DIGEST};
use crate::memory::{Bounds, Memory};
use crate::outer::Outer;
use crate::reclaim::{self, Pin, Retired};
use crate::registry::{Function, Registry, Stats};
use crate::release::{self, Lingering};
use crate::site::Site;
use crate::table::{self, same_key, Reader, Table};

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

/// Whether an entry is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serving {
    Fresh,
    /// It is, and this caller has it refreshed.
    Stale,
    Not,
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
        let (digest, entry) = match key::hashes(args, table::seed())? {
            Some(hashes) => key::encode(args, |encoding| {
                let digest = blake3::hash(encoding).into();
                (digest, Builder::new(encoding, false, hashes, expected_len))
            })?,
            None => {
                let digest = key::digest_of(args)?;
                let hashes = Hashes::same(key::hash_of_digest(&digest));
                (digest, Builder::new(&digest, true, hashes, expected_len))
            }
        };
        Ok(Key { digest, entry, is_local: args.scope().is_some_and(Scope::is_local) })
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

    /// The entry of a call, if there is one to be served; and whether the caller is to have it
    /// refreshed. No lock, and no allocation.
    #[inline(always)]
    pub(crate) fn find<'p, A: Args>(
        &self,
        pin: &'p Pin,
        args: &A,
        is_call: bool,
    ) -> Option<(View<'p>, bool)> {
        let table = self.table.read(pin)?;
        let entry = match key::hash(args, table.seed(), table.is_thorough()) {
            Ok(Hashed::Verbatim(hash, len)) => table.find(hash, |entry| {
                entry.encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
            })?,
            Ok(Hashed::Long) => find_long(args, table)?,
            Err(_) => return None,
        };
        match self.serving(entry, is_call) {
            Serving::Fresh => Some((entry, false)),
            Serving::Stale => Some((entry, true)),
            Serving::Not => None,
        }
    }

    /// The entry of a call, if it is there and has no expiry to be asked about, and its key is not
    /// a long one: what [`find`](Self::find) does without calling anything that is not inlined.
    #[inline(always)]
    pub(crate) fn find_at_once<'p, A: Args>(&self, pin: &'p Pin, args: &A) -> Option<View<'p>> {
        let table = self.table.read(pin)?;
        let hashed = key::hash(args, table.seed(), table.is_thorough());
        let Ok(Hashed::Verbatim(hash, len)) = hashed else { return None };
        table.find(hash, |entry| {
            entry.lasting_encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
        })
    }

    /// Counts a hit that [`find_at_once`](Self::find_at_once) found; false if that takes more.
    #[inline(always)]
    pub(crate) fn hit_at_once(&self, pin: &Pin, entry: View<'_>) -> bool {
        entry.entry.mark();
        pin.count_hit_at_once(self.number())
    }

    /// Counts a hit, found under this pin.
    #[inline(always)]
    pub(crate) fn hit(&self, pin: &Pin, entry: View<'_>) {
        entry.entry.mark();
        pin.count_hit(self.number());
    }

    /// Whether an entry that was found is to be served, and how.
    #[inline(always)]
    fn serving(&self, entry: View<'_>, is_call: bool) -> Serving {
        match entry.expiry() {
            None => Serving::Fresh,
            Some(expiry) => self.serving_until(entry, expiry, is_call),
        }
    }

    #[inline]
    fn serving_until(&self, entry: View<'_>, expiry: Tick, is_call: bool) -> Serving {
        let now = Tick::now();
        if expiry <= now {
            return Serving::Not;
        }
        let is_stale = is_call
            && self.limits.is_background
            && self.life().is_some_and(|life| now.plus(life) >= expiry)
            && entry.entry.is_to_be_refreshed();
        if is_stale {
            Serving::Stale
        } else {
            Serving::Fresh
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

    pub(crate) fn contains<A: Args>(&self, args: &A) -> bool {
        let pin = reclaim::pin();
        let (Some(table), Ok(key)) = (self.table.read(&pin), self.key(args, 0)) else {
            return false;
        };
        table
            .find(key.entry.hashes().of(table.is_thorough()), same_key(&key.entry))
            .is_some_and(|entry| entry.expiry().is_none_or(|expiry| expiry > Tick::now()))
    }

    pub(crate) fn remove(&'static self, key: &Key) -> bool {
        let ((removed, fenced), freed) = self.change(|shared| {
            let fenced = shared.flights.fence(&key.digest);
            (shared.memory.remove(&self.table, &key.entry), fenced)
        });
        fenced.iter().for_each(|flight| flight.wake_all());
        drop(freed);
        removed
    }

    /// Empties memory; what is computed now is not stored.
    pub(crate) fn forget_all(&'static self) {
        let (fenced, freed) = {
            let mut shared = self.shared.lock();
            shared.memory.clear(&self.table);
            (shared.flights.fence_all(), self.freed(&mut shared.memory, true))
        };
        fenced.iter().for_each(|flight| flight.wake_all());
        drop(freed);
    }

    /// Forgets these calls in memory, known by their digests alone.
    pub(crate) fn forget_if(&'static self, digests: &HashSet<[u8; DIGEST]>) {
        // Each entry's digest is computed to see whether it is meant. With many, to fetch them from
        // the store again is less than to keep others waiting.
        const MANY: usize = 10_000;
        if self.shared.lock().memory.entries() > MANY {
            return self.forget_all();
        }
        let (fenced, freed) = self.change(|shared| {
            let fenced = digests.iter().flat_map(|digest| shared.flights.fence(digest)).collect();
            shared.memory.remove_if(&self.table, |entry| digests.contains(&digest_of_key(entry)));
            fenced
        });
        let fenced: Vec<Arc<Flight>> = fenced;
        fenced.iter().for_each(|flight| flight.wake_all());
        drop(freed);
    }

    /// Gives up an entry if it is the one meant; a flight that replaces it goes on.
    pub(crate) fn remove_if(&'static self, key: &Builder, is_meant: impl FnOnce(View<'_>) -> bool) {
        let ((), freed) = self.change(|shared| {
            if shared.memory.find(&self.table, key).is_some_and(is_meant) {
                shared.memory.remove(&self.table, key);
            }
        });
        drop(freed);
    }

    /// Gives up this very entry.
    pub(crate) fn remove_entry(&'static self, entry: &Ref) {
        let (_, freed) = self.change(|shared| shared.memory.remove_same(&self.table, entry.view()));
        drop(freed);
    }

    pub(crate) fn insert(&'static self, digest: &[u8; DIGEST], entry: Ref) {
        let is_reserved = self.reserve(&entry);
        let (fenced, freed) = self.change(|shared| {
            let fenced = shared.flights.fence(digest);
            if is_reserved {
                self.store(&mut shared.memory, &entry, true);
            } else {
                shared.memory.remove_same(&self.table, entry.view());
            }
            fenced
        });
        fenced.iter().for_each(|flight| flight.wake_all());
        drop(freed);
    }

    /// Changes what is behind the lock. What can be freed for it is handed out, to be dropped when
    /// the caller has said what it has to say to others: a resource's drop is the user's code.
    fn change<R>(&'static self, change: impl FnOnce(&mut Shared) -> R) -> (R, Freed) {
        let mut shared = self.shared.lock();
        let result = change(&mut shared);
        (result, self.freed(&mut shared.memory, self.is_resource))
    }

    /// What can be freed by now; `at_once`, even if it is little.
    fn freed(&'static self, memory: &mut Memory, at_once: bool) -> Freed {
        let retired = memory.collect(at_once);
        Freed { cache: self, retired, has_leftovers: at_once && !memory.is_clean() }
    }

    /// Frees all that no reader keeps from being freed; whether that was all.
    fn free_now(&self) -> bool {
        let (retired, is_clean) = {
            let mut shared = self.shared.lock();
            (shared.memory.collect(true), shared.memory.is_clean())
        };
        drop(retired);
        is_clean
    }
}

/// What a change left to be freed, by dropping it outside the lock.
#[must_use]
struct Freed {
    cache: &'static Cache,
    retired: Vec<Retired>,
    /// A reader kept some of it from being freed that should be freed at once.
    has_leftovers: bool,
}

/// How often it is looked again for leftovers, before the rest is left to others. A read takes
/// nanoseconds, but its thread may be made to pause.
const PATIENCE: usize = 100;

impl Drop for Freed {
    fn drop(&mut self) {
        self.retired.clear();
        if !self.has_leftovers {
            return;
        }
        for _ in 0..PATIENCE {
            if self.cache.free_now() {
                return;
            }
            std::thread::yield_now();
        }
        // What is only memory can wait for the next write.
        if self.cache.is_resource {
            release::watch(Box::new(Leftovers(self.cache)));
        }
    }
}

/// Resources that a cache gave up, which a slow reader may still look at.
struct Leftovers(&'static Cache);

impl Lingering for Leftovers {
    fn address(&self) -> usize {
        std::ptr::from_ref(self.0).addr()
    }

    fn is_last(&self, _: usize) -> bool {
        self.0.free_now()
    }

    fn release(self: Box<Self>) {}
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

/// The identity of an entry's call.
fn digest_of_key(entry: View<'_>) -> [u8; DIGEST] {
    if entry.entry.has_digest_key() {
        if let Ok(digest) = entry.key().try_into() {
            return digest;
        }
    }
    blake3::hash(entry.key()).into()
}

/// Arguments whose encoding is too long to be kept are found by its digest.
#[inline(never)]
fn find_long<'p, A: Args>(args: &A, table: Reader<'p>) -> Option<View<'p>> {
    let digest = key::digest_of(args).ok()?;
    table.find(key::hash_of_digest(&digest), |entry| {
        entry.entry.has_digest_key() && entry.key() == digest
    })
}
