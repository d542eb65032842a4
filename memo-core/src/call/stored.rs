//! What lies between a miss in memory and the body, where there is a store: the look into it.

use std::sync::Arc;
use std::time::Duration;

use super::{Memo, Payload, Static};
use crate::background::pool::{is_background, spawn_blocking};
use crate::cache::lead::{polled_in, Lead};
use crate::cache::tiered::fleet::{FleetStep, FleetWait};
use crate::cache::tiered::stamps::Look;
use crate::cache::tiered::{Stored, Unknown};
use crate::cache::Outcome;
use crate::clock::timer::Delay;
use crate::flight::{Flight, Key};
use crate::function::event::EventKind;
use crate::store::{Found, Lease};

impl Static {
    /// Whether memory may not be asked before the store was: only a task has to put that off.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn syncs_in_task(&'static self) -> bool {
        let cache = &self.outside().cache;
        cache.has_store() && cache.backing.needs_sync() && self.here().syncs_in_task()
    }
}

impl Memo {
    /// Whether a task has to ask the store before memory may be asked; a thread does that here.
    #[cold]
    #[inline(never)]
    fn syncs_in_task(&'static self) -> bool {
        // A double has none though the function has one.
        if !self.cache.has_store() {
            return false;
        }
        if self.is_async {
            return self.cache.backing.needs_sync();
        }
        self.cache.sync_invalidations();
        false
    }

    /// Looks into the store, for a call whose computation this is.
    ///
    /// # Errors
    /// There is nothing: the body is to be run.
    #[cold]
    #[inline(never)]
    pub(super) fn load<R, P: Payload<R>>(&'static self, mut lead: Lead) -> Result<R, Lead> {
        let mut lookup = self.cache.load_for(lead.flight());
        let mut turn = FleetWait::new(&self.cache);
        while self.cache.is_worth_waiting(lead.flight(), lookup.as_ref()) {
            match turn.after(self.cache.lease(&lead.flight().digest)) {
                FleetStep::Compute => break,
                FleetStep::Lead(lease) => lead.for_store().lease = Some(lease),
                FleetStep::Wait(pause) => std::thread::sleep(pause),
            }
            // Whoever had the lease may have put the result since the last look.
            lookup = self.cache.load_for(lead.flight());
            if lead.has_lease() {
                break;
            }
        }
        self.received::<R, P>(lead, lookup)
    }

    /// As [`load`](Self::load), in a task: what the store has, if anything.
    pub(super) async fn load_async(&'static self, mut lead: Lead) -> (Lead, Option<Look>) {
        let flight = Arc::clone(lead.flight());
        let (lookup, lease) = self.look_async(flight, lead.is_forced()).await;
        lead.leased(lease);
        (lead, lookup)
    }

    /// The same for who has no lead in hand; and the right to compute for all processes, if it was given.
    pub(super) async fn look_async(
        &'static self,
        flight: Arc<Flight>,
        is_forced: bool,
    ) -> (Option<Look>, Option<Lease>) {
        let look = || {
            let of_call = Arc::clone(&flight);
            polled_in(&flight, spawn_blocking(move || self.cache.load_for(&of_call)))
        };
        let mut lookup = look().await.flatten();
        let mut turn = FleetWait::new(&self.cache);
        while !is_forced && self.cache.is_worth_waiting(&flight, lookup.as_ref()) {
            let digest = flight.digest;
            let lease = polled_in(&flight, spawn_blocking(move || self.cache.lease(&digest))).await;
            match turn.after(lease.unwrap_or(Err(Unknown))) {
                FleetStep::Compute => break,
                // Whoever had it before may have put the result since the last look.
                FleetStep::Lead(lease) => return (look().await.flatten(), Some(lease)),
                FleetStep::Wait(pause) => polled_in(&flight, Delay::new(pause)).await,
            }
            lookup = look().await.flatten();
        }
        (lookup, None)
    }

    /// Takes what the store had: a hit, and from now on in memory.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub(super) fn received<R, P: Payload<R>>(
        &'static self,
        mut lead: Lead,
        lookup: Option<Look>,
    ) -> Result<R, Lead> {
        if lead.is_forced() {
            self.replaces(&mut lead, lookup);
            return Err(lead);
        }
        lead.for_store().moment = lookup.as_ref().map(|look| look.moment.clone());
        let took = lookup.as_ref().map_or(Duration::ZERO, |look| look.took);
        let found = lookup.and_then(|lookup| lookup.found);
        let decoded = found.as_ref().and_then(|found| {
            let stored = Stored::parse(found)?;
            let times = self.cache.remaining(found)?;
            Some((P::take_stored(&stored)?, stored, times))
        });
        let Some((result, stored, times)) = decoded else {
            lead.missed();
            return Err(lead);
        };
        self.cache.count_store_hit();
        self.cache.tell(&lead.flight().digest, || EventKind::StoreHit { took });
        self.cache.tell(&lead.flight().digest, || EventKind::Hit);
        let mut key = lead.take_key();
        key.push(stored.value);
        let _ = lead.finish(Outcome::Store(key.finish(stored.codec, times)));
        Ok(result)
    }

    /// Notes what a computation that replaces what is stored has to tell the store.
    pub(super) fn replaces(&'static self, lead: &mut Lead, lookup: Option<Look>) {
        match lookup {
            // In the background, the others do as this process does: what they have is good for a while.
            Some(lookup) => {
                lead.for_store().moment = Some(lookup.moment);
                lead.for_store().is_replacing = !is_background();
            }
            // It could not be asked, and may have what is older.
            None if !lead.flight().is_local => {
                self.cache.backing.note_pending_removal(lead.flight().digest)
            }
            None => {}
        }
    }

    /// What the store has of a call, for who only looks.
    pub(super) fn look_in_store<R, P: Payload<R>>(&'static self, key: &Key) -> Option<R> {
        let found = self.cache.load_only(key)?;
        self.cache.note_look(&key.digest, self.cache.until(&found));
        self.restore_found::<R, P>(&found)
    }

    /// The result of what was found in the store.
    pub(super) fn restore_found<R, P: Payload<R>>(&'static self, found: &Found) -> Option<R> {
        P::take_stored(&Stored::parse(found)?)
    }
}
