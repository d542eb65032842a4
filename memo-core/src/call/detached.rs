//! A computation that is a task of its own: it goes on though its caller gives up.
//!
//! The call that misses has the lead of its flight, as any does. It lays that down in a [`Slot`], from
//! where who computes takes it: the task when its body is done. The call waits for what comes back
//! through the slot, which is its own result and not what others are told of it. Where the task is
//! dropped, or is woken and not polled, the call takes the lead back and computes itself, with
//! arguments that it has kept; if it has gone meanwhile, the lead is dropped, and a waiter inherits.

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::isolated::Carried;
use super::{AsyncMiss, Memo, Payload};
use crate::background::pool::begin_blocking;
use crate::background::spawner::{self, Spawner};
use crate::cache::lead::{Body, Lead};
use crate::clock::timer::Delay;
use crate::clock::{Instant, Tick};
use crate::flight::{wake, Entered, Flight, STALL};
use crate::function::error::Kind;
use crate::platform::sync::Mutex;
use crate::platform::unwind::{discard, discard_waker};

/// A type of results that a task can hand over.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot come from a detached computation: it is not `Send + 'static`",
    label = "not `Send + 'static`, so a task cannot hand it over",
    note = "leave `detached` out: the computation then is part of its caller's task"
)]
pub trait Detached: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<R: Send + 'static> Detached for R {}

/// What is to be computed, in the hands of who does.
struct Work<P> {
    lead: Lead,
    payload: P,
}

/// What a task and the call that began it have between them.
struct Slot<R, P>(Mutex<State<R, P>>);

struct State<R, P> {
    /// Nothing, once it is done or somebody has taken it.
    work: Option<Work<P>>,
    end: Option<End<R>>,
    /// The call's, while it waits.
    waker: Option<Waker>,
    /// The task is polled right now.
    is_polled: bool,
    /// The call has not gone.
    is_awaited: bool,
}

/// What became of a task.
enum End<R> {
    /// The result, and what writes it to the store.
    Done(R, Option<Written>),
    Panicked(Box<dyn Any + Send>),
    /// It was dropped, and the work is where it was.
    Left,
}

type Written = Pin<Box<dyn Future<Output = Option<()>> + Send>>;

/// What the call that began a task has in the end.
enum Ended<R, P> {
    Done(R, Option<Written>),
    Panicked(Box<dyn Any + Send>),
    /// It is to compute itself.
    Back(Work<P>),
}

impl<R, P> Slot<R, P> {
    fn new(work: Work<P>) -> Arc<Self> {
        let (end, waker) = (None, None);
        let state = State { work: Some(work), end, waker, is_polled: false, is_awaited: true };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Whether the task is to go on; then it is polled until [`end_poll`](Self::end_poll).
    fn begin_poll(&self) -> bool {
        let mut state = self.0.lock();
        state.is_polled = state.work.is_some();
        state.is_polled
    }

    fn end_poll(&self) {
        self.0.lock().is_polled = false;
    }

    fn take(&self) -> Option<Work<P>> {
        self.0.lock().work.take()
    }

    fn put(&self, work: Work<P>) {
        self.0.lock().work = Some(work);
    }

    /// Tells the call; what nobody waits for comes back, to be dropped outside the lock.
    fn tell(&self, end: End<R>) -> Option<End<R>> {
        let waker = {
            let mut state = self.0.lock();
            if !state.is_awaited {
                return Some(end);
            }
            state.end = Some(end);
            state.waker.take()
        };
        if let Some(waker) = waker {
            wake(waker);
        }
        None
    }
}

/// The task.
struct Task<R, P> {
    computation: Carried,
    slot: Arc<Slot<R, P>>,
    flight: Arc<Flight>,
}

impl<R, P> Task<R, P> {
    /// Ends what the body has left, as a part of it: what is dropped may call the function.
    fn end(&mut self) {
        let _entered = Entered::new(&self.flight);
        self.computation.end();
    }
}

impl<R, P> Future for Task<R, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.slot.begin_poll() {
            // The call computes itself by now.
            this.end();
            return Poll::Ready(());
        }
        let polled = this.computation.poll_caught(context);
        this.slot.end_poll();
        if let Err(panic) = std::task::ready!(polled) {
            // The lead first: waiters do not wait for the call.
            drop(this.slot.take());
            if let Some(End::Panicked(panic)) = this.slot.tell(End::Panicked(panic)) {
                discard(panic);
            }
        }
        Poll::Ready(())
    }
}

impl<R, P> Drop for Task<R, P> {
    fn drop(&mut self) {
        self.end();
        let deserted = {
            let mut state = self.slot.0.lock();
            match (&state.work, state.is_awaited) {
                (None, _) => return,
                (Some(_), true) => None,
                (Some(_), false) => state.work.take(),
            }
        };
        if deserted.is_none() {
            // Whoever polls the call is to notice.
            self.flight.forget_polls();
            self.flight.expect_poll();
            let untold = self.slot.tell(End::Left);
            let deserted = untold.and_then(|_| self.slot.take());
            drop(deserted);
        }
    }
}

/// The call, until its task has ended.
struct Starter<R, P> {
    slot: Arc<Slot<R, P>>,
    flight: Arc<Flight>,
    /// When it looks next whether the task is polled.
    deadline: Instant,
    timer: Delay,
    interval: Duration,
}

/// The longest that a call does not look whether its task is polled.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

impl<R, P> Starter<R, P> {
    fn new(slot: &Arc<Slot<R, P>>, flight: &Arc<Flight>) -> Self {
        let interval = Duration::from_nanos(STALL);
        let deadline = Instant::now() + interval;
        let (slot, flight) = (Arc::clone(slot), Arc::clone(flight));
        Self { slot, flight, deadline, timer: Delay::until(deadline), interval }
    }

    /// What there is by now; if there is nothing, the waker is woken then.
    fn look(&self, is_stalled: bool, waker: Waker) -> Option<Ended<R, P>> {
        let mut state = self.slot.0.lock();
        let ended = match state.end.take() {
            Some(End::Done(result, written)) => Some(Ended::Done(result, written)),
            Some(End::Panicked(panic)) => Some(Ended::Panicked(panic)),
            Some(End::Left) => state.work.take().map(Ended::Back),
            None if is_stalled && !state.is_polled => state.work.take().map(Ended::Back),
            None => None,
        };
        let before = if ended.is_none() { state.waker.replace(waker) } else { Some(waker) };
        drop(state);
        discard_waker(before);
        ended
    }

    /// For how long the task will not have been polled before that is a stall; nothing if it is polled.
    fn until_stall(&self) -> Option<Duration> {
        let due = self.flight.stalled_since()?.plus(STALL);
        Some(Duration::from_nanos(due.nanos().saturating_sub(Tick::now().nanos())))
    }
}

impl<R, P> Future for Starter<R, P> {
    type Output = Ended<R, P>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<R, P>> {
        loop {
            let until_stall = self.until_stall();
            let is_stalled = until_stall.is_some_and(|rest| rest.is_zero());
            if let Some(ended) = self.look(is_stalled, context.waker().clone()) {
                return Poll::Ready(ended);
            }
            let now = Instant::now();
            if now >= self.deadline {
                self.interval = (2 * self.interval).min(MAX_INTERVAL);
                self.deadline = now + until_stall.unwrap_or(self.interval).max(TICK);
                let deadline = self.deadline;
                self.timer.reset(deadline);
            }
            if Pin::new(&mut self.timer).poll(context).is_pending()
                // There is no timer here, and nobody to notice.
                || Instant::now() < self.deadline
            {
                return Poll::Pending;
            }
        }
    }
}

/// The coarse clock is up to so far behind.
const TICK: Duration = Duration::from_millis(5);

impl<R, P> Drop for Starter<R, P> {
    fn drop(&mut self) {
        let unwanted = {
            let mut state = self.slot.0.lock();
            state.is_awaited = false;
            let end = state.end.take();
            // The task has gone before: a waiter inherits.
            let work = if let Some(End::Left) = end { state.work.take() } else { None };
            (end, work, state.waker.take())
        };
        let (end, work, waker) = unwanted;
        drop(work);
        discard_waker(waker);
        if let Some(End::Panicked(panic)) = end {
            discard(panic);
        }
    }
}

impl Memo {
    /// What the task does.
    async fn compute<R, P: Payload<R>, F: Future<Output = R>>(
        &'static self,
        slot: Arc<Slot<R, P>>,
        flight: Arc<Flight>,
        is_forced: bool,
        body: Pin<Box<F>>,
    ) {
        let body = pin!(Some(body));
        if P::HAS_STORE && self.cache.has_store() {
            let (lookup, lease) = self.look_async(Arc::clone(&flight), is_forced).await;
            let Some(Work { mut lead, payload }) = slot.take() else { return };
            if lease.is_some() {
                lead.for_store().lease = lease;
            }
            match self.received::<R, P>(lead, lookup) {
                Ok(result) => return drop(slot.tell(End::Done(result, None))),
                Err(lead) => slot.put(Work { lead, payload }),
            }
        } else {
            // It may have waited for its turn.
            flight.start();
        }
        let mut result = Body::new(body).run_in(&flight).await;
        let Some(Work { mut lead, payload }) = slot.take() else { return };
        lead.computed();
        let write = payload.finish(self, lead, &mut result);
        // Begun here, and awaited by the call: the write needs no task.
        let written = write.map(|write| -> Written {
            Box::pin(begin_blocking(move || self.cache.write_to_store(write)))
        });
        drop(slot.tell(End::Done(result, written)));
    }
}

impl<R, P: Payload<R>> AsyncMiss<R, P> {
    /// The result, computed in a task of its own if it must be, and if there is what runs tasks.
    ///
    /// `body` makes the body from arguments of its own; more than once, where the task came to nothing.
    pub async fn run_detached<F>(self, body: impl Fn() -> F) -> R
    where
        R: Detached,
        P: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        let Self { memo, payload, call, .. } = self;
        let lead = match memo.take_found::<R, P>(memo.lead(call).await) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        let Some(lead) = lead else {
            let result = Box::pin(body()).await;
            payload.uncached(&result);
            return result;
        };
        let work = Work { lead, payload };
        let ended = match spawner::find() {
            Some(spawner) => begin(memo, work, spawner, &body).await,
            None => {
                let why = spawner::without("whoever gives up the call gives up the computation");
                memo.cache.report(Kind::Task, why);
                Ended::Back(work)
            }
        };
        match ended {
            Ended::Done(result, written) => {
                if let Some(written) = written {
                    written.await;
                }
                result
            }
            Ended::Panicked(panic) => resume_unwind(panic),
            Ended::Back(Work { lead, payload }) => {
                let mut body = Box::pin(Some(make(lead.flight(), &body)));
                // In a box, so that the future of the call has no place for it.
                Box::pin(memo.run_lead(&payload, lead, body.as_mut())).await
            }
        }
    }
}

/// A body, whose arguments are cloned as a part of it.
fn make<F>(flight: &Arc<Flight>, body: &impl Fn() -> F) -> F {
    let _entered = Entered::new(flight);
    body()
}

/// Begins a task, and returns what waits for it.
fn begin<R, P, F>(
    memo: &'static Memo,
    work: Work<P>,
    spawner: Spawner,
    body: &impl Fn() -> F,
) -> Starter<R, P>
where
    R: Send + 'static,
    P: Payload<R> + Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let (flight, is_forced) = (Arc::clone(work.lead.flight()), work.lead.is_forced());
    let body = Box::pin(make(&flight, body));
    let slot = Slot::new(work);
    let starter = Starter::new(&slot, &flight);
    let computation = memo.compute(Arc::clone(&slot), Arc::clone(&flight), is_forced, body);
    let computation = Carried::new(Box::pin(computation));
    flight.expect_poll();
    spawner.spawn(Box::pin(Task { computation, slot, flight }));
    starter
}
