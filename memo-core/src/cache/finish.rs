//! The end of a computation: what it leaves is stored, shared with who waits, or neither.

use std::sync::Arc;

use super::invalidate::Freed;
use super::{Cache, Shared};
use crate::clock::Tick;
use crate::flight::{Fenced, Flight, Left};
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
    /// There is none; what is stored is older, and goes.
    Forget(Builder),
    /// There is none; what is stored stays.
    Leave,
}

/// What became of it.
#[must_use]
pub(crate) struct Finished {
    /// Nothing has made it void meanwhile.
    pub(crate) is_current: bool,
    /// What another computation of the key has stored meanwhile, which is as good.
    pub(crate) existing: Option<Ref>,
}

/// The same, and what is left to do outside the lock.
struct Ended {
    finished: Finished,
    left: Left,
    fenced: Fenced,
    /// What was computed, where there is something as good: its end is the user's code.
    given_up: Option<Ref>,
}

/// What a miss does for all functions: gives up what has expired, and frees what was cleared.
fn reclaim() {
    reclaim::free_some();
    expiry::reclaim_due();
}

impl Cache {
    /// Ends a computation in `flight`, for which others wait in `awaited`, unless it was fenced as
    /// the outcome says.
    pub(crate) fn finish(
        &'static self,
        flight: &Arc<Flight>,
        awaited: &Arc<Flight>,
        is_forced: bool,
        mut outcome: Outcome,
    ) -> Finished {
        loop {
            let (ended, freed) = self.change(|shared| {
                if let Outcome::Store(entry) = &outcome {
                    if !self.take(entry.view()) {
                        return None;
                    }
                }
                let outcome = std::mem::replace(&mut outcome, Outcome::Leave);
                Some(self.end(shared, flight, awaited, is_forced, outcome))
            });
            let Some(Ended { finished, mut left, fenced, given_up }) = ended else {
                drop(freed);
                outcome = self.make_room(outcome);
                continue;
            };
            left.wake();
            fenced.wake();
            // From here on it may be the user's code, which nobody waits for any more.
            drop((left, freed, given_up));
            reclaim();
            return finished;
        }
    }

    fn end(
        &'static self,
        shared: &mut Shared,
        flight: &Arc<Flight>,
        awaited: &Arc<Flight>,
        is_forced: bool,
        outcome: Outcome,
    ) -> Ended {
        let is_current = !flight.is_fenced() && shared.clearing == 0;
        // A resource is there once for all, and what two computed beside each other is as good; only
        // what is forced replaces it.
        let is_beside = self.is_resource || !shared.flights.leads(flight);
        let replaces = is_forced && is_current;
        // Whether or not it is stored, nobody may get what is older any more.
        let is_newest = is_forced && !flight.is_fenced() && !matches!(outcome, Outcome::Leave);
        let existing = match &outcome {
            Outcome::Store(entry) if is_beside && !replaces => {
                shared.memory.find_same(&self.table, entry.view()).map(View::share)
            }
            _ => None,
        };
        let mut given_up = None;
        let result = match (outcome, &existing) {
            (Outcome::Store(entry), Some(existing)) => {
                self.release_bytes(entry.view());
                given_up = Some(entry);
                Some(existing.view().share())
            }
            (Outcome::Store(entry), None) => {
                self.store(shared, &entry, is_current);
                Some(entry)
            }
            (Outcome::Share(entry), _) => {
                if is_current {
                    shared.memory.remove_same(&self.table, entry.view());
                }
                Some(entry)
            }
            (Outcome::Forget(key), _) => {
                if is_current {
                    shared.memory.remove(&self.table, &key);
                }
                None
            }
            (Outcome::Leave, _) => None,
        };
        let left = awaited.finish(flight, result);
        if !Arc::ptr_eq(flight, awaited) {
            shared.flights.depart(flight);
        }
        if left.is_over {
            shared.flights.depart(awaited);
            if left.is_to_be_fenced && !awaited.is_fenced() {
                shared.flights.note_ended(awaited);
            }
        }
        let fenced = if is_newest { shared.flights.fence_older(flight) } else { Fenced::none() };
        Ended { finished: Finished { is_current, existing }, left, fenced, given_up }
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

    /// Stores an entry whose bytes are taken.
    pub(super) fn store(&'static self, shared: &mut Shared, entry: &Ref, is_current: bool) {
        let view = entry.view();
        if !is_current {
            self.release_bytes(view);
            return;
        }
        if view.expiry().is_some() {
            self.expire_some(shared, Tick::now());
        }
        if shared.memory.insert(&self.table, self.bounds(), view.share()) {
            self.list(shared, view);
        } else {
            self.release_bytes(view);
            shared.memory.remove_same(&self.table, view);
        }
    }

    /// Stores a result that was come by otherwise; what is computed meanwhile is older.
    pub(crate) fn insert(&'static self, digest: &[u8; crate::key::DIGEST], entry: Ref) {
        let mut outcome = Outcome::Store(entry);
        loop {
            let (fenced, freed): (Option<Fenced>, Freed) = self.change(|shared| {
                match &outcome {
                    Outcome::Store(entry) if !self.take(entry.view()) => return None,
                    // While all is being cleared nothing is, lest a refresh finds it there that may
                    // not replace it.
                    Outcome::Store(entry) => self.store(shared, entry, shared.clearing == 0),
                    Outcome::Share(entry) => {
                        shared.memory.remove_same(&self.table, entry.view());
                    }
                    Outcome::Forget(_) | Outcome::Leave => {}
                }
                Some(shared.flights.fence(digest))
            });
            if let Some(fenced) = fenced {
                fenced.wake();
                drop(freed);
                reclaim();
                return;
            }
            drop(freed);
            outcome = self.make_room(outcome);
        }
    }
}
