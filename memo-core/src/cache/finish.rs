//! The end of a computation: what it leaves is stored, shared with who waits, or neither.

use std::sync::Arc;

use super::invalidate::Freed;
use super::told::End;
use super::{Cache, Claimant, Shared};
use crate::clock::Tick;
use crate::flight::{Fenced, Left};
use crate::function::causes::Cause;
use crate::function::dependents;
use crate::function::event::EventKind;
use crate::key::Hashes;
use crate::memory::budget;
use crate::memory::entry::{Builder, Ref, View};
use crate::memory::expiry;
use crate::reclaim;

/// What a computation leaves.
pub(crate) enum Outcome {
    /// The entry is stored, and shared with who waits.
    Store(Ref),
    /// Shared, not stored; what is stored is older, and goes.
    Share(Ref),
    /// Shared, and says nothing about what is stored.
    Tell(Ref),
    /// There is one, for the caller alone; what is stored is older, and goes.
    Withhold(Ref),
    /// There is none, for this reason; what is stored is older, and goes.
    Forget(Builder, Cause),
    /// There is none; what is stored stays.
    Leave,
}

impl Outcome {
    /// What the caller has, as an entry.
    fn entry(&self) -> Option<&Ref> {
        match self {
            Self::Store(entry) | Self::Share(entry) | Self::Tell(entry) | Self::Withhold(entry) => {
                Some(entry)
            }
            Self::Forget(..) | Self::Leave => None,
        }
    }

    /// Where its entry would be.
    pub(crate) fn hashes(&self) -> Option<Hashes> {
        match self {
            Self::Forget(key, _) => Some(key.hashes()),
            outcome => outcome.entry().map(|entry| entry.view().hashes()),
        }
    }

    /// Why the call has no result that is stored, to be remembered of its key's hash.
    fn not_stored(&self, call: &Claimant) -> Option<(u64, Cause)> {
        match self {
            Self::Store(_) => None,
            Self::Share(entry) | Self::Withhold(entry) | Self::Tell(entry) => {
                Some((entry.view().hashes().thorough, Cause::NotStored))
            }
            Self::Forget(key, cause) => Some((key.hashes().thorough, *cause)),
            // A body that panicked has no result at all.
            Self::Leave if call.is_over && call.has_key() => {
                Some((call.key().hashes().thorough, Cause::NotStored))
            }
            Self::Leave => None,
        }
    }
}

/// What became of it.
#[must_use]
pub(crate) struct Finished {
    /// Nothing has made it void meanwhile.
    pub(crate) is_current: bool,
    /// Something has, and has told the store of it.
    pub(crate) is_overtaken: bool,
    /// What another computation of the key has stored meanwhile, which is as good.
    pub(crate) existing: Option<Ref>,
}

/// The same, and what is left to do outside the lock.
struct Ended {
    finished: Finished,
    is_stored: bool,
    left: Left,
    fenced: Fenced,
    /// What was computed, where there is something as good: its end is the user's code.
    given_up: Option<Ref>,
}

/// What a miss does for all functions: gives up what has expired, and frees what was cleared.
fn reclaim() {
    dependents::tend();
    reclaim::free_some();
    expiry::reclaim_due();
}

impl Cache {
    /// Ends a computation as the outcome says, unless it was fenced.
    pub(super) fn finish(&'static self, call: &Claimant, mut outcome: Outcome) -> Finished {
        if call.flight.is_private() {
            outcome = self.withheld(outcome);
        }
        let told = End::of(call, &outcome);
        call.flight.span.end();
        call.flight.end_spinner();
        loop {
            // What is computed for the first time replaces nothing.
            let (ended, freed) = self.invalidate_if(call.is_forced, |shared| {
                if let Outcome::Store(entry) = &outcome {
                    if !self.take(entry.view()) {
                        return None;
                    }
                }
                let outcome = std::mem::replace(&mut outcome, Outcome::Leave);
                Some(self.end(shared, call, outcome))
            });
            let Some(Ended { finished, is_stored, mut left, fenced, given_up }) = ended else {
                drop(freed);
                outcome = self.make_room(outcome);
                continue;
            };
            left.wake();
            fenced.wake();
            // From here on it may be the user's code, which nobody waits for any more.
            drop((left, freed, given_up));
            if let Some(told) = told {
                told.tell(self, is_stored);
            }
            reclaim();
            return finished;
        }
    }

    /// What a computation leaves that was made for a session which is not its own. An error may tell as
    /// much as a result.
    #[cold]
    fn withheld(&'static self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Store(entry) | Outcome::Share(entry) => {
                self.count_private();
                Outcome::Withhold(entry)
            }
            Outcome::Tell(_) => {
                self.count_private();
                Outcome::Leave
            }
            outcome => outcome,
        }
    }

    fn end(&'static self, shared: &mut Shared, call: &Claimant, outcome: Outcome) -> Ended {
        let (flight, awaited, is_forced) = (&call.flight, call.awaited(), call.is_forced);
        if let Some(took) = call.took {
            shared.computed.add(took);
        }
        let is_spoiled = flight.dependent().is_some_and(|own| own.is_spoiled());
        let is_clearing = shared.is_clearing(flight.tags.as_ref());
        let is_current = !flight.is_fenced() && !is_clearing && !is_spoiled;
        // A resource is there once for all, and what two computed beside each other is as good; only
        // what is forced replaces it. Nor does what came from the store, of which nobody knows from what it
        // was computed.
        let is_found = call.took.is_none() && self.has_store();
        let is_beside = self.is_resource || is_found || !shared.flights.leads(flight);
        let replaces = is_forced && is_current;
        // Whether or not it is stored, nobody may get what is older any more. A clear that is under way has
        // not seen to all of that yet.
        let is_newest = is_forced
            && (is_clearing || !flight.is_overtaken())
            && !matches!(outcome, Outcome::Tell(_) | Outcome::Leave);
        let existing = match &outcome {
            Outcome::Store(entry) if is_beside && !replaces && !is_newest => {
                shared.memory.find_same(&self.table, entry.view()).map(View::share)
            }
            _ => None,
        };
        let is_error = matches!(outcome, Outcome::Tell(_));
        // What is stored stays, where there is no result.
        let stays = matches!(outcome, Outcome::Leave)
            && call.has_key()
            && shared.memory.peek(&self.table, call.key()).is_some();
        let not_stored = if stays { None } else { outcome.not_stored(call) };
        let is_withheld = matches!(outcome, Outcome::Withhold(_));
        // Nor is what is older to stay where the result is void itself.
        let takes_out = is_current || is_newest;
        if is_newest {
            shared.forget_dependents(&flight.digest);
        }
        if flight.is_recorded() {
            self.note_end(shared, call, existing.as_ref().or(outcome.entry()).map(Ref::view));
        }
        let (mut given_up, mut is_stored) = (None, false);
        let result = match (outcome, &existing) {
            (Outcome::Store(entry), Some(existing)) => {
                self.release_bytes(entry.view());
                given_up = Some(entry);
                Some(existing.view().share())
            }
            (Outcome::Store(entry), None) => {
                let result = awaited.is_joined().then(|| entry.view().share());
                let pointer = entry.pointer();
                if takes_out && !is_current {
                    shared.memory.remove_same(&self.table, entry.view());
                }
                given_up = self.store(shared, entry, is_current, self.end_of(call));
                is_stored = given_up.is_none();
                if let Some(own) = flight.dependent().filter(|_| is_stored) {
                    shared.memory.note_dependent(pointer, Arc::clone(own));
                }
                result
            }
            (Outcome::Share(entry), _) => {
                if takes_out {
                    shared.memory.remove_same(&self.table, entry.view());
                }
                Some(entry)
            }
            (Outcome::Withhold(entry), _) => {
                if takes_out {
                    shared.memory.remove_same(&self.table, entry.view());
                }
                given_up = Some(entry);
                None
            }
            (Outcome::Tell(entry), _) => Some(entry),
            (Outcome::Forget(key, _), _) => {
                if takes_out {
                    shared.memory.remove(&self.table, &key);
                }
                None
            }
            (Outcome::Leave, _) => None,
        };
        if let Some((hash, cause)) = not_stored.filter(|_| is_current) {
            shared.memory.causes.note_again(hash, cause);
        }
        let mut result = result;
        if let Some(own) = flight.dependent() {
            // Void, it is for nobody who came to ask since.
            if is_spoiled || (flight.is_fenced() && !awaited.is_fenced()) {
                given_up = given_up.or(result.take());
            } else if result.is_some() {
                awaited.is_answered_by(own);
            }
        }
        let left = awaited.finish(flight, result, is_error);
        if !Arc::ptr_eq(flight, awaited) {
            shared.flights.depart(flight);
        }
        if left.is_over {
            shared.flights.depart(awaited);
            if left.is_to_be_fenced && !awaited.is_fenced() {
                shared.flights.note_ended(awaited);
            }
        }
        let mut fenced = Fenced::none();
        if is_newest {
            fenced.add(shared.flights.fence_older(flight));
            if self.has_store() {
                // What began since may have found in the store what this result is newer than.
                fenced.add(shared.flights.fence_found(&flight.digest));
            }
        }
        let finished = Finished {
            is_current: is_current && !is_withheld,
            is_overtaken: flight.is_overtaken(),
            existing,
        };
        Ended { finished, is_stored, left, fenced, given_up }
    }

    /// When a computation ended. That is known without a look at the clock, unless that was moved, or
    /// nothing was computed.
    fn end_of(&self, call: &Claimant) -> Tick {
        match call.flight.started_at() {
            Some(started) if self.clock.is_real() => started.plus(call.took.unwrap_or(0)),
            _ => self.now(),
        }
    }

    /// Takes an entry's bytes in the budget of all functions; false if there is no room.
    pub(super) fn take(&self, entry: View<'_>) -> bool {
        self.is_resource || budget::take(entry.entry.bytes())
    }

    /// Gives the bytes of an entry back that was not stored.
    pub(super) fn release_bytes(&self, entry: View<'_>) {
        if !self.is_resource {
            budget::release(entry.entry.bytes());
        }
    }

    /// Makes room in the budget for what is to be stored; if there is none, it is only shared.
    pub(super) fn make_room(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Store(entry)
                if !budget::may_hold(entry.view().entry.bytes()) || !budget::evict() =>
            {
                Outcome::Share(entry)
            }
            outcome => outcome,
        }
    }

    /// Stores an entry whose bytes are taken; it is given back, where it is not stored.
    pub(super) fn store(
        &'static self,
        shared: &mut Shared,
        entry: Ref,
        is_current: bool,
        at: Tick,
    ) -> Option<Ref> {
        if !is_current {
            self.release_bytes(entry.view());
            shared.memory.causes.note_void(entry.view().hashes().thorough, self.now());
            return Some(entry);
        }
        let expiry = entry.view().expiry();
        if expiry.is_some() {
            self.expire_some(shared, self.now());
        }
        match shared.memory.insert_at(&self.table, self.bounds(), entry, at) {
            Ok(()) => {
                self.list(shared, expiry);
                None
            }
            Err(entry) => {
                self.release_bytes(entry.view());
                shared.memory.remove_same(&self.table, entry.view());
                let hash = entry.view().hashes().thorough;
                shared.memory.causes.note_again(hash, Cause::NotStored);
                Some(entry)
            }
        }
    }

    /// Stores a result that was come by otherwise; what is computed meanwhile is older.
    pub(crate) fn insert(&'static self, digest: &[u8; crate::key::DIGEST], entry: Ref) {
        let mut outcome = Outcome::Store(entry);
        loop {
            let (inserted, freed): (Option<(Fenced, bool, Option<Ref>)>, Freed) =
                self.invalidate(|shared| {
                    if let Outcome::Store(entry) = &outcome {
                        if !self.take(entry.view()) {
                            return None;
                        }
                    }
                    let is_to_store = matches!(outcome, Outcome::Store(_));
                    let given_up = match std::mem::replace(&mut outcome, Outcome::Leave) {
                        // While all is being cleared nothing is, lest a refresh finds it there that may
                        // not replace it.
                        Outcome::Store(entry) => {
                            let is_current = !shared.is_clearing_entry(entry.view());
                            self.store(shared, entry, is_current, self.now())
                        }
                        Outcome::Share(entry) => {
                            shared.memory.remove_same(&self.table, entry.view());
                            let hash = entry.view().hashes().thorough;
                            shared.memory.causes.note_again(hash, Cause::NotStored);
                            Some(entry)
                        }
                        Outcome::Withhold(entry) => Some(entry),
                        Outcome::Tell(_) | Outcome::Forget(..) | Outcome::Leave => None,
                    };
                    let is_stored = is_to_store && given_up.is_none();
                    shared.forget_dependents(digest);
                    Some((shared.flights.fence(digest), is_stored, given_up))
                });
            if let Some((fenced, is_stored, given_up)) = inserted {
                fenced.wake();
                drop((freed, given_up));
                if is_stored {
                    self.tell(digest, || EventKind::Stored);
                }
                reclaim();
                return;
            }
            drop(freed);
            outcome = self.make_room(outcome);
        }
    }
}
