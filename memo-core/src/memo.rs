//! `#[memo]`: how a call flows, from its arguments to its result.
//!
//! [`enter`] finds; [`Call::run`] hands a hit over, or takes a miss to its end. What is generic
//! here is what must know the user's types: the walk of the arguments, the codec, the body.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_timer::Delay;

use crate::behind::{aside, is_behind, REFRESHES};
use crate::cache::Cache;
use crate::claim::{self, within, Claimed, Flying, Lead};
use crate::codec::{self, Codec, Keep, Trust};
use crate::entry::Ref;
use crate::flight::{Flight, Inside, Key};
use crate::key::Args;
use crate::outer::Source;
use crate::reclaim;
use crate::registry::{Function, Stats, MEMOS};
use crate::site::Site;
use crate::store::{Lookup, Store};
use crate::switch;
use crate::tier::{After, Next, Saving, Stored, Turn, Untold, What};

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

    /// The `version` option: part of the identity in stores that outlive the process.
    #[must_use]
    pub const fn version(mut self, version: u64) -> Self {
        self.cache.outer.set_version(version);
        self
    }

    /// The function's tokens, whether they are built for tests, where what they call may be another's,
    /// and where they are, if the name does not say it: part of the identity in stores that outlive the process.
    #[must_use]
    pub const fn source(
        mut self,
        source: &'static str,
        is_test: bool,
        place: fn() -> &'static str,
    ) -> Self {
        self.cache.outer.set_source(Source { tokens: source, is_test, place });
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
    #[must_use]
    pub const fn ttl(mut self, ttl: fn() -> Duration) -> Self {
        self.cache.limits.ttl = Some(ttl);
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

    /// The `max_bytes` option: bytes of stored keys and values.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.cache.limits.bounds.bytes =
            if bytes > usize::MAX as u64 { usize::MAX } else { bytes as usize };
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
        let pin = reclaim::pin();
        let (entry, is_stale) = self.cache.find(&pin, args, is_call)?;
        let data = codec::decode(entry)?;
        if is_call {
            self.cache.hit(&pin, entry);
        }
        Some((C::restore(data), is_stale))
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
            return None;
        };
        self.cache.count_hit();
        Some(C::restore(data))
    }

    /// Whether memory may not be asked before the store was: only a task has to put that off.
    fn is_to_be_asked_aside(&'static self) -> bool {
        if !self.cache.has_store() {
            return false;
        }
        if self.is_async {
            return self.cache.outer.is_due();
        }
        self.cache.keep_in_step();
        false
    }

    /// Looks into the store, for a call whose computation this is.
    ///
    /// # Errors
    /// There is nothing: the body is to be run.
    #[cold]
    #[inline(never)]
    fn load<R, C: Codec<R>>(&'static self, mut lead: Lead) -> Result<R, Lead> {
        let mut lookup = self.cache.load_for(&lead.flight);
        let mut turn = Turn::new(&self.cache);
        while self.cache.is_worth_waiting(lookup.as_ref()) {
            match turn.after(self.cache.lease(&lead.flight.digest)) {
                Next::Compute => break,
                Next::Lead(lease) => lead.lease = Some(lease),
                Next::Wait(pause) => std::thread::sleep(pause),
            }
            // Whoever had the lease may have put the result since the last look.
            lookup = self.cache.load_for(&lead.flight);
            if lead.lease.is_some() {
                break;
            }
        }
        self.received::<R, C>(lead, lookup)
    }

    /// Takes what the store had: a hit, and from now on in memory.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    fn received<R, C: Codec<R>>(
        &'static self,
        mut lead: Lead,
        lookup: Option<Lookup>,
    ) -> Result<R, Lead> {
        if lead.is_anew {
            self.replaces(&mut lead, lookup);
            return Err(lead);
        }
        lead.ticket = lookup.as_ref().map(|lookup| lookup.ticket);
        let found = lookup.and_then(|lookup| lookup.found);
        let decoded = found.as_ref().and_then(|found| {
            let stored = Stored::parse(found)?;
            let expiry = self.cache.rest_of(found.age)?;
            let data = codec::decode_stored(stored.codec, stored.structure, stored.value)?;
            Some((data, stored, expiry))
        });
        let Some((data, stored, expiry)) = decoded else {
            lead.missed();
            return Err(lead);
        };
        self.cache.count_hit();
        let Ok(()) = lead.end_with(true, |mut key| {
            key.push(stored.value);
            Ok::<_, (_, Infallible)>(key.finish(stored.codec, expiry))
        });
        Ok(C::restore(data))
    }

    /// Notes what a computation that replaces what is stored has to tell the store.
    fn replaces(&'static self, lead: &mut Lead, lookup: Option<Lookup>) {
        match lookup {
            // Behind a call, the others do as this process does: what they have is good for a while.
            Some(lookup) => {
                lead.ticket = Some(lookup.ticket);
                lead.is_replacing = !is_behind();
            }
            // It could not be asked, and may have what is older.
            None if !lead.flight.is_local => self.cache.outer.note_unforgotten(lead.flight.digest),
            None => {}
        }
    }

    /// What the store has of a call, for who only looks.
    fn look_behind<R, C: Codec<R>>(&'static self, key: &Key) -> Option<R> {
        let found = self.cache.load_only(key)?;
        let stored = Stored::parse(&found)?;
        let data = codec::decode_stored(stored.codec, stored.structure, stored.value)?;
        Some(C::restore(data))
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
    Anew(Arc<Flight>),
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
    let pin = reclaim::pin_at_once()?;
    let entry = memo.cache.find_at_once(&pin, &args)?;
    let data = codec::decode_at_once(entry)?;
    memo.cache.hit_at_once(&pin, entry).then(|| C::restore(data))
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
    Call { memo, codec, found: missed.map_or(Found::Uncached, Found::Anew) }
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
        let flying = match found {
            Found::Hit(result) | Found::Stale(result) => return Ok(result),
            Found::Uncached => None,
            Found::Anew(call) => {
                let mut flying = Flying::anew(&memo.cache, call);
                if memo.cache.has_store() {
                    let lookup = memo.cache.load_for(&flying.lead.flight);
                    memo.replaces(&mut flying.lead, lookup);
                }
                Some(flying)
            }
            Found::Miss(call) => match Flying::claim(&memo.cache, call) {
                Ok(flying) if memo.cache.has_store() => {
                    match flying.look_behind(|lead| memo.load::<R, C>(lead)) {
                        Ok(result) => return Ok(result),
                        Err(flying) => Some(flying),
                    }
                }
                Ok(flying) => Some(flying),
                Err(entry) => match memo.restore::<R, C>(&entry) {
                    Some(result) => return Ok(result),
                    None => None,
                },
            },
        };
        Err(Miss { memo, codec, flying, result: PhantomData })
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
            Found::Anew(flight) => Some((flight, true)),
            Found::Uncached => None,
        };
        Err(AsyncMiss { memo, codec, call, result: PhantomData })
    }
}

/// A miss in a task. It has no room for a hit's result, so that the future that holds it is `Send`
/// though the result is not.
#[must_use]
pub struct AsyncMiss<R, C> {
    memo: &'static Memo,
    codec: C,
    /// The call's flight, and whether it computes whatever is stored; none if nothing is cached.
    call: Option<(Arc<Flight>, bool)>,
    result: PhantomData<fn(R)>,
}

impl<R, C> fmt::Debug for AsyncMiss<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncMiss").field("memo", &self.memo).finish_non_exhaustive()
    }
}

impl Memo {
    /// The lead of a call in a task, once it is that call's; none if nothing is cached.
    ///
    /// # Errors
    /// Another call has the result.
    async fn lead(&'static self, call: Option<(Arc<Flight>, bool)>) -> Result<Option<Lead>, Ref> {
        let flight = match call {
            None => return Ok(None),
            Some((flight, true)) => return Ok(Some(Lead::anew(&self.cache, flight))),
            Some((flight, false)) => flight,
        };
        if self.cache.has_store() && self.cache.outer.is_due() {
            aside(|| self.cache.keep_in_step()).await;
        }
        match claim::wait(&self.cache, flight).await {
            Claimed::Lead(lead) => Ok(Some(lead)),
            Claimed::Found(entry) => Err(entry),
        }
    }

    /// As [`load`](Self::load), in a task: what the store has, if anything.
    async fn look_aside(&'static self, mut lead: Lead) -> (Lead, Option<Lookup>) {
        let look = |lead: &Lead| {
            let flight = Arc::clone(&lead.flight);
            aside(move || self.cache.load_for(&flight))
        };
        let mut lookup = look(&lead).await.flatten();
        let mut turn = Turn::new(&self.cache);
        while !lead.is_anew && self.cache.is_worth_waiting(lookup.as_ref()) {
            let digest = lead.flight.digest;
            let lease = aside(move || self.cache.lease(&digest)).await.unwrap_or(Err(Untold));
            match turn.after(lease) {
                Next::Compute => break,
                Next::Lead(lease) => lead.lease = Some(lease),
                Next::Wait(pause) => Delay::new(pause).await,
            }
            lookup = look(&lead).await.flatten();
            if lead.lease.is_some() {
                break;
            }
        }
        (lead, lookup)
    }
}

impl<R, C: Codec<R>> AsyncMiss<R, C> {
    /// The result, computed in this task if it must be.
    pub async fn run_async<F: Future<Output = R>>(self, body: impl FnOnce() -> F) -> R {
        let Self { memo, codec, call, .. } = self;
        let lead = match memo.lead(call).await {
            Ok(lead) => lead,
            Err(entry) => match memo.restore::<R, C>(&entry) {
                Some(result) => return result,
                None => None,
            },
        };
        let Some(lead) = lead else { return body().await };
        let result = within(&lead.flight, body()).await;
        finish(memo, &codec, lead, &result);
        result
    }

    /// As [`run_async`](Self::run_async), of a function with a store. It waits for that with the
    /// result in its hands, so that its future is `Send` only if the result is.
    pub async fn run_async_stored<F: Future<Output = R>>(self, body: impl FnOnce() -> F) -> R {
        let Self { memo, codec, call, .. } = self;
        let lead = match memo.lead(call).await {
            Ok(lead) => lead,
            Err(entry) => match memo.restore::<R, C>(&entry) {
                Some(result) => return result,
                None => None,
            },
        };
        let Some(lead) = lead else { return body().await };
        let (lead, lookup) = memo.look_aside(lead).await;
        let lead = match memo.received::<R, C>(lead, lookup) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        let result = within(&lead.flight, body()).await;
        if let Some(after) = finish(memo, &codec, lead, &result) {
            aside(move || memo.cache.settle_store(after)).await;
        }
        result
    }
}

/// A miss whose body runs on this thread. Dropped without a result, it lets the next call try.
#[must_use]
pub struct Miss<R, C> {
    memo: &'static Memo,
    codec: C,
    flying: Option<Flying>,
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
        if let Some(flying) = self.flying {
            if let Some(after) = finish(self.memo, &self.codec, flying.lead, &result) {
                self.memo.cache.settle_store(after);
            }
        }
        result
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
    // The user's condition and serde code may call the function again.
    let _inside = Inside::of(&lead.flight);
    let (data, is_stored) = match codec.keep(result) {
        Keep::Store(data) => (data, true),
        Keep::Share(data) => (data, false),
        // An error says nothing about the result that may be stored.
        Keep::Drop => {
            lead.end();
            return None;
        }
    };
    let digest = lead.flight.digest;
    let (ticket, replaces, lease) = (lead.ticket, lead.is_replacing, lead.lease.take());
    let forget = ticket.filter(|_| replaces).map(|_| What::Forget(digest));
    let after = |what: Option<What>| what.map(|what| After { what, lease });
    let lead = if is_stored { Some(lead) } else { lead.forget_if_unawaited() };
    let Some(lead) = lead else { return after(forget) };
    let mut saving = None;
    let written =
        lead.end_with(is_stored, |mut key| match codec::encode(data, &memo.trust, &mut key) {
            Ok(codec) => {
                let entry = key.finish(codec, memo.cache.expiry());
                saving = ticket.filter(|_| is_stored).and_then(|ticket| {
                    let structure = codec::structure(data)?;
                    let entry = entry.view().share();
                    Some(Saving { digest, ticket, replaces, entry, structure })
                });
                Ok(entry)
            }
            Err(why) => Err((key, why)),
        });
    if let Err(why) = written {
        memo.cache.count_uncacheable(why);
    }
    after(saving.map(What::Save).or(forget))
}

/// `func::get(…)`: the stored result, without computing one.
pub fn get<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> Option<R> {
    if memo.cache.has_store() {
        memo.cache.keep_in_step();
    }
    let found = memo.find::<R, C, A>(&args, false).map(|(result, _)| result);
    if found.is_none() && memo.cache.has_store() {
        return memo.look_behind::<R, C>(&memo.key(&args)?);
    }
    found
}

/// `func::contains(…)`.
pub fn contains<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> bool {
    if !memo.cache.has_store() {
        return memo.cache.contains(&args);
    }
    memo.cache.keep_in_step();
    memo.cache.contains(&args)
        || memo.key(&args).is_some_and(|key| memo.look_behind::<R, C>(&key).is_some())
}

/// `func::remove(…)`: whether there was something to forget.
pub fn remove<A: Args>(memo: &'static Memo, args: A) -> bool {
    if !memo.cache.has_store() {
        return memo.cache.key(&args, 0).is_ok_and(|key| memo.cache.remove(&key));
    }
    memo.key(&args).is_some_and(|key| {
        let was_behind = !key.is_local && memo.cache.forget_in_store(&key.digest);
        memo.cache.remove(&key) || was_behind
    })
}

/// `func::insert(…)`: stores a result that was come by otherwise.
pub fn insert<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A, result: R) {
    if !switch::is_on() {
        return;
    }
    let Some(mut key) = memo.key(&args) else { return };
    let data = match codec.keep(&result) {
        Keep::Store(data) => Some(data),
        Keep::Share(_) => None,
        Keep::Drop => return,
    };
    let mut lookup = None;
    if memo.cache.has_store() && !key.is_local {
        lookup = memo.cache.load(&key.digest);
        if lookup.is_none() {
            memo.cache.outer.note_unforgotten(key.digest);
        }
    }
    let encoded = data.map(|data| codec::encode(data, &memo.trust, &mut key.entry));
    let after = match (encoded, data) {
        (Some(Ok(codec)), Some(data)) => {
            let entry = key.entry.finish(codec, memo.cache.expiry());
            memo.cache.insert(&key.digest, entry.view().share());
            lookup.and_then(|at| {
                let (digest, ticket) = (key.digest, at.ticket);
                let structure = codec::structure(data)?;
                Some(What::Save(Saving { digest, ticket, replaces: true, entry, structure }))
            })
        }
        (encoded, _) => {
            memo.cache.remove(&key);
            if let Some(Err(why)) = encoded {
                memo.cache.count_uncacheable(why);
            }
            lookup.map(|_| What::Forget(key.digest))
        }
    };
    if let Some(what) = after {
        memo.cache.settle_store(After { what, lease: None });
    }
}
