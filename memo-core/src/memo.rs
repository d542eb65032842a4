//! `#[memo]`: how a call flows, from its arguments to its result.
//!
//! [`enter`] finds; [`Call::run`] hands a hit over, or takes a miss to its end. What is generic
//! here is what must know the user's types: the walk of the arguments, the codec, the body.

mod async_companions;
mod companions;
mod stored;
mod tasks;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::behind::{REFRESHES, STORES};
use crate::cache::{Cache, Finished, Outcome};
use crate::claim::{Lead, SyncLead};
use crate::clock::{self, Tick};
use crate::codec::{self, Codec, Data, Keep, Trust};
use crate::entry::{Builder, Ref};
use crate::flight::{Entered, Flight, Key};
use crate::identity::Source;
use crate::key::Args;
use crate::reclaim;
use crate::registry::{Function, Stats, MEMOS};
use crate::site::Site;
use crate::store::Store;
use crate::switch;
use crate::tier::{After, Saving, What};
use crate::unwind::catch;

pub use async_companions::{contains_async, get_async, insert_async, remove_async};
pub use companions::{contains, get, insert, remove};
pub use tasks::AsyncMiss;

/// One memoized function: what its attribute's one static holds.
pub struct Memo {
    cache: Cache,
    trust: Trust,
    /// Its calls are tasks, which must not wait for a store.
    is_async: bool,
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("name", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Memo {
    /// A function of this name, with nothing stored.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let site = Site { name, is_method: false };
        Self { cache: Cache::new(site, &MEMOS, false), trust: Trust::new(), is_async: false }
    }

    /// The function is a method: its name gets the type's.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.cache.site.is_method = true;
        self
    }

    /// The `version` option, asked when the store is opened: part of the identity in stores that
    /// outlive the process.
    #[must_use]
    pub const fn version(mut self, version: fn() -> u64) -> Self {
        self.cache.outer.set_version(version);
        self
    }

    /// What the attribute sees of the function: its identity in stores that outlive the process.
    #[must_use]
    pub const fn source(mut self, source: Source) -> Self {
        self.cache.outer.set_source(source);
        self
    }

    /// The `store` option; opened at the first call.
    #[must_use]
    pub const fn store(mut self, open: fn() -> Arc<dyn Store>) -> Self {
        self.cache.outer.set_store(open);
        self
    }

    /// The `flight = "fleet"` option.
    #[must_use]
    pub const fn fleet(mut self) -> Self {
        self.cache.outer.set_fleet();
        self
    }

    /// The function is `async`.
    #[must_use]
    pub const fn asynchronous(mut self) -> Self {
        self.is_async = true;
        self
    }

    /// The `ttl` option; asked once, before the first result is stored.
    ///
    /// # Panics
    /// There is no clock: the attribute's static does not compile.
    #[must_use]
    pub const fn ttl(mut self, ttl: fn() -> Duration) -> Self {
        if !clock::EXISTS {
            panic!("`ttl` needs a clock, and this platform has none");
        }
        self.cache.limits.ttl = Some(ttl);
        self
    }

    /// The `wait` option; asked once, before the first wait.
    #[must_use]
    pub const fn wait(mut self, wait: fn() -> Duration) -> Self {
        self.cache.limits.wait = Some(wait);
        self
    }

    /// The `refresh = "background"` option.
    #[must_use]
    pub const fn refresh_in_background(mut self) -> Self {
        self.cache.limits.is_background = true;
        self
    }

    /// The `max_entries` option.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.cache.limits.bounds.entries = entries;
        self
    }

    /// The same as an expression; asked once, before the first result is stored.
    #[must_use]
    pub const fn ask_max_entries(mut self, entries: fn() -> usize) -> Self {
        self.cache.limits.ask_entries = Some(entries);
        self
    }

    /// The `max_bytes` option: bytes of stored keys and values.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.cache.limits.bounds.bytes =
            if bytes > usize::MAX as u64 { usize::MAX } else { bytes as usize };
        self
    }

    /// The same as an expression; asked once, before the first result is stored.
    #[must_use]
    pub const fn ask_max_bytes(mut self, bytes: fn() -> usize) -> Self {
        self.cache.limits.ask_bytes = Some(bytes);
        self
    }

    /// `func::clear()`.
    pub fn clear(&'static self) {
        self.cache.clear();
    }

    /// `func::stats()`.
    #[must_use]
    pub fn stats(&'static self) -> Stats {
        self.cache.stats()
    }

    /// The hot path: no lock, and no allocation but those of the value.
    #[inline(always)]
    fn find<R, C: Codec<R>, A: Args>(&'static self, args: &A, is_call: bool) -> Option<(R, bool)> {
        if A::are_plain() && codec::is_plain::<C::Data>() {
            // No code of the user's is run under the pin.
            let pin = reclaim::pin();
            if let Ok((entry, served)) = self.cache.find_under(&pin, args, is_call)? {
                let data = codec::decode(entry)?;
                if is_call {
                    self.cache.hit(&pin, entry);
                }
                drop(pin);
                served.reclaim();
                return Some((C::restore(data), served.is_stale));
            }
        }
        let (found, served) = self.cache.find(args, is_call)?;
        let data = codec::decode(found.view())?;
        if is_call {
            self.cache.hit_held(&found);
        }
        drop(found);
        served.reclaim();
        Some((C::restore(data), served.is_stale))
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Args>(&'static self, args: &A) -> Option<Arc<Flight>> {
        self.key(args).map(Flight::new)
    }

    /// A value that another call computed: a hit.
    ///
    /// Where it does not decode, though its like did when it was checked, it is given up, and the
    /// call is a miss that runs uncached.
    #[cold]
    #[inline(never)]
    fn restore<R, C: Codec<R>>(&'static self, entry: &Ref) -> Option<R> {
        let Some(data) = codec::decode(entry.view()) else {
            self.cache.count_miss();
            self.cache.count_uncacheable("a stored value cannot be read back".into());
            self.cache.remove_entry(entry);
            self.trust.doubt();
            self.void_if_doubted();
            return None;
        };
        self.cache.count_hit();
        Some(C::restore(data))
    }

    /// Claims a call for this thread.
    ///
    /// # Errors
    /// Nobody has its result: what is to be computed, or nothing if it is to run uncached.
    // A frame of its own, which is gone when the body runs.
    #[cold]
    #[inline(never)]
    fn claim<R, C: Codec<R>>(&'static self, call: Arc<Flight>) -> Result<R, Option<SyncLead>> {
        match SyncLead::claim(&self.cache, call) {
            Ok(leading) if self.cache.has_store() => {
                leading.load_from_store(|lead| self.load::<R, C>(lead)).map_err(Some)
            }
            Ok(leading) => Err(Some(leading)),
            Err(entry) => self.restore::<R, C>(&entry).ok_or(None),
        }
    }

    #[cold]
    #[inline(never)]
    fn forced(&'static self, call: Arc<Flight>) -> SyncLead {
        let mut leading = SyncLead::forced(&self.cache, call);
        if self.cache.has_store() {
            let lookup = self.cache.load_for(&leading.lead.flight);
            self.replaces(&mut leading.lead, lookup);
        }
        leading
    }

    #[cold]
    fn no_key<R>(&self) -> Found<R> {
        self.cache.count_miss();
        Found::Uncached
    }

    fn key<A: Args>(&'static self, args: &A) -> Option<Key> {
        self.cache.missed(args, self.trust.expected_len()).ok()
    }
}

/// A call of a memoized function, looked up and not yet answered. It holds no argument.
#[must_use]
pub struct Call<R, C> {
    memo: &'static Memo,
    codec: C,
    found: Found<R>,
}

enum Found<R> {
    Hit(R),
    /// A hit that is to be refreshed behind this call.
    Stale(R),
    Miss(Arc<Flight>),
    /// To be computed now, whatever is stored.
    Forced(Arc<Flight>),
    /// Caching is off, or the arguments make no key: the body just runs.
    Uncached,
}

impl<R, C> fmt::Debug for Call<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("memo", &self.memo).finish_non_exhaustive()
    }
}

/// The result of a hit that takes no more than to find and decode it; nothing where it takes more,
/// or is none: then [`enter`] is to be asked.
///
/// It calls nothing that is not inlined, what decodes aside. So a function that returns what it
/// finds here, and else hands its arguments to another function, saves and restores no registers.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hit<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> Option<R> {
    if !switch::is_known_on() {
        return None;
    }
    if A::are_plain() && codec::is_plain::<C::Data>() {
        let pin = reclaim::pin_at_once()?;
        let entry = memo.cache.find_at_once(&pin, &args)?;
        let data = codec::decode_at_once(entry)?;
        return memo.cache.hit_at_once(&pin, entry).then(|| C::restore(data));
    }
    let found = memo.cache.hold_at_once(&args)?;
    let data = codec::decode_at_once(found.view())?;
    memo.cache.hit_held_at_once(&found).then(|| C::restore(data))
}

/// Looks a call up.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn enter<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A) -> Call<R, C> {
    let found = if !switch::is_on() {
        Found::Uncached
    } else if memo.is_to_be_asked_aside() {
        memo.missed(&args).map_or_else(|| memo.no_key(), Found::Miss)
    } else if let Some((result, is_stale)) = memo.find::<R, C, A>(&args, true) {
        if is_stale {
            Found::Stale(result)
        } else {
            Found::Hit(result)
        }
    } else {
        memo.missed(&args).map_or_else(|| memo.no_key(), Found::Miss)
    };
    Call { memo, codec, found }
}

/// `func::refresh(…)`: a call that computes, whatever is stored.
pub fn refresh<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A) -> Call<R, C> {
    let missed = if switch::is_on() { memo.missed(&args) } else { None };
    Call { memo, codec, found: missed.map_or(Found::Uncached, Found::Forced) }
}

impl<R, C: Codec<R>> Call<R, C> {
    /// Has the result refreshed behind this call, if it is old and this call is the first to see it.
    ///
    /// `job` makes the refreshing call, from arguments of its own.
    #[inline]
    pub fn behind<J: FnOnce() + Send + 'static>(&self, job: impl FnOnce() -> J) {
        if matches!(self.found, Found::Stale(_)) {
            // Without a thread the old result is served for as long as it may be.
            let _ = REFRESHES.run(Box::new(job()));
        }
    }

    /// The result, computed on this thread if it must be.
    #[inline(always)]
    pub fn run(self, body: impl FnOnce() -> R) -> R {
        match self.hit() {
            Ok(result) => result,
            Err(miss) => miss.finish(body()),
        }
    }

    /// The result of a hit, or what takes the body's; for a caller that cannot hand over a body.
    ///
    /// # Errors
    /// A miss: the body is to be run.
    #[inline(always)]
    pub fn hit(self) -> Result<R, Miss<R, C>> {
        let Self { memo, codec, found } = self;
        let leading = match found {
            Found::Hit(result) | Found::Stale(result) => return Ok(result),
            Found::Uncached => None,
            Found::Forced(call) => Some(memo.forced(call)),
            Found::Miss(call) => match memo.claim::<R, C>(call) {
                Ok(result) => return Ok(result),
                Err(leading) => leading,
            },
        };
        Err(Miss { memo, codec, leading, result: PhantomData })
    }

    /// The result of a hit, or what computes it in a task.
    ///
    /// # Errors
    /// A miss: it is to be awaited.
    #[inline(always)]
    pub fn missed(self) -> Result<R, AsyncMiss<R, C>> {
        let Self { memo, codec, found } = self;
        let call = match found {
            Found::Hit(result) | Found::Stale(result) => return Ok(result),
            Found::Miss(flight) => Some((flight, false)),
            Found::Forced(flight) => Some((flight, true)),
            Found::Uncached => None,
        };
        Err(AsyncMiss { memo, codec, call, result: PhantomData })
    }
}

/// A miss whose body runs on this thread. Dropped without a result, it lets the next call try.
#[must_use]
pub struct Miss<R, C> {
    memo: &'static Memo,
    codec: C,
    leading: Option<SyncLead>,
    result: PhantomData<fn(R)>,
}

impl<R, C> fmt::Debug for Miss<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").field("memo", &self.memo).finish_non_exhaustive()
    }
}

impl<R, C: Codec<R>> Miss<R, C> {
    /// Stores the body's result, and hands it back.
    #[inline(always)]
    pub fn finish(self, result: R) -> R {
        if let Some(leading) = self.leading {
            finish_here(self.memo, &self.codec, leading.lead, &result);
        }
        result
    }
}

/// The end of a miss on this thread, which waits for the store.
// A frame of its own, so that what it has in hand is none of the body's.
#[cold]
#[inline(never)]
fn finish_here<R, C: Codec<R>>(memo: &'static Memo, codec: &C, lead: Lead, result: &R) {
    if let Some(after) = finish(memo, codec, lead, result) {
        memo.cache.settle_store(after);
    }
}

/// The cold end of a miss: keeps of the result what the codec says; what is left for the store.
#[cold]
#[inline(never)]
fn finish<R, C: Codec<R>>(
    memo: &'static Memo,
    codec: &C,
    mut lead: Lead,
    result: &R,
) -> Option<After> {
    lead.computed();
    // The user's condition, time to live and serde code may call the function again.
    let _entered = Entered::new(&lead.flight);
    let (data, may_store) = match memo.keep(codec, result) {
        Ok(Keep::Store(data)) => (Some(data), true),
        Ok(Keep::Share(data)) => (Some(data), false),
        // An error says nothing about the result that may be stored.
        Ok(Keep::Drop) => {
            let _ = lead.finish(Outcome::Leave);
            return None;
        }
        Err(Panicked) => (None, false),
    };
    let digest = lead.flight.digest;
    let (ticket, replaces, lease) = (lead.ticket, lead.is_replacing, lead.lease.take());
    // What is not stored need not be encoded for nobody.
    let data = data.filter(|_| may_store || lead.is_awaited());
    let outcome = memo.outcome(&lead, data, may_store);
    let saving = match (&outcome, data, ticket) {
        (Outcome::Store(entry), Some(data), Some(ticket)) => codec::structure(data, entry.view())
            .map(|structure| {
                let entry = entry.view().share();
                What::Save(Saving { digest, ticket, replaces, entry, structure })
            }),
        _ => None,
    };
    let Finished { is_current, .. } = lead.finish(outcome);
    // What was made void here may have been computed from what the store was to forget.
    let saving = saving.filter(|_| is_current);
    let forget = ticket.filter(|_| replaces && saving.is_none()).map(|_| What::Forget(digest));
    saving.or(forget).map(|what| After { what, lease })
}

impl Memo {
    /// What the codec keeps of a result.
    ///
    /// # Errors
    /// The user's condition panicked, which is counted: there is no telling whether it may be kept.
    fn keep<'r, R, C: Codec<R>>(
        &'static self,
        codec: &C,
        result: &'r R,
    ) -> Result<Keep<'r, C::Data>, Panicked> {
        catch(|| codec.keep(result)).ok_or_else(|| {
            self.cache.count_uncacheable("its `cache_if` panicked".into());
            Panicked
        })
    }

    /// What a computation leaves, of which that much is kept.
    fn outcome<D: Data>(&'static self, lead: &Lead, data: Option<&D>, may_store: bool) -> Outcome {
        let mut key = lead.take_key();
        let Some(data) = data else { return Outcome::Forget(key) };
        let Some(codec) = self.encode_value(data, &mut key) else { return Outcome::Forget(key) };
        let expiry = if may_store { self.expiry() } else { None };
        match expiry {
            Some(expiry) => Outcome::Store(key.finish(codec, expiry)),
            None => Outcome::Share(key.finish(codec, None)),
        }
    }

    /// Encodes a value behind its key: the codec, and when the entry expires. Nothing if it cannot be
    /// stored, which is counted.
    fn encode<D: Data>(&'static self, data: &D, key: &mut Builder) -> Option<(u8, Option<Tick>)> {
        self.encode_value(data, key).zip(self.expiry())
    }

    fn encode_value<D: Data>(&'static self, data: &D, key: &mut Builder) -> Option<u8> {
        let encoded = codec::encode(data, &self.trust, key);
        self.void_if_doubted();
        encoded.map_err(|why| self.cache.count_uncacheable(why)).ok()
    }

    /// Forgets what is stored, here and in the store, if it may not be what it was.
    fn void_if_doubted(&'static self) {
        if !self.trust.take_void() {
            return;
        }
        if !self.is_async || !self.cache.has_store() {
            return self.clear();
        }
        // A task does not wait for the store.
        self.cache.forget_all();
        let _ = STORES.run(Box::new(|| self.clear())).map_err(|job| job());
    }

    /// When what is stored now expires; nothing if that cannot be said, which is counted.
    fn expiry(&'static self) -> Option<Option<Tick>> {
        self.cache.expiry().map_err(|unknown| self.cache.count_unknown_ttl(unknown)).ok()
    }
}

/// The user's code did, in the middle of what may not fail the call.
struct Panicked;

#[cfg(test)]
mod tests;
