//! A miss on a thread: who computes, and the end of it.

use std::fmt;
use std::marker::PhantomData;

use super::{Memo, Payload};
use crate::cache::lead::Lead;
use crate::cache::Claimant;
use crate::function::event::EventKind;
use crate::function::why::Why;
use crate::memory::entry::Ref;

/// A miss whose body runs on this thread. Dropped without a result, it lets the next call try.
#[must_use]
pub struct Miss<R, P> {
    pub(super) memo: &'static Memo,
    pub(super) payload: P,
    /// Nothing, if the body just runs.
    pub(super) leading: Option<Lead>,
    pub(super) result: PhantomData<fn(R)>,
}

impl<R, P> fmt::Debug for Miss<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").field("memo", &self.memo).finish_non_exhaustive()
    }
}

impl<R, P: Payload<R>> Miss<R, P> {
    /// Stores the body's result, and hands back what all callers have: of a resource another's, if
    /// one was faster.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn finish(self, mut result: R) -> R {
        match self.leading {
            Some(lead) => finish(self.memo, &self.payload, lead, &mut result),
            None => self.payload.uncached(self.memo, &result),
        }
        result
    }
}

/// The end of a miss on this thread, which waits for the store.
// A frame of its own, so that what it has in hand is none of the body's.
#[cold]
#[inline(never)]
fn finish<R, P: Payload<R>>(memo: &'static Memo, payload: &P, mut lead: Lead, result: &mut R) {
    lead.computed();
    if let Some(write) = payload.finish(memo, lead, result) {
        memo.cache.write_to_store(write);
    }
}

impl Memo {
    /// Claims a call for this thread.
    ///
    /// # Errors
    /// Nobody has its result: what is to be computed, or nothing if it is to run uncached.
    // A frame of its own, which is gone when the body runs.
    #[cold]
    #[inline(never)]
    pub(super) fn claim<R, P: Payload<R>>(
        &'static self,
        mut call: Claimant,
    ) -> Result<R, Option<Lead>> {
        // Whoever calls the body itself cannot have it verified.
        if let Some(found) = call.doubted.take() {
            return P::take(found.view()).ok_or(None);
        }
        match Lead::claim_here(&self.cache, call) {
            Ok(lead) => {
                // A double has none though the function has one.
                if P::HAS_STORE && self.cache.has_store() {
                    return self.load::<R, P>(lead).map_err(Some);
                }
                debug_assert!(!self.cache.has_store(), "its codec is to be `Backed`");
                Err(Some(lead))
            }
            Err(entry) => self.restore::<R, P>(&entry).ok_or(None),
        }
    }

    /// Computes a call on this thread, whatever is stored.
    #[cold]
    #[inline(never)]
    pub(super) fn lead_forced<R, P: Payload<R>>(&'static self, call: Claimant) -> Lead {
        let mut lead = Lead::forced_here(&self.cache, call);
        if P::HAS_STORE && self.cache.has_store() {
            let lookup = self.cache.load_for(lead.flight());
            self.replaces(&mut lead, lookup);
        }
        lead
    }

    /// A result that another call computed: a hit.
    ///
    /// Where it does not decode, though its like did when it was checked, it is given up, and the
    /// call is a miss that runs uncached.
    #[cold]
    #[inline(never)]
    pub(super) fn restore<R, P: Payload<R>>(&'static self, entry: &Ref) -> Option<R> {
        let result = P::take_shared(entry.view());
        self.restored(entry, result.is_some());
        result
    }

    fn restored(&'static self, entry: &Ref, is_read: bool) {
        if is_read {
            let (view, now) = (entry.view(), self.cache.now());
            view.touch(now);
            if view.expiry().is_some_and(|expiry| expiry <= now)
                && self.cache.limits.stale.is_some()
            {
                self.cache.count_stale();
            }
            self.cache.count_hit();
            return self.cache.tell_of(entry.view(), || EventKind::Hit);
        }
        self.cache.count_miss();
        self.cache.tell_of(entry.view(), || EventKind::Missed(Why::Uncacheable));
        self.cache.count_uncacheable("a stored value cannot be read back".into());
        self.cache.remove_entry(entry);
        self.trust.doubt();
        self.void_if_doubted();
    }
}
