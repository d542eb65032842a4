//! Who computes a call: under the lock, its flight joins the flight of its key or becomes it.

use std::sync::Arc;

use super::{Cache, Claimant};
use crate::flight::{wake, Abandoned, Flight, Joined, TookOver, Wait};
use crate::memory::entry::{Builder, Ref, View};

/// What came of asking the cache under its lock.
pub(crate) enum Claim {
    Found(Ref),
    Lead,
    /// Another call's computation is to be waited for.
    Wait(Wait),
}

impl Cache {
    /// Looks again, under the lock, and joins the flight of the key or becomes it.
    pub(crate) fn claim(&'static self, call: &Claimant) -> Claim {
        let mut shared = self.lock();
        if let Some(around) = call.flight.around() {
            self.note_call(&mut shared, &call.flight, around);
        }
        if let Some(entry) = shared.memory.find(&self.table, call.key()) {
            if let Some(around) = call.flight.around() {
                around.uses(shared.memory.dependent(entry).cloned(), entry.served_until());
            }
            return Claim::Found(entry.share());
        }
        match shared.flights.join(&call.flight) {
            Joined::Leads => {
                shared.count_miss(self);
                Claim::Lead
            }
            Joined::Waits(wait) => Claim::Wait(wait),
        }
    }

    /// What is kept of a call that has failed.
    pub(crate) fn kept(&self, key: &Builder) -> Option<Ref> {
        self.limits.stale?;
        self.lock().memory.kept(&self.table, key).map(View::share)
    }

    /// Makes the call's flight one beside the flight of its key.
    pub(crate) fn claim_unshared(&self, flight: &Arc<Flight>) {
        self.count_unshared();
        let mut shared = self.lock();
        shared.flights.note(flight);
        shared.count_miss(self);
    }

    /// Makes the call's flight one that computes whatever is stored. It is the flight of its key, if
    /// there is none.
    pub(crate) fn claim_forced(&self, flight: &Arc<Flight>) {
        self.lock().flights.force(flight);
    }

    /// Has the call of a waiter lead what it waits for as well, unless that has changed by now.
    pub(crate) fn take_over(&self, wait: &Wait, call: &Arc<Flight>) -> Option<TookOver> {
        let mut shared = self.lock();
        let awaited = wait.flight();
        if awaited.is_fenced() {
            return None;
        }
        let took_over = awaited.take_over(call, wait.bound())?;
        shared.flights.note(call);
        shared.count_miss(self);
        Some(took_over)
    }

    /// A leader leaves without an end, its future dropped: a waiter takes over.
    pub(crate) fn abandon(&self, flight: &Arc<Flight>, awaited: &Arc<Flight>) {
        flight.span.end();
        flight.end_spinner();
        let mut shared = self.lock();
        if !Arc::ptr_eq(flight, awaited) {
            shared.flights.depart(flight);
        }
        let heirs = match awaited.abandon(flight) {
            Abandoned::GoesOn => Vec::new(),
            Abandoned::Deserted => {
                shared.flights.depart(awaited);
                Vec::new()
            }
            Abandoned::Inherited(heirs) => heirs,
        };
        drop(shared);
        heirs.into_iter().for_each(wake);
    }

    /// A waiter leaves: a flight that nobody leads nor awaits is forgotten.
    pub(crate) fn leave(&self, flight: &Arc<Flight>) {
        if flight.is_deserted() {
            let mut shared = self.lock();
            // Somebody may have found it meanwhile.
            if flight.is_deserted() {
                shared.flights.depart(flight);
            }
        }
    }
}
