//! A miss in a task, which awaits what a thread would wait for.

use std::convert::identity;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use crate::background::pool::spawn_blocking;
use crate::cache::lead::{Body, Lead};
use crate::cache::waiting::{self, Claimed};
use crate::cache::Claimant;
use crate::call::{Memo, Payload};
use crate::memory::entry::Ref;

/// A miss in a task. It has no room for a hit's result, so that the future that holds it is `Send`
/// though the result is not.
#[must_use]
pub struct AsyncMiss<R, P> {
    pub(in crate::call) memo: &'static Memo,
    pub(in crate::call) payload: P,
    /// The call, and whether it computes whatever is stored; none if nothing is cached.
    pub(in crate::call) call: Option<(Claimant, bool)>,
    pub(in crate::call) result: PhantomData<fn(R)>,
}

impl<R, P> fmt::Debug for AsyncMiss<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncMiss").field("memo", &self.memo).finish_non_exhaustive()
    }
}

impl Memo {
    /// The lead of a call in a task, once it is that call's; none if nothing is cached.
    ///
    /// # Errors
    /// Another call has the result.
    pub(in crate::call) async fn lead(
        &'static self,
        call: Option<(Claimant, bool)>,
    ) -> Result<Option<Lead>, Ref> {
        let call = match call {
            None => return Ok(None),
            Some((call, true)) => return Ok(Some(Lead::forced_in_task(&self.cache, call))),
            Some((call, false)) => call,
        };
        if self.cache.has_store() && self.cache.backing.needs_sync() {
            spawn_blocking(|| self.cache.sync_invalidations()).await;
        }
        match waiting::wait(&self.cache, call).await {
            Claimed::Lead(lead) => Ok(Some(lead)),
            Claimed::Found(entry) => Err(entry),
        }
    }

    /// What the store has of a call, if there is one: a double has none though the function has one.
    ///
    /// # Errors
    /// Nothing: the body is to be run.
    async fn load_in_task<R, P: Payload<R>>(&'static self, lead: Lead) -> Result<R, Lead> {
        if !self.cache.has_store() {
            return Err(lead);
        }
        let (lead, lookup) = self.load_async(lead).await;
        self.received::<R, P>(lead, lookup)
    }

    /// What the store has of a call whose computation this is, if it was not asked, or the body returns.
    pub(in crate::call) async fn run_lead<R, P: Payload<R>, F: Future<Output = R>>(
        &'static self,
        payload: &P,
        mut lead: Lead,
        body: Pin<&mut Option<F>>,
        is_loaded: bool,
    ) -> R {
        if P::HAS_STORE && !is_loaded {
            lead = match self.load_in_task::<R, P>(lead).await {
                Ok(result) => return result,
                Err(lead) => lead,
            };
        }
        let mut result = Body::new(body).run_in(lead.flight()).await;
        lead.computed();
        if let Some(write) = payload.finish(self, lead, &mut result) {
            spawn_blocking(move || self.cache.write_to_store(write)).await;
        }
        result
    }

    /// The result that another call has.
    ///
    /// # Errors
    /// There is none: what is to be computed, or nothing if it is to run uncached.
    pub(in crate::call) fn take_found<R, P: Payload<R>>(
        &'static self,
        claimed: Result<Option<Lead>, Ref>,
    ) -> Result<R, Option<Lead>> {
        match claimed {
            Ok(lead) => Err(lead),
            Err(entry) => self.restore::<R, P>(&entry).ok_or(None),
        }
    }
}

impl<R, P: Payload<R>> AsyncMiss<R, P> {
    /// The result, computed in this task if it must be.
    ///
    /// The body is given up before the next call may run its own, and at the latest when its caller
    /// gives up the place in which it is pinned.
    pub fn run_async<F: Future<Output = R>>(
        self,
        body: Pin<&mut Option<F>>,
    ) -> impl Future<Output = R> + use<'_, R, P, F> {
        self.run_async_as(body, identity)
    }

    /// As [`run_async`](Self::run_async), with what makes the result of the body's output.
    // A future around the body's own would be another place for the arguments.
    pub async fn run_async_as<F: Future>(
        self,
        body: Pin<&mut Option<F>>,
        result_of: impl FnOnce(F::Output) -> R,
    ) -> R {
        if self.is_doubted() {
            // In a box, as it would be room in every call's future.
            return Box::pin(self.verify(body, result_of)).await.0;
        }
        let Self { memo, payload, call, .. } = self;
        let lead = match memo.take_found::<R, P>(memo.lead(call).await) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        let body = Body::new(body);
        let Some(mut lead) = lead else {
            let result = result_of(body.run().await);
            payload.uncached(memo, &result);
            return result;
        };
        let mut result = result_of(body.run_in(lead.flight()).await);
        lead.computed();
        payload.finish(memo, lead, &mut result);
        result
    }

    /// As [`run_async`](Self::run_async), of a function with a store. It waits for that with the
    /// result in its hands, so that its future is `Send` only if the result is.
    pub async fn run_async_stored<F: Future<Output = R>>(self, body: Pin<&mut Option<F>>) -> R {
        if self.is_doubted() {
            return Box::pin(self.verify_stored(body)).await;
        }
        let Self { memo, payload, call, .. } = self;
        let lead = match memo.take_found::<R, P>(memo.lead(call).await) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        match lead {
            Some(lead) => memo.run_lead(&payload, lead, body, false).await,
            None => Body::new(body).run().await,
        }
    }
}
