//! The lead of a computation: a guard whose drop lets the next one try, and the body that it runs.

use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::claimant::{Claimant, ForStore};
use super::waiting::{self, Claimed};
use super::{nanos, Cache, Finished, Outcome};
use crate::clock::Tick;
use crate::flight::{Entered, Flight};
use crate::memory::entry::{Builder, Ref};
use crate::store::Lease;

/// A computation that is this call's to make. Dropped without an end, it lets the next one try.
pub struct Lead {
    cache: &'static Cache,
    call: Claimant,
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("function", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Lead {
    /// A claimed miss is counted. With a store it is one only once that has been asked.
    pub(super) fn claimed(cache: &'static Cache, mut call: Claimant) -> Self {
        if !cache.has_store() {
            cache.tell_miss(&mut call);
            call.flight.start();
        }
        Self { cache, call }
    }

    /// Computes now, whatever is stored or under way.
    fn forced(cache: &'static Cache, mut call: Claimant) -> Self {
        cache.claim_forced(&call.flight);
        cache.show(&mut call);
        call.flight.start();
        call.is_forced = true;
        Self { cache, call }
    }

    /// The same, in a task.
    pub(crate) fn forced_in_task(cache: &'static Cache, call: Claimant) -> Self {
        call.flight.set_task();
        Self::forced(cache, call)
    }

    /// The same, on this thread, right now.
    #[cold]
    #[inline(never)]
    pub(crate) fn forced_here(cache: &'static Cache, call: Claimant) -> Self {
        Self::forced(cache, call).entered()
    }

    /// Claims a call whose body is to run on this thread, right now.
    ///
    /// # Errors
    /// Another call has the result.
    #[cold]
    #[inline(never)]
    pub(crate) fn claim_here(cache: &'static Cache, call: Claimant) -> Result<Self, Ref> {
        match waiting::block(cache, call) {
            Claimed::Lead(lead) => Ok(lead.entered()),
            Claimed::Found(entry) => Err(entry),
        }
    }

    fn entered(mut self) -> Self {
        self.call.enter();
        self
    }

    /// In whose body the computation is.
    pub(crate) fn flight(&self) -> &Arc<Flight> {
        &self.call.flight
    }

    /// Whether it computes whatever is stored.
    pub(crate) fn is_forced(&self) -> bool {
        self.call.is_forced
    }

    /// The store has nothing: the body is to be run.
    pub(crate) fn missed(&mut self) {
        let Self { cache, call } = self;
        cache.count_miss();
        cache.tell_miss(call);
        call.flight.start();
    }

    /// The body is done: its time counts in the statistics, and for the bound of waits.
    pub(crate) fn computed(&mut self) {
        let time = self.call.flight.elapsed();
        self.call.took = Some(nanos(time));
        if !self.call.flight.is_delayed() {
            self.cache.computed_in(time);
        }
    }

    /// The moment until which all is served that the computation has used; nothing, if that is for ever,
    /// or is not noted.
    pub(crate) fn used_until(&self) -> Option<Tick> {
        self.call.flight.dependent().and_then(|own| own.until())
    }

    pub(crate) fn key(&self) -> &Builder {
        self.call.key()
    }

    /// The entry to be, its key written.
    pub(crate) fn take_key(&mut self) -> Builder {
        self.call.take_key()
    }

    /// What it has to tell the store.
    pub(crate) fn for_store(&mut self) -> &mut ForStore {
        self.call.for_store.get_or_insert_default()
    }

    pub(crate) fn take_for_store(&mut self) -> ForStore {
        self.call.for_store.take().map(|it| *it).unwrap_or_default()
    }

    /// Notes the right to compute the call for all processes, if it was given.
    pub(crate) fn leased(&mut self, lease: Option<Lease>) {
        if lease.is_some() {
            self.for_store().lease = lease;
        }
    }

    /// Whether it is this process that computes the call.
    pub(crate) fn has_lease(&self) -> bool {
        self.call.for_store.as_ref().is_some_and(|it| it.lease.is_some())
    }

    /// Whether anyone waits for the result, who would be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.call.awaited().is_awaited()
    }

    /// Ends it.
    pub(crate) fn finish(mut self, outcome: Outcome) -> Finished {
        self.call.is_over = true;
        self.cache.finish(&self.call, outcome)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let Self { cache, call } = self;
        if !call.is_over {
            call.flight.forget_polls();
            // Whoever panicked would again.
            if call.flight.has_panicked() || !call.has_key() {
                let _ = cache.finish(call, Outcome::Leave);
            } else {
                cache.abandon(&call.flight, call.awaited());
            }
        }
    }
}

/// The body of a call in a task: a future that is pinned where the attribute's code made it.
///
/// That is the only place it takes. A future that is moved into another one, and pinned there, takes
/// two in it, and so calls of calls would double at every level. Whoever holds this ends the body
/// with it: before the lead, so that nobody else's body runs beside what is left of this one.
pub(crate) struct Body<'f, F> {
    future: Pin<&'f mut Option<F>>,
    /// The flight that it runs in.
    flight: Option<Arc<Flight>>,
}

impl<'f, F: Future> Body<'f, F> {
    pub(crate) fn new(future: Pin<&'f mut Option<F>>) -> Self {
        Self { future, flight: None }
    }

    /// Runs it in no flight.
    pub(crate) async fn run(mut self) -> F::Output {
        poll_fn(|context| self.poll(context)).await
    }

    /// Runs it in a flight: whenever it is polled, its thread is inside the flight.
    pub(crate) async fn run_in(mut self, flight: &Arc<Flight>) -> F::Output {
        self.flight = Some(Arc::clone(flight));
        poll_fn(|context| flight.poll(context, |context| self.poll(context))).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.future.as_mut().as_pin_mut() {
            Some(future) => future.poll(context),
            None => unreachable!("a body is there until this is dropped"),
        }
    }
}

impl<F> Drop for Body<'_, F> {
    fn drop(&mut self) {
        // What is dropped may call the function, and must not wait for the lead that goes next.
        let _entered = self.flight.as_ref().map(Entered::new);
        self.future.set(None);
    }
}

/// What a flight's leader awaits before its body.
pub(crate) fn polled_in<F: Future>(
    flight: &Arc<Flight>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    let (flight, mut future) = (Arc::clone(flight), Box::pin(future));
    poll_fn(move |context| flight.poll(context, |context| future.as_mut().poll(context)))
}
