//! From a miss to who computes: this call, or another that it waits for.

use std::future::{poll_fn, Future};
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_timer::Delay;

use crate::cache::{Cache, Claim};
use crate::entry::{Builder, Ref};
use crate::flight::{Flight, Inside, Outcome, Wait, Waited};

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
}

impl Lead {
    fn new(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        cache.count_miss();
        Self { cache, flight }
    }

    /// Computes now, whatever is stored or under way.
    pub(crate) fn anew(cache: &'static Cache, flight: Arc<Flight>) -> Self {
        cache.claim_anew(&flight);
        Self { cache, flight }
    }

    /// The body is done: its time counts for the bound of waits.
    pub(crate) fn computed(&self) {
        self.cache.computed_in(self.flight.started.elapsed());
    }

    /// Ends without a result to share, if nobody waits for one.
    pub(crate) fn end_if_unawaited(self) -> Option<Self> {
        if !self.cache.depart_if_unawaited(&self.flight) {
            return Some(self);
        }
        self.flight.key.lock().take();
        self.flight.end(Outcome::Alone);
        None
    }

    /// Ends with what `write` makes of the key: an entry for whoever waits, to be stored or not.
    ///
    /// # Errors
    /// Those of `write`; the lead has ended without an entry then.
    pub(crate) fn end_with<E>(
        self,
        is_stored: bool,
        write: impl FnOnce(Builder) -> Result<Ref, E>,
    ) -> Result<(), E> {
        let Some(key) = self.flight.key.lock().take() else { unreachable!("a lead ends once") };
        let (entry, result) = match write(key) {
            Ok(entry) => (Some(entry), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.cache.settle(&self.flight, entry, is_stored);
        result
    }

    /// Ends without a result to share.
    pub(crate) fn end(self) {
        self.flight.key.lock().take();
        self.cache.settle(&self.flight, None, false);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // Who ended took the key.
        if self.flight.key.lock().take().is_none() {
            return;
        }
        if std::thread::panicking() {
            self.cache.settle(&self.flight, None, false);
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

/// Runs a flight's body in this task: whenever it is polled, its thread is inside the flight.
pub(crate) async fn within<F: Future>(flight: &Arc<Flight>, body: F) -> F::Output {
    let mut body = pin!(body);
    poll_fn(|context| {
        let _inside = Inside::of(flight);
        body.as_mut().poll(context)
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
        Claim::Found(entry) => {
            cache.count_hit();
            Asked::Claimed(Claimed::Found(entry))
        }
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
        Some(Waited::Shared(entry)) => {
            cache.count_hit();
            Ok(Claimed::Found(entry))
        }
        Some(Waited::TookOver) => {
            let flight = Arc::clone(waiting.wait.flight());
            *flight.key.lock() = call.key.lock().take();
            Ok(Claimed::Lead(Lead::new(cache, flight)))
        }
        Some(Waited::Fenced) => Err(call),
        Some(Waited::Alone) | None => {
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
