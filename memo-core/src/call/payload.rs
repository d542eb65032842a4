//! How an entry holds a result, and gives it back: what data and resources differ in.

use std::time::Duration;

use super::Memo;
use crate::background::pool::STORES;
use crate::cache::claimant::ForStore;
use crate::cache::lead::Lead;
use crate::cache::life::Life;
use crate::cache::tiered::{Put, StoreWrite, Stored, Write};
use crate::cache::{Finished, Outcome};
use crate::clock::Tick;
use crate::codec::{self, Codec, Keep, Part, Trust, Value};
use crate::flight::Entered;
use crate::function::causes::Cause;
use crate::memory::entry::{Builder, View};
use crate::platform::unwind::catch;

/// What a function's entries hold of its results `R`.
///
/// For data it is [`Bytes`], or with the option `clone` the data itself ([`Clones`](super::Clones)); for
/// resources an `Arc`, with what the user does at a hit and at its end ([`Hooks`](super::Hooks)).
pub trait Payload<R> {
    /// Results are data: `set_enabled(false)` concerns them.
    #[doc(hidden)]
    const IS_DATA: bool;

    /// They may have a store. Where they may not, what only that takes is not compiled.
    #[doc(hidden)]
    const HAS_STORE: bool = false;

    /// Whether to take a result out of an entry runs no code of the user's.
    #[doc(hidden)]
    fn is_plain() -> bool;

    /// The bytes that an entry will need for its value, as a guess.
    #[doc(hidden)]
    fn value_len(trust: &Trust) -> usize;

    /// The result that an entry holds; nothing where it is none of this type's.
    #[doc(hidden)]
    fn take(entry: View<'_>) -> Option<R>;

    /// Shows the result that an entry holds, and tells what was said of it; nothing as for
    /// [`take`](Self::take).
    #[doc(hidden)]
    fn show(entry: View<'_>, see: &mut dyn FnMut(&R) -> bool) -> Option<bool> {
        Self::take(entry).map(|result| see(&result))
    }

    /// The same, and nothing where that takes a call.
    #[doc(hidden)]
    fn take_at_once(entry: View<'_>) -> Option<R>;

    /// The result of another call: what [`take`](Self::take) gives, or an error that is shared.
    #[doc(hidden)]
    fn take_shared(entry: View<'_>) -> Option<R> {
        Self::take(entry)
    }

    /// The result that a store had, if it is of this type.
    #[doc(hidden)]
    fn take_stored(stored: &Stored<'_>) -> Option<R>;

    /// Whether there are any whose user is asked about a hit.
    #[doc(hidden)]
    const VALIDATES: bool = false;

    /// Whether the user is asked about a hit.
    #[doc(hidden)]
    fn validates(&self) -> bool {
        false
    }

    /// What the user says of it; what is not valid is replaced.
    #[doc(hidden)]
    fn is_valid(&self, _: &R) -> bool {
        true
    }

    /// Whether an entry holds this very result.
    #[doc(hidden)]
    fn is_held(_: View<'_>, _: &R) -> bool {
        false
    }

    /// Ends a miss whose body is done: stores of the result what is to be stored, and puts in its place
    /// what all callers are to have. What is left to do with the store.
    #[doc(hidden)]
    fn finish(&self, memo: &'static Memo, lead: Lead, result: &mut R) -> Option<Write>;

    /// Whether a hit can be verified.
    #[doc(hidden)]
    const VERIFIES: bool = false;

    /// Whether two results are the same, as far as that is stored; nothing, where that cannot be said.
    #[doc(hidden)]
    fn is_same(&self, _: &R, _: &R) -> Option<bool> {
        None
    }

    /// No cache takes this result.
    #[doc(hidden)]
    fn uncached(&self, _: &'static Memo, _: &R) {}
}

/// What is stored of a result, as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<C>(pub C);

impl<R, C: Codec<R>> Payload<R> for Bytes<C> {
    const IS_DATA: bool = true;
    const HAS_STORE: bool = C::HAS_STORE;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        codec::is_plain::<C::Data>()
    }

    fn value_len(trust: &Trust) -> usize {
        trust.expected_len()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(entry: View<'_>) -> Option<R> {
        codec::decode(entry).map(C::restore)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_at_once(entry: View<'_>) -> Option<R> {
        codec::decode_at_once(entry).map(C::restore)
    }

    fn take_stored(stored: &Stored<'_>) -> Option<R> {
        codec::decode_stored(stored.codec, stored.structure, stored.value).map(C::restore)
    }

    const VERIFIES: bool = true;

    #[cold]
    #[inline(never)]
    fn is_same(&self, one: &R, other: &R) -> Option<bool> {
        // The user's condition and `Serialize` are no reason to fail a hit.
        let same = catch(|| match (self.0.keep(one), self.0.keep(other)) {
            (Keep::Store(one) | Keep::Share(one), Keep::Store(other) | Keep::Share(other)) => {
                codec::is_same(one, other)
            }
            _ => None,
        });
        same.flatten()
    }

    #[cold]
    #[inline(never)]
    fn finish(&self, memo: &'static Memo, lead: Lead, result: &mut R) -> Option<Write> {
        if C::HAS_STORE || C::HAS_TTL {
            finish_asking(&self.0, memo, lead, result)
        } else {
            memo.finish_data(lead, &mut |lead| match memo.wanted(&self.0, lead, result) {
                Some(Wanted { data: Some(data), may_store }) => Ended::Kept(data, may_store),
                Some(_) => Ended::Gone,
                None => Ended::Left,
            })
        }
    }
}

/// The end of a miss of data of which more is to be asked.
fn finish_asking<R, C: Codec<R>>(
    part: &C,
    memo: &'static Memo,
    mut lead: Lead,
    result: &R,
) -> Option<Write> {
    // The user's condition, time to live and serde code may call the function again.
    let _entered = Entered::new(lead.flight());
    let Some(Wanted { data, may_store }) = memo.wanted(part, &lead, result) else {
        return left(lead);
    };
    let Some(data) = data else {
        let outcome = Outcome::Forget(lead.take_key(), Cause::NotStored);
        return ended(lead, outcome, None);
    };
    let (outcome, life) = if C::HAS_TTL {
        memo.encoded(&mut lead, data, may_store, &mut || part.ttl(data))
    } else {
        memo.encoded(&mut lead, data, may_store, &mut || None)
    };
    let mut put = None;
    if C::HAS_STORE {
        if let Outcome::Store(entry) = &outcome {
            if lead.for_store().moment.is_some() {
                put = codec::structure(data, entry.view()).zip(life);
            }
        }
    }
    ended(lead, outcome, put)
}

/// What is to become of a result, whatever its type.
enum Ended<'r> {
    /// It is encoded, and stored if it may be.
    Kept(&'r dyn Value, bool),
    /// It is neither stored nor shared, and what is stored is to go.
    Gone,
    /// It says nothing about what is stored.
    Left,
}

/// The end of a miss whose result is the caller's alone.
pub(super) fn left(lead: Lead) -> Option<Write> {
    let _ = lead.finish(Outcome::Leave);
    None
}

/// The end of a miss, with what is left to do with the store; for whom the types are no matter. What is
/// put there is made of this, and lives so long.
fn ended(mut lead: Lead, outcome: Outcome, put: Option<(u64, Life)>) -> Option<Write> {
    let (digest, dependent) = (lead.flight().digest, lead.flight().dependent().cloned());
    let ForStore { moment, lease, is_replacing: replaces } = lead.take_for_store();
    let (was_looked_up, hashes) = (moment.is_some(), outcome.hashes());
    let put = match (&outcome, moment, put) {
        (Outcome::Store(entry), Some(moment), Some((structure, life))) => {
            let entry = entry.view().share();
            Some(StoreWrite::Put(Put {
                digest,
                moment,
                replaces,
                entry,
                dependent,
                structure,
                life,
            }))
        }
        _ => None,
    };
    let Finished { is_current, is_overtaken, .. } = lead.finish(outcome);
    // What was invalidated here may have been computed from what the store was to forget.
    let put = put.filter(|_| is_current);
    // What has overtaken it has said itself what the store is to have.
    let is_removed = was_looked_up && replaces && put.is_none() && !is_overtaken;
    let remove = is_removed.then_some(StoreWrite::Remove(digest, hashes));
    put.or(remove).map(|what| Write { what, lease })
}

/// What is wanted of a computed result.
pub(super) struct Wanted<'r, D> {
    /// What is to be stored or shared; nothing where it is neither, and what is stored is to go.
    pub(super) data: Option<&'r D>,
    pub(super) may_store: bool,
}

impl Memo {
    /// What is wanted of a computed result; nothing where that says nothing about what is stored.
    pub(super) fn wanted<'r, R, P: Part<R>>(
        &'static self,
        part: &P,
        lead: &Lead,
        result: &'r R,
    ) -> Option<Wanted<'r, P::Data>> {
        Some(match self.keep(part, result) {
            Ok(Keep::Store(data)) => Wanted { data: Some(data), may_store: true },
            // What is not stored need not be made for nobody.
            Ok(Keep::Share(data)) => {
                Wanted { data: lead.is_awaited().then_some(data), may_store: false }
            }
            Ok(Keep::Drop) => return None,
            Err(Panicked) => Wanted { data: None, may_store: false },
        })
    }

    /// What is kept of a result.
    ///
    /// # Errors
    /// The user's condition panicked, which is counted: there is no telling whether it may be kept.
    pub(super) fn keep<'r, R, P: Part<R>>(
        &'static self,
        part: &P,
        result: &'r R,
    ) -> Result<Keep<'r, P::Data>, Panicked> {
        if !P::ASKS {
            return Ok(part.keep(result));
        }
        catch(|| part.keep(result)).ok_or_else(|| {
            self.cache.count_uncacheable("its `cache_if` panicked".into());
            Panicked
        })
    }

    /// What a computation leaves, which this codec encoded, if anything is kept; until that moment at the
    /// longest.
    fn outcome(
        &'static self,
        key: Builder,
        codec: Option<u8>,
        life: Option<Life>,
        until: Option<Tick>,
    ) -> Outcome {
        let Some(codec) = codec else { return Outcome::Forget(key, Cause::Uncacheable) };
        match life {
            Some(life) => Outcome::Store(key.finish(codec, self.cache.times_until(life, until))),
            None => Outcome::Share(key.finish(codec, None)),
        }
    }

    /// The end of a miss of data that has no store, and of whose life nobody is asked.
    #[cold]
    #[inline(never)]
    fn finish_data<'r>(
        &'static self,
        mut lead: Lead,
        wanted: &mut dyn FnMut(&Lead) -> Ended<'r>,
    ) -> Option<Write> {
        // The user's condition and serde code may call the function again.
        let _entered = Entered::new(lead.flight());
        let outcome = match wanted(&lead) {
            Ended::Kept(data, may_store) => {
                self.encoded(&mut lead, data, may_store, &mut || None).0
            }
            Ended::Gone => Outcome::Forget(lead.take_key(), Cause::NotStored),
            Ended::Left => return left(lead),
        };
        ended(lead, outcome, None)
    }

    /// What a computation leaves whose result is kept, and how long that lives.
    #[inline(never)]
    fn encoded(
        &'static self,
        lead: &mut Lead,
        data: &dyn Value,
        may_store: bool,
        ttl: &mut dyn FnMut() -> Option<Duration>,
    ) -> (Outcome, Option<Life>) {
        let mut key = lead.take_key();
        let codec = self.encode_value(data, &mut key);
        let is_stored = may_store && codec.is_some();
        let life = if is_stored { self.life_said(ttl) } else { None };
        (self.outcome(key, codec, life, lead.used_until()), life)
    }

    /// Encodes a value behind its key: the codec. Nothing if it cannot be stored, which is counted.
    pub(super) fn encode_value(&'static self, data: &dyn Value, key: &mut Builder) -> Option<u8> {
        let encoded = codec::encode(data, &self.trust, key);
        self.void_if_doubted();
        encoded.map_err(|why| self.cache.count_uncacheable(why)).ok()
    }

    /// Forgets what is stored, in memory and in the store, if it may not be what it was.
    pub(super) fn void_if_doubted(&'static self) {
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

    /// How long a result lives that is to be stored. Nothing if it is not: it lives for no time, or that
    /// cannot be said, which is counted.
    pub(super) fn life<R, P: Part<R>>(&'static self, part: &P, data: &P::Data) -> Option<Life> {
        if P::HAS_TTL {
            self.life_said(&mut || part.ttl(data))
        } else {
            self.life_said(&mut || None)
        }
    }

    /// The same, of which the user's function says this.
    #[inline(never)]
    pub(super) fn life_said(
        &'static self,
        own: &mut dyn FnMut() -> Option<Duration>,
    ) -> Option<Life> {
        match self.cache.life(own) {
            Ok(life) => life,
            Err(unknown) => {
                self.cache.count_unknown_ttl(unknown);
                None
            }
        }
    }
}

/// The user's code did, in the middle of what may not fail the call.
#[derive(Debug)]
pub(super) struct Panicked;
