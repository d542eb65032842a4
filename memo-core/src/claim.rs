//! From a miss to who computes: this call, or another that it waits for.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_timer::Delay;

use crate::cache::{Cache, Claim, End};
use crate::entry::{Builder, Ref};
use crate::flight::{self, Flight, Inside, Wait, Waited};
use crate::store::{Lease, Ticket};

/// What a miss came to.
pub(crate) enum Claimed {
    /// Another call had computed it, or did while this one waited.
    Found(Ref),
    /// This call computes.
    Lead(Lead),
}

/// A computation that is this call's to make. Dropped without an end, it lets the next one try.
pub(crate) struct Lead {
    cache: &'static Cache,
    pub(crate) flight: Arc<Flight>,
    /// When the store was asked, and had nothing.
    pub(crate) ticket: Option<Ticket>,
    /// The right to compute it for all processes.
    pub(crate) lease: Option<Lease>,
    /// It computes whatever is stored.
    pub(crate) is_anew: bool,
    /// What the store has is to be replaced, for all.
    pub(crate) is_replacing: bool,
    is_over: bool,
}

impl Lead {
    /// With a store it is a miss only once that has been asked.
    fn new(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        let lead = Self {
            cache,
            flight,
            ticket: None,
            lease: None,
            is_anew: false,
            is_replacing: false,
            is_over: false,
        };
        if !cache.has_store() {
            lead.missed();
        }
        lead
    }

    /// The body is to be run.
    pub(crate) fn missed(&self) {
        self.cache.count_miss();
        self.flight.start();
    }

    /// Computes now, whatever is stored or under way.
    pub(crate) fn anew(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        cache.claim_anew(&flight);
        flight.start();
        Self {
            cache,
            flight,
            ticket: None,
            lease: None,
            is_anew: true,
            is_replacing: false,
            is_over: false,
        }
    }

    pub(crate) fn cache(&self) -> &'static Cache {
        self.cache
    }

    /// The body is done: its time counts for the bound of waits.
    pub(crate) fn computed(&self) {
        if let Some(time) = self.flight.time() {
            self.cache.computed_in(time);
        }
    }

    /// Ends with what `write` makes of the key: an entry for whoever waits, to be stored or not.
    /// What is stored under the key already goes in any case: it is older.
    ///
    /// # Errors
    /// Those of `write`; the lead has ended without an entry then.
    pub(crate) fn end_with<E>(
        mut self,
        is_stored: bool,
        write: impl FnOnce(Builder) -> Result<Ref, (Builder, E)>,
    ) -> Result<(), E> {
        let Some(key) = self.flight.key.lock().take() else { unreachable!("a lead ends once") };
        let (end, result) = match write(key) {
            Ok(entry) if is_stored => (End::Store(entry), Ok(())),
            Ok(entry) => (End::Share(entry), Ok(())),
            Err((key, error)) => (End::Forget(key), Err(error)),
        };
        self.is_over = true;
        self.cache.settle(&self.flight, end);
        result
    }

    /// Ends with a result that is not to be stored, unless someone waits for it. What is stored is
    /// older, and goes.
    pub(crate) fn forget_if_unawaited(mut self) -> Option<Self> {
        self.is_over = self.cache.forget_if_unawaited(&self.flight);
        (!self.is_over).then_some(self)
    }

    /// Ends without a result; what is stored stays.
    pub(crate) fn end(mut self) {
        self.is_over = true;
        self.cache.settle(&self.flight, End::Leave);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if std::thread::panicking() || self.flight.key.lock().is_none() {
            self.cache.settle(&self.flight, End::Leave);
        } else {
            self.cache.abandon(&self.flight);
        }
    }
}

/// A lead whose body runs on this thread, right now.
pub(crate) struct Flying {
    pub(crate) lead: Lead,
    /// Held for its drop.
    _inside: Inside,
}

impl Flying {
    fn new(lead: Lead) -> Self {
        let inside = Inside::of(&lead.flight);
        Self { lead, _inside: inside }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn anew(cache: &'static Cache, call: Arc<Flight>) -> Self {
        Self::new(Lead::anew(cache, call))
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
}

impl Flying {
    /// Asks what may end the flight before its body runs.
    ///
    /// # Errors
    /// It did not: the flight goes on.
    pub(crate) fn look_behind<R>(
        self,
        look: impl FnOnce(Lead) -> Result<R, Lead>,
    ) -> Result<R, Self> {
        let Self { lead, _inside } = self;
        look(lead).map_err(|lead| Self { lead, _inside })
    }
}

/// The body of a call in a task: a future that is pinned where the attribute's code made it.
///
/// That is the only place it takes. A future that is moved into another one, and pinned there, takes
/// two in it, and so calls of calls would double at every level. Whoever holds this ends the body
/// with it: before the lead, so that nobody else's body runs beside what is left of this one.
pub(crate) struct Body<'f, F>(Pin<&'f mut Option<F>>);

impl<'f, F: Future> Body<'f, F> {
    pub(crate) fn new(future: Pin<&'f mut Option<F>>) -> Self {
        Self(future)
    }

    /// Runs it in no flight.
    pub(crate) async fn run(mut self) -> F::Output {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.0.as_mut().as_pin_mut() {
            Some(future) => future.poll(context),
            None => unreachable!("a body is there until this is dropped"),
        }
    }
}

impl<F> Drop for Body<'_, F> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Runs a flight's body in this task: whenever it is polled, its thread is inside the flight.
pub(crate) async fn within<F: Future>(flight: &Arc<Flight>, mut body: Body<'_, F>) -> F::Output {
    poll_fn(|context| {
        let _inside = Inside::of(flight);
        body.poll(context)
    })
    .await
}

/// Claims on this thread, which waits if it must.
pub(crate) fn block(cache: &'static Cache, mut call: Arc<Flight>) -> Claimed {
    let mut deadline = None;
    loop {
        let mut waiting = match ask(cache, call) {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(waiting, asking) => {
                call = asking;
                waiting
            }
        };
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + cache.bound());
        let waited = waiting.wait.block_until(deadline);
        match after(waiting, waited, call) {
            Ok(claimed) => return claimed,
            Err(again) => call = again,
        }
    }
}

/// Claims in a task, which waits if it must.
pub(crate) async fn wait(cache: &'static Cache, mut call: Arc<Flight>) -> Claimed {
    let mut deadline = None;
    loop {
        let mut waiting = match ask(cache, call) {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(waiting, asking) => {
                call = asking;
                waiting
            }
        };
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + cache.bound());
        let timer = Delay::new(deadline.saturating_duration_since(Instant::now()));
        let waited = Bounded { wait: &mut waiting.wait, timer }.await;
        match after(waiting, waited, call) {
            Ok(claimed) => return claimed,
            Err(again) => call = again,
        }
    }
}

enum Asked {
    Claimed(Claimed),
    Wait(Waiting, Arc<Flight>),
}

fn ask(cache: &'static Cache, call: Arc<Flight>) -> Asked {
    match cache.claim(&call) {
        Claim::Found(entry) => Asked::Claimed(Claimed::Found(entry)),
        Claim::Lead => Asked::Claimed(Claimed::Lead(Lead::new(cache, call))),
        Claim::Circle => Asked::Claimed(unshared(cache, call)),
        Claim::Wait(wait) => Asked::Wait(Waiting { cache, wait }, call),
    }
}

fn unshared(cache: &'static Cache, call: Arc<Flight>) -> Claimed {
    cache.claim_unshared(&call);
    Claimed::Lead(Lead::new(cache, call))
}

/// What a wait came to; the call again, if it is to ask again.
fn after(
    waiting: Waiting,
    waited: Option<Waited>,
    call: Arc<Flight>,
) -> Result<Claimed, Arc<Flight>> {
    let cache = waiting.cache;
    match waited {
        Some(Waited::Shared(entry)) => Ok(Claimed::Found(entry)),
        Some(Waited::TookOver) => {
            let flight = Arc::clone(waiting.wait.flight());
            *flight.key.lock() = call.key.lock().take();
            Ok(Claimed::Lead(Lead::new(cache, flight)))
        }
        Some(Waited::Fenced) => Err(call),
        Some(Waited::Alone) => {
            drop(waiting);
            Ok(unshared(cache, call))
        }
        None => {
            // Nobody's computation took that long: the time was spent waiting, somewhere.
            waiting.wait.flight().delay();
            flight::current().inspect(Flight::delay);
            drop(waiting);
            Ok(unshared(cache, call))
        }
    }
}

/// A wait that tidies up when it is left.
struct Waiting {
    cache: &'static Cache,
    wait: Wait,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let flight = Arc::clone(self.wait.flight());
        self.wait.leave();
        self.cache.leave(&flight);
    }
}

/// A wait and its bound.
struct Bounded<'w> {
    wait: &'w mut Wait,
    timer: Delay,
}

impl Future for Bounded<'_> {
    type Output = Option<Waited>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Waited>> {
        if let Poll::Ready(waited) = Pin::new(&mut *self.wait).poll(context) {
            return Poll::Ready(Some(waited));
        }
        Pin::new(&mut self.timer).poll(context).map(|()| None)
    }
}
