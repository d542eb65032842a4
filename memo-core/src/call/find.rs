//! From the arguments to a hit, or to what a miss starts from.

use std::fmt;
use std::marker::PhantomData;

use super::watched::{enter_watched, is_watched};
use super::{AsyncMiss, Memo, Miss, Payload, Static};
use crate::cache::{self, Claimant, Held, NoKey};
use crate::flight::Key;
use crate::function::enabled;
use crate::function::event::EventKind;
use crate::key::{Args, Arguments};
use crate::reclaim;

/// A call, looked up and not yet answered. It holds no argument.
#[must_use]
pub struct Call<R, P> {
    pub(super) memo: &'static Memo,
    pub(super) payload: P,
    pub(super) found: Found<R>,
}

pub(super) enum Found<R> {
    Hit(R),
    /// A hit that is to be refreshed in the background.
    Stale(R),
    Miss(Claimant),
    /// To be computed now, whatever is stored.
    Forced(Claimant),
    /// Caching is off, or the arguments make no key: the body just runs.
    Uncached,
}

impl<R, P> fmt::Debug for Call<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("memo", &self.memo).finish_non_exhaustive()
    }
}

/// The result of a hit that takes no more than to find it and take it out; nothing where it takes
/// more, or is none: then [`enter`] is to be asked. Only for a function whose user is not asked about
/// hits.
///
/// It calls nothing that is not inlined, except what decodes. So a function that returns what it
/// finds here, and else hands its arguments to another function, saves and restores no registers.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hit<R, P: Payload<R>, A: Args>(memo: &'static Static, _: P, args: A) -> Option<R> {
    // Whatever is found has a record at hand, and so is in no isolation.
    let memo = memo.outside();
    if is_watched::<R, P>() {
        return None;
    }
    if A::are_plain() && P::is_plain() {
        let pin = reclaim::pin_at_once()?;
        let entry = memo.cache.find_at_once(&pin, &args)?;
        let result = P::take_at_once(entry)?;
        return memo.cache.hit_at_once(&pin, entry).then_some(result);
    }
    let found = memo.cache.hold_at_once(&args)?;
    let result = P::take_at_once(found.view())?;
    // To make the result was the user's code, perhaps: that is not done twice to count a hit.
    memo.cache.hit_held(&found);
    Some(result)
}

/// Looks a call up.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn enter<R, P: Payload<R>, A: Args>(memo: &'static Static, payload: P, args: A) -> Call<R, P> {
    let found = if is_watched::<R, P>() {
        return enter_watched(memo, payload, &args);
    } else if P::HAS_STORE && memo.syncs_in_task() {
        return missed(memo, payload, &args);
    } else if P::VALIDATES && payload.validates() {
        return find_valid(memo, payload, &args);
    } else {
        match memo.find::<R, P, A>(&args, true) {
            Some((result, is_stale)) if is_stale => Found::Stale(result),
            Some((result, _)) => Found::Hit(result),
            None => return missed(memo, payload, &args),
        }
    };
    Call { memo: memo.outside(), payload, found }
}

/// A call that found nothing outside isolations.
#[cold]
#[inline(never)]
pub(super) fn missed<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: &A,
) -> Call<R, P> {
    let found_inside = memo.find_inside::<R, P>(args, true);
    let memo = memo.here();
    let found = match found_inside {
        Some((result, is_stale)) if is_stale => Found::Stale(result),
        Some((result, _)) => memo.sampled::<R, P>(Found::Hit(result), args),
        None => memo.missed::<R, P>(args),
    };
    Call { memo, payload, found }
}

/// A hit that the user's `validate` has a say in, or a miss.
#[cold]
#[inline(never)]
pub(super) fn find_valid<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: &A,
) -> Call<R, P> {
    let found = memo.look::<R, P, A>(args);
    let memo = memo.here();
    let found = memo.valid(&payload, found, args);
    Call { memo, payload, found }
}

/// Looks a call up that [`hit`] did not answer, by its key, which a miss takes anyway: so that what
/// finds is compiled once for each function. It is no miss where a thread calls for the first time,
/// or where the key is a long one.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline)]
pub fn look_again<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: A,
) -> Call<R, P> {
    let memo = memo.here();
    let found = match memo.look_by_key(&args, P::IS_DATA, P::value_len(&memo.trust)) {
        None => Found::Uncached,
        Some((key, None)) => Found::Miss(memo.cache.claimant(key)),
        Some((key, Some(held))) => match P::take(held.view()) {
            Some(result) => {
                memo.cache.hit_held(&held);
                drop(held);
                memo.cache.tell(&key.digest, || EventKind::Hit);
                memo.sampled::<R, P>(Found::Hit(result), &args)
            }
            None => Found::Miss(memo.cache.claimant(key)),
        },
    };
    Call { memo, payload, found }
}

/// `func::refresh(…)`: a call that computes, whatever is stored.
pub fn refresh<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: A,
) -> Call<R, P> {
    let memo = memo.here();
    let found = if P::IS_DATA && !enabled::is_on() {
        Found::Uncached
    } else {
        let key = memo.key(&args, P::value_len(&memo.trust));
        key.map_or(Found::Uncached, |key| Found::Forced(memo.cache.claimant(key)))
    };
    Call { memo, payload, found }
}

impl Static {
    /// The hot path: no lock, and no allocation but those of the result. A thread whose record is aside
    /// finds nothing here, and is to be asked [there](Self::find_inside).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn find<R, P: Payload<R>, A: Args>(
        &'static self,
        args: &A,
        is_call: bool,
    ) -> Option<(R, bool)> {
        let cache = &self.outside().cache;
        if A::are_plain() && P::is_plain() {
            // No code of the user's is run under the pin.
            let pin = cache::pin_outside()?;
            if let Ok((entry, served)) = cache.find_under(&pin, args, is_call)? {
                let result = P::take(entry)?;
                if is_call {
                    cache.hit(&pin, entry);
                }
                drop(pin);
                served.reclaim();
                return Some((result, served.is_stale));
            }
        } else if reclaim::is_aside() {
            return None;
        }
        let (found, served) = cache.find(args, is_call)?;
        let result = P::take(found.view())?;
        if is_call {
            cache.hit_held(&found);
        }
        drop(found);
        served.reclaim();
        Some((result, served.is_stale))
    }

    /// What is stored, for who only looks.
    pub(super) fn look<R, P: Payload<R>, A: Args>(&'static self, args: &A) -> Option<R> {
        let found = self.find::<R, P, A>(args, false);
        let found = found.or_else(|| self.find_inside::<R, P>(args, false));
        found.map(|(result, _)| result)
    }

    /// What is stored in the isolation that this thread is in; and what a body uses of which that is noted.
    #[cold]
    #[inline(never)]
    fn find_inside<R, P: Payload<R>>(
        &'static self,
        args: &dyn Arguments,
        is_call: bool,
    ) -> Option<(R, bool)> {
        if !reclaim::is_aside() {
            return None;
        }
        self.here().find_by_key::<R, P>(args, is_call)
    }
}

impl Memo {
    /// As the hot path, by the key: so that what finds is not compiled twice.
    pub(super) fn find_by_key<R, P: Payload<R>>(
        &'static self,
        args: &dyn Arguments,
        is_call: bool,
    ) -> Option<(R, bool)> {
        if is_call && P::IS_DATA && !enabled::is_on() {
            return None;
        }
        let key = self.cache.key(args, 0).ok()?;
        let Some((found, served)) = self.cache.find_by_key(&key, is_call) else {
            if !is_call {
                self.cache.note_look(&key.digest, None);
            }
            return None;
        };
        if !self.cache.note_hit(&key.digest, found.view()) {
            return None;
        }
        let result = P::take(found.view())?;
        if is_call {
            self.cache.hit_held(&found);
        }
        Some((result, served.is_stale))
    }

    /// What was found, if the user's `validate` says that it is valid, or else a miss.
    fn valid<R, P: Payload<R>>(
        &'static self,
        payload: &P,
        found: Option<R>,
        args: &dyn Arguments,
    ) -> Found<R> {
        let invalid = match found {
            Some(result) if payload.is_valid(&result) => {
                self.cache.count_hit();
                return match self.is_to_be_refreshed(args) {
                    true => Found::Stale(result),
                    false => Found::Hit(result),
                };
            }
            invalid => invalid,
        };
        let found = self.missed::<R, P>(args);
        if let (Found::Miss(call), Some(invalid)) = (&found, invalid) {
            // Only the one that was asked about: another call may have replaced it by now.
            self.cache.remove_if(call.key(), |entry| P::is_held(entry, &invalid));
        }
        found
    }

    /// Whether what is stored is old: asked once it is a hit, which what is invalid is none.
    fn is_to_be_refreshed(&'static self, args: &dyn Arguments) -> bool {
        if !self.cache.limits.is_background {
            return false;
        }
        let Ok(key) = self.cache.key(args, 0) else { return false };
        self.cache.find_by_key(&key, true).is_some_and(|(_, served)| served.is_stale)
    }

    fn missed<R, P: Payload<R>>(&'static self, args: &dyn Arguments) -> Found<R> {
        // In an isolation it was not asked yet.
        if P::IS_DATA && !enabled::is_on() {
            return Found::Uncached;
        }
        match self.claimant(args, P::value_len(&self.trust)) {
            Some(call) => Found::Miss(call),
            None => Found::Uncached,
        }
    }

    /// The key of a call that is to be looked up, and what is stored of it; nothing if it makes none,
    /// or is not to be cached.
    #[inline(never)]
    fn look_by_key(
        &'static self,
        args: &dyn Arguments,
        is_data: bool,
        value_len: usize,
    ) -> Option<(Key, Option<Held>)> {
        if is_data && !enabled::is_on() {
            return None;
        }
        let mut key = match self.cache.key_without_tags(args, value_len) {
            Ok(key) => key,
            Err(NoKey) => {
                self.cache.missed_without_key();
                return None;
            }
        };
        let found = self.cache.find_key(&key);
        if let Some(held) = found.filter(|it| self.cache.note_hit(&key.digest, it.view())) {
            return Some((key, Some(held)));
        }
        if let Err(NoKey) = self.cache.tag(&mut key, args) {
            self.cache.missed_without_key();
            return None;
        }
        Some((key, None))
    }

    #[cold]
    #[inline(never)]
    fn claimant(&'static self, args: &dyn Arguments, value_len: usize) -> Option<Claimant> {
        let key = self.key(args, value_len);
        if key.is_none() {
            self.cache.missed_without_key();
        }
        key.map(|key| self.cache.claimant(key))
    }
}

impl<R, P: Payload<R>> Call<R, P> {
    /// The result, computed on this thread if it must be.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn run(self, body: impl FnOnce() -> R) -> R {
        let Self { memo, payload, found } = self;
        match found {
            Found::Hit(result) | Found::Stale(result) => result,
            Found::Miss(call) if P::VERIFIES && call.doubted.is_some() => {
                Self { memo, payload, found: Found::Miss(call) }.verify(body)
            }
            found => match (Self { memo, payload, found }).hit() {
                Ok(result) => result,
                Err(miss) => miss.finish(body()),
            },
        }
    }

    /// The result of a hit, or what takes the body's; for a caller that cannot hand over a body.
    ///
    /// # Errors
    /// A miss: the body is to be run.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn hit(self) -> Result<R, Miss<R, P>> {
        let Self { memo, payload, found } = self;
        let leading = match found {
            Found::Hit(result) | Found::Stale(result) => return Ok(result),
            Found::Uncached => None,
            Found::Forced(call) => Some(memo.lead_forced::<R, P>(call)),
            Found::Miss(call) => match memo.claim::<R, P>(call) {
                Ok(result) => return Ok(result),
                Err(leading) => leading,
            },
        };
        Err(Miss { memo, payload, leading, result: PhantomData })
    }

    /// The result of a hit, or what computes it in a task.
    ///
    /// # Errors
    /// A miss: it is to be awaited.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn missed(self) -> Result<R, AsyncMiss<R, P>> {
        let Self { memo, payload, found } = self;
        let call = match found {
            Found::Hit(result) | Found::Stale(result) => return Ok(result),
            Found::Miss(call) => Some((call, false)),
            Found::Forced(call) => Some((call, true)),
            Found::Uncached => None,
        };
        Err(AsyncMiss { memo, payload, call, result: PhantomData })
    }
}
