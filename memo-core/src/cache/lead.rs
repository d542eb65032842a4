//! The lead of a computation: a guard whose drop lets the next one try, and the body that it runs.

use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::waiting::{self, Claimed};
use super::{Cache, Claimant, Finished, Outcome};
use crate::flight::{Entered, Flight};
use crate::memory::entry::{Builder, Ref};
use crate::store::{Lease, Ticket};

/// A computation that is this call's to make. Dropped without an end, it lets the next one try.
pub struct Lead {
    cache: &'static Cache,
    /// In whose body the computation is.
    pub(crate) flight: Arc<Flight>,
    /// The one that this call leads as well, for whose end others wait; if none, they wait for the
    /// call's own.
    awaited: Option<Arc<Flight>>,
    /// The entry to be, until it is taken.
    key: Option<Box<Builder>>,
    /// What the end of it has to tell the store; in a box, as its place is on the stack while the
    /// body runs, and most functions have no store.
    for_store: Option<Box<ForStore>>,
    /// It computes whatever is stored.
    pub(crate) is_forced: bool,
    is_over: bool,
}

/// What a computation has to tell its function's store.
#[derive(Debug, Default)]
pub(crate) struct ForStore {
    /// When the store was asked, and had nothing.
    pub(crate) ticket: Option<Ticket>,
    /// The right to compute it for all processes.
    pub(crate) lease: Option<Lease>,
    /// What the store has is to be replaced, for all.
    pub(crate) is_replacing: bool,
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("function", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Lead {
    fn new(cache: &'static Cache, call: Claimant, awaited: Option<Arc<Flight>>) -> Self {
        Self {
            cache,
            flight: call.flight,
            awaited,
            key: Some(call.key),
            for_store: None,
            is_forced: false,
            is_over: false,
        }
    }

    /// With a store it is a miss only once that has been asked.
    pub(super) fn claimed(
        cache: &'static Cache,
        call: Claimant,
        awaited: Option<Arc<Flight>>,
    ) -> Self {
        let lead = Self::new(cache, call, awaited);
        if !cache.has_store() {
            lead.missed();
        }
        lead
    }

    /// Computes now, whatever is stored or under way.
    pub(crate) fn forced(cache: &'static Cache, call: Claimant) -> Self {
        cache.claim_forced(&call.flight);
        call.flight.start();
        let mut lead = Self::new(cache, call, None);
        lead.is_forced = true;
        lead
    }

    /// The same, in a task.
    pub(crate) fn forced_in_task(cache: &'static Cache, call: Claimant) -> Self {
        call.flight.set_task();
        Self::forced(cache, call)
    }

    /// The body is to be run.
    pub(crate) fn missed(&self) {
        self.cache.count_miss();
        self.flight.start();
    }

    /// The body is done: its time counts in the statistics, and for the bound of waits.
    pub(crate) fn computed(&self) {
        let time = self.flight.elapsed();
        self.cache.count_compute_time(time);
        if !self.flight.is_delayed() {
            self.cache.computed_in(time);
        }
    }

    /// The entry to be, its key written.
    pub(crate) fn take_key(&mut self) -> Builder {
        match self.key.take() {
            Some(key) => *key,
            None => unreachable!("a lead ends once"),
        }
    }

    /// What it has to tell the store.
    pub(crate) fn for_store(&mut self) -> &mut ForStore {
        self.for_store.get_or_insert_default()
    }

    pub(crate) fn take_for_store(&mut self) -> ForStore {
        self.for_store.take().map(|it| *it).unwrap_or_default()
    }

    /// Whether it is this process that computes the call.
    pub(crate) fn has_lease(&self) -> bool {
        self.for_store.as_ref().is_some_and(|it| it.lease.is_some())
    }

    /// The flight for whose end others wait.
    fn awaited(&self) -> &Arc<Flight> {
        self.awaited.as_ref().unwrap_or(&self.flight)
    }

    /// Whether anyone waits for the result, who would be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited().is_awaited()
    }

    /// Ends it.
    pub(crate) fn finish(mut self, outcome: Outcome) -> Finished {
        self.is_over = true;
        self.cache.finish(&self.flight, self.awaited(), self.is_forced, outcome)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.is_over {
            self.flight.forget_polls();
            // Whoever panicked would again.
            if self.flight.has_panicked() || self.key.is_none() {
                let _ = self.cache.finish(&self.flight, self.awaited(), false, Outcome::Leave);
            } else {
                self.cache.abandon(&self.flight, self.awaited());
            }
        }
    }
}

/// A lead whose body runs on this thread, right now.
pub(crate) struct SyncLead {
    pub(crate) lead: Lead,
    /// Held for its drop.
    _entered: Entered,
}

impl SyncLead {
    fn new(lead: Lead) -> Self {
        let entered = Entered::new(&lead.flight);
        Self { lead, _entered: entered }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn forced(cache: &'static Cache, call: Claimant) -> Self {
        Self::new(Lead::forced(cache, call))
    }

    /// # Errors
    /// Another call has the result.
    #[cold]
    #[inline(never)]
    pub(crate) fn claim(cache: &'static Cache, call: Claimant) -> Result<Self, Ref> {
        match waiting::block(cache, call) {
            Claimed::Lead(lead) => Ok(Self::new(lead)),
            Claimed::Found(entry) => Err(entry),
        }
    }

    /// Asks what may end the flight before its body runs.
    ///
    /// # Errors
    /// It did not: the flight goes on.
    pub(crate) fn load_from_store<R>(
        self,
        load: impl FnOnce(Lead) -> Result<R, Lead>,
    ) -> Result<R, Self> {
        let Self { lead, _entered } = self;
        load(lead).map_err(|lead| Self { lead, _entered })
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
