//! From a miss to who computes: this call, or another that it waits for.

use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cache::{Cache, Claim, Finished, Outcome};
use crate::clock::timer::Delay;
use crate::clock::{Instant, Tick};
use crate::flight::{Entered, Flight, TookOver, Wait, Waited};
use crate::memory::entry::{Builder, Ref};
use crate::store::{Lease, Ticket};

/// What a miss came to.
pub(crate) enum Claimed {
    /// Another call had computed it, or did while this one waited.
    Found(Ref),
    /// This call computes.
    Lead(Lead),
}

/// A computation that is this call's to make. Dropped without an end, it lets the next one try.
pub struct Lead {
    cache: &'static Cache,
    /// In whose body the computation is.
    pub(crate) flight: Arc<Flight>,
    /// For whose end others wait: the same, or the one that this call leads as well.
    awaited: Arc<Flight>,
    /// When the store was asked, and had nothing.
    pub(crate) ticket: Option<Ticket>,
    /// The right to compute it for all processes.
    pub(crate) lease: Option<Lease>,
    /// It computes whatever is stored.
    pub(crate) is_forced: bool,
    /// What the store has is to be replaced, for all.
    pub(crate) is_replacing: bool,
    is_over: bool,
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("function", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Lead {
    fn new(cache: &'static Cache, flight: Arc<Flight>, awaited: Arc<Flight>) -> Self {
        Self {
            cache,
            flight,
            awaited,
            ticket: None,
            lease: None,
            is_forced: false,
            is_replacing: false,
            is_over: false,
        }
    }

    /// With a store it is a miss only once that has been asked.
    fn claimed(cache: &'static Cache, flight: Arc<Flight>, awaited: Arc<Flight>) -> Self {
        let lead = Self::new(cache, flight, awaited);
        if !cache.has_store() {
            lead.missed();
        }
        lead
    }

    /// Computes now, whatever is stored or under way.
    pub(crate) fn forced(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        cache.claim_forced(&flight);
        flight.start();
        let mut lead = Self::new(cache, Arc::clone(&flight), flight);
        lead.is_forced = true;
        lead
    }

    /// The same, in a task.
    pub(crate) fn forced_in_task(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        flight.set_task();
        Self::forced(cache, flight)
    }

    /// The body is to be run.
    pub(crate) fn missed(&self) {
        self.cache.count_miss();
        self.flight.start();
    }

    /// The body is done: its time counts in the statistics, and for the bound of waits.
    pub(crate) fn computed(&self) {
        self.cache.count_compute_time(self.flight.elapsed());
        if let Some(time) = self.flight.time() {
            self.cache.computed_in(time);
        }
    }

    /// The entry to be, its key written.
    pub(crate) fn take_key(&self) -> Builder {
        match self.flight.key.lock().take() {
            Some(key) => key,
            None => unreachable!("a lead ends once"),
        }
    }

    /// Whether anyone waits for the result, who would be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.is_awaited()
    }

    /// Ends it.
    pub(crate) fn finish(mut self, outcome: Outcome) -> Finished {
        self.is_over = true;
        self.cache.finish(&self.flight, &self.awaited, self.is_forced, outcome)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.is_over {
            self.flight.forget_polls();
            // Whoever panicked would again.
            if self.flight.has_panicked() || self.flight.key.lock().is_none() {
                let _ = self.cache.finish(&self.flight, &self.awaited, false, Outcome::Leave);
            } else {
                self.cache.abandon(&self.flight, &self.awaited);
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
    pub(crate) fn forced(cache: &'static Cache, call: Arc<Flight>) -> Self {
        Self::new(Lead::forced(cache, call))
    }

    /// # Errors
    /// Another call has the result.
    #[cold]
    #[inline(never)]
    pub(crate) fn claim(cache: &'static Cache, call: Arc<Flight>) -> Result<Self, Ref> {
        match block(cache, call) {
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

/// Claims on this thread, which waits if it must.
pub(crate) fn block(cache: &'static Cache, mut call: Arc<Flight>) -> Claimed {
    loop {
        let mut waiting = match ask(cache, call, false) {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(waiting, asking) => {
                call = asking;
                waiting
            }
        };
        loop {
            let waited = waiting.wait.block();
            match waiting.conclude(waited, call) {
                Next::Claimed(claimed) => return claimed,
                Next::Wait(still, waits) => (waiting, call) = (still, waits),
                Next::Ask(asks) => {
                    call = asks;
                    break;
                }
            }
        }
    }
}

/// Claims in a task, which waits if it must.
pub(crate) async fn wait(cache: &'static Cache, mut call: Arc<Flight>) -> Claimed {
    call.set_task();
    loop {
        let mut waiting = match ask(cache, call, true) {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(waiting, asking) => {
                call = asking;
                waiting
            }
        };
        let mut timer = None;
        loop {
            let waited = poll_fn(|context| waiting.poll(&mut timer, context)).await;
            match waiting.conclude(waited, call) {
                Next::Claimed(claimed) => return claimed,
                Next::Wait(still, waits) => (waiting, call) = (still, waits),
                Next::Ask(asks) => {
                    call = asks;
                    break;
                }
            }
        }
    }
}

enum Asked {
    Claimed(Claimed),
    Wait(Waiting, Arc<Flight>),
}

fn ask(cache: &'static Cache, call: Arc<Flight>, is_task: bool) -> Asked {
    let wait = match cache.claim(&call) {
        Claim::Found(entry) => return Asked::Claimed(Claimed::Found(entry)),
        Claim::Lead => {
            let awaited = Arc::clone(&call);
            return Asked::Claimed(Claimed::Lead(Lead::claimed(cache, call, awaited)));
        }
        Claim::Wait(wait) => wait,
    };
    let mut waiting = Waiting { cache, wait };
    match waiting.wait.begin(cache.bound(), is_task) {
        Ok(()) => Asked::Wait(waiting, call),
        Err(_cycle) => {
            drop(waiting);
            Asked::Claimed(unshared(cache, call))
        }
    }
}

fn unshared(cache: &'static Cache, call: Arc<Flight>) -> Claimed {
    cache.claim_unshared(&call);
    let awaited = Arc::clone(&call);
    Claimed::Lead(Lead::claimed(cache, call, awaited))
}

/// A wait that tidies up when it is left.
struct Waiting {
    cache: &'static Cache,
    wait: Wait,
}

/// What a call does after it has waited.
enum Next {
    Claimed(Claimed),
    /// It goes on waiting: another waiter was faster.
    Wait(Waiting, Arc<Flight>),
    /// It asks the cache again.
    Ask(Arc<Flight>),
}

impl Waiting {
    fn poll(&mut self, timer: &mut Option<Delay>, context: &mut Context<'_>) -> Poll<Waited> {
        loop {
            let next = match self.wait.look(context) {
                Waited::Pending(next) => next,
                waited => return Poll::Ready(waited),
            };
            let rest = Duration::from_nanos(next.nanos().saturating_sub(Tick::now().nanos()));
            // A moment that no clock reaches does not come.
            let Some(moment) = Instant::now().checked_add(rest) else { return Poll::Pending };
            let delay = timer.get_or_insert_with(|| Delay::until(moment));
            delay.reset(moment);
            if Pin::new(delay).poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() < moment {
                // There is no timer here, and so no bound that could be kept.
                self.wait.wait_no_more();
            }
        }
    }

    fn conclude(self, waited: Waited, call: Arc<Flight>) -> Next {
        let cache = self.cache;
        if !matches!(waited, Waited::Pending(_)) {
            call.has_waited_for(self.wait.flight());
        }
        match waited {
            Waited::Shared(entry) => Next::Claimed(Claimed::Found(entry)),
            Waited::Fenced => Next::Ask(call),
            Waited::Alone => {
                drop(self);
                Next::Claimed(unshared(cache, call))
            }
            Waited::Vacant => match cache.take_over(&self.wait, &call) {
                Some(how) => {
                    if how == TookOver::Relieves {
                        cache.count_unshared();
                    }
                    let awaited = Arc::clone(self.wait.flight());
                    call.has_waited_for(&awaited);
                    drop(self);
                    Next::Claimed(Claimed::Lead(Lead::claimed(cache, call, awaited)))
                }
                None => Next::Wait(self, call),
            },
            Waited::Pending(_) => Next::Wait(self, call),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let flight = Arc::clone(self.wait.flight());
        self.wait.leave();
        self.cache.leave(&flight);
    }
}
