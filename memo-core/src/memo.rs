//! `#[memo]`: how a call flows, from its arguments to its result.
//!
//! [`enter`] finds; [`Call::run`] hands a hit over, or takes a miss to its end. What is generic
//! here is what must know the user's types: the walk of the arguments, the codec, the body.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::behind;
use crate::cache::Cache;
use crate::claim::{self, within, Claimed, Flying, Lead};
use crate::codec::{self, Codec, Keep, Trust};
use crate::entry::Ref;
use crate::flight::{Flight, Inside, Key};
use crate::key::Args;
use crate::reclaim;
use crate::registry::{Function, Stats, MEMOS};
use crate::site::Site;
use crate::switch;

/// One memoized function: what its attribute's one static holds.
pub struct Memo {
    cache: Cache,
    trust: Trust,
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
        Self { cache: Cache::new(site, &MEMOS, false), trust: Trust::new() }
    }

    /// The function is a method: its name gets the type's.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.cache.site.is_method = true;
        self
    }

    /// The `version` option: part of the identity in stores that outlive the process.
    #[must_use]
    pub const fn version(self, _: u64) -> Self {
        self
    }

    /// The function's tokens: part of the identity in stores that outlive the process.
    #[must_use]
    pub const fn source(self, _: &'static str) -> Self {
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
            behind::run(Box::new(job()));
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
            Found::Anew(call) => Some(Flying::anew(&memo.cache, call)),
            Found::Miss(call) => match Flying::claim(&memo.cache, call) {
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

impl<R, C: Codec<R>> AsyncMiss<R, C> {
    /// The result, computed in this task if it must be.
    pub async fn run_async<F: Future<Output = R>>(self, body: impl FnOnce() -> F) -> R {
        let Self { memo, codec, call, .. } = self;
        let lead = match call {
            None => None,
            Some((flight, true)) => Some(Lead::anew(&memo.cache, flight)),
            Some((flight, false)) => match claim::wait(&memo.cache, flight).await {
                Claimed::Lead(lead) => Some(lead),
                Claimed::Found(entry) => {
                    if let Some(result) = memo.restore::<R, C>(&entry) {
                        return result;
                    }
                    None
                }
            },
        };
        let Some(lead) = lead else { return body().await };
        let result = within(&lead.flight, body()).await;
        finish(memo, &codec, lead, &result);
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
            finish(self.memo, &self.codec, flying.lead, &result);
        }
        result
    }
}

/// The cold end of a miss: keeps of the result what the codec says.
#[cold]
#[inline(never)]
fn finish<R, C: Codec<R>>(memo: &'static Memo, codec: &C, lead: Lead, result: &R) {
    lead.computed();
    // The user's condition and serde code may call the function again.
    let _inside = Inside::of(&lead.flight);
    let (data, is_stored) = match codec.keep(result) {
        Keep::Store(data) => (data, true),
        Keep::Share(data) => (data, false),
        // An error says nothing about the result that may be stored.
        Keep::Drop => return lead.end(),
    };
    let lead = if is_stored { Some(lead) } else { lead.forget_if_unawaited() };
    let Some(lead) = lead else { return };
    let written =
        lead.end_with(is_stored, |mut key| match codec::encode(data, &memo.trust, &mut key) {
            Ok(codec) => Ok(key.finish(codec, memo.cache.expiry())),
            Err(why) => Err((key, why)),
        });
    if let Err(why) = written {
        memo.cache.count_uncacheable(why);
    }
}

/// `func::get(…)`: the stored result, without computing one.
pub fn get<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> Option<R> {
    memo.find::<R, C, A>(&args, false).map(|(result, _)| result)
}

/// `func::contains(…)`.
pub fn contains<A: Args>(memo: &'static Memo, args: A) -> bool {
    memo.cache.contains(&args)
}

/// `func::remove(…)`: whether there was something to forget.
pub fn remove<A: Args>(memo: &'static Memo, args: A) -> bool {
    memo.cache.key(&args, 0).is_ok_and(|key| memo.cache.remove(&key))
}

/// `func::insert(…)`: stores a result that was come by otherwise.
pub fn insert<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A, result: R) {
    if !switch::is_on() {
        return;
    }
    let Some(mut key) = memo.key(&args) else { return };
    let data = match codec.keep(&result) {
        Keep::Store(data) => data,
        Keep::Share(_) => {
            memo.cache.remove(&key);
            return;
        }
        Keep::Drop => return,
    };
    match codec::encode(data, &memo.trust, &mut key.entry) {
        Ok(codec) => memo.cache.insert(&key.digest, key.entry.finish(codec, memo.cache.expiry())),
        Err(why) => {
            memo.cache.remove(&key);
            memo.cache.count_uncacheable(why);
        }
    }
}
