//! A miss in a task, which awaits what a thread would wait for.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::{finish, Memo};
use crate::background::pool::spawn_blocking;
use crate::cache::lead::{self, polled_in, Body, Claimed, Lead};
use crate::cache::tiered::{FleetStep, FleetWait, Unknown};
use crate::clock::timer::Delay;
use crate::codec::Codec;
use crate::flight::Flight;
use crate::memory::entry::Ref;
use crate::store::Lookup;

/// A miss in a task. It has no room for a hit's result, so that the future that holds it is `Send`
/// though the result is not.
#[must_use]
pub struct AsyncMiss<R, C> {
    pub(super) memo: &'static Memo,
    pub(super) codec: C,
    /// The call's flight, and whether it computes whatever is stored; none if nothing is cached.
    pub(super) call: Option<(Arc<Flight>, bool)>,
    pub(super) result: PhantomData<fn(R)>,
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
            Some((flight, true)) => return Ok(Some(Lead::forced_in_task(&self.cache, flight))),
            Some((flight, false)) => flight,
        };
        if self.cache.has_store() && self.cache.backing.needs_sync() {
            spawn_blocking(|| self.cache.sync_invalidations()).await;
        }
        match lead::wait(&self.cache, flight).await {
            Claimed::Lead(lead) => Ok(Some(lead)),
            Claimed::Found(entry) => Err(entry),
        }
    }

    /// As [`load`](Self::load), in a task: what the store has, if anything.
    async fn load_async(&'static self, mut lead: Lead) -> (Lead, Option<Lookup>) {
        let look = |lead: &Lead| {
            let flight = Arc::clone(&lead.flight);
            polled_in(&lead.flight, spawn_blocking(move || self.cache.load_for(&flight)))
        };
        let mut lookup = look(&lead).await.flatten();
        let mut turn = FleetWait::new(&self.cache);
        while !lead.is_forced && self.cache.is_worth_waiting(lookup.as_ref()) {
            let digest = lead.flight.digest;
            let lease =
                polled_in(&lead.flight, spawn_blocking(move || self.cache.lease(&digest))).await;
            let lease = lease.unwrap_or(Err(Unknown));
            match turn.after(lease) {
                FleetStep::Compute => break,
                FleetStep::Lead(lease) => lead.lease = Some(lease),
                FleetStep::Wait(pause) => polled_in(&lead.flight, Delay::new(pause)).await,
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
    ///
    /// The body is given up before the next call may run its own, and at the latest when its caller
    /// gives up the place in which it is pinned.
    pub async fn run_async<F: Future<Output = R>>(self, body: Pin<&mut Option<F>>) -> R {
        let Self { memo, codec, call, .. } = self;
        let lead = match memo.lead(call).await {
            Ok(lead) => lead,
            Err(entry) => match memo.restore::<R, C>(&entry) {
                Some(result) => return result,
                None => None,
            },
        };
        let body = Body::new(body);
        let Some(lead) = lead else { return body.run().await };
        let result = body.run_in(&lead.flight).await;
        finish(memo, &codec, lead, &result);
        result
    }

    /// As [`run_async`](Self::run_async), of a function with a store. It waits for that with the
    /// result in its hands, so that its future is `Send` only if the result is.
    pub async fn run_async_stored<F: Future<Output = R>>(self, body: Pin<&mut Option<F>>) -> R {
        let Self { memo, codec, call, .. } = self;
        let lead = match memo.lead(call).await {
            Ok(lead) => lead,
            Err(entry) => match memo.restore::<R, C>(&entry) {
                Some(result) => return result,
                None => None,
            },
        };
        let Some(lead) = lead else { return Body::new(body).run().await };
        let (lead, lookup) = memo.load_async(lead).await;
        let lead = match memo.received::<R, C>(lead, lookup) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        let result = Body::new(body).run_in(&lead.flight).await;
        if let Some(after) = finish(memo, &codec, lead, &result) {
            spawn_blocking(move || memo.cache.write_to_store(after)).await;
        }
        result
    }
}
