//! A computation that is a task of its own, and the call that began it.
//!
//! Between the two is a [`Slot`], in which the call has laid down what it takes to end the computation,
//! its work. The task takes it when it is done, and tells the call what it came to. Where the task is
//! dropped, or is woken and not polled, the call takes the work back; if it has gone meanwhile, the work
//! is dropped.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::carried::Carried;
use super::spawner::BoxFuture;
use crate::clock::timer::Delay;
use crate::clock::{Instant, Tick};
use crate::flight::{wake, Entered, Flight, STALL};
use crate::platform::sync::Mutex;
use crate::platform::unwind::{discard, discard_waker};

/// A task in a flight, and what waits for it in the call. What the task does is made with the slot.
pub(crate) fn new<R, W>(
    work: W,
    flight: &Arc<Flight>,
    computation: impl FnOnce(Arc<Slot<R, W>>) -> BoxFuture,
) -> (BoxFuture, Starter<R, W>)
where
    R: Send + 'static,
    W: Send + 'static,
{
    let slot = Slot::new(work);
    let starter = Starter::new(&slot, flight);
    let computation = Carried::new(computation(Arc::clone(&slot)));
    // Who keeps it and never polls it is noticed as well.
    flight.expect_poll();
    (Box::pin(Task { computation, slot, flight: Arc::clone(flight) }), starter)
}

/// What a task and the call that began it have between them.
pub(crate) struct Slot<R, W>(Mutex<State<R, W>>);

struct State<R, W> {
    /// Nothing, once it is done or somebody has taken it.
    work: Option<W>,
    end: Option<End<R>>,
    /// The call's, while it waits.
    waker: Option<Waker>,
    /// The task is polled right now.
    is_polled: bool,
    /// The call has not gone.
    is_awaited: bool,
}

/// What became of a task.
pub(crate) enum End<R> {
    /// The result, and what writes it to the store.
    Done(R, Option<Written>),
    Panicked(Box<dyn Any + Send>),
    /// It was dropped, and the work is where it was.
    Left,
}

pub(crate) type Written = Pin<Box<dyn Future<Output = Option<()>> + Send>>;

/// What the call that began a task has in the end.
pub(crate) enum Ended<R, W> {
    Done(R, Option<Written>),
    Panicked(Box<dyn Any + Send>),
    /// It is to compute itself.
    Back(W),
}

impl<R, W> Slot<R, W> {
    fn new(work: W) -> Arc<Self> {
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

    pub(crate) fn take(&self) -> Option<W> {
        self.0.lock().work.take()
    }

    pub(crate) fn put(&self, work: W) {
        self.0.lock().work = Some(work);
    }

    /// Tells the call; what nobody waits for comes back, to be dropped outside the lock.
    pub(crate) fn tell(&self, end: End<R>) -> Option<End<R>> {
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
struct Task<R, W> {
    computation: Carried,
    slot: Arc<Slot<R, W>>,
    flight: Arc<Flight>,
}

impl<R, W> Task<R, W> {
    /// Ends what the body has left, as a part of it: what is dropped may call the function.
    fn end(&mut self) {
        let _entered = Entered::new(&self.flight);
        self.computation.end();
    }
}

impl<R, W> Future for Task<R, W> {
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

impl<R, W> Drop for Task<R, W> {
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
pub(crate) struct Starter<R, W> {
    slot: Arc<Slot<R, W>>,
    flight: Arc<Flight>,
    /// When it looks next whether the task is polled.
    deadline: Instant,
    timer: Delay,
    interval: Duration,
}

/// The longest that a call does not look whether its task is polled.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

impl<R, W> Starter<R, W> {
    fn new(slot: &Arc<Slot<R, W>>, flight: &Arc<Flight>) -> Self {
        let interval = Duration::from_nanos(STALL);
        let deadline = Instant::now() + interval;
        let (slot, flight) = (Arc::clone(slot), Arc::clone(flight));
        Self { slot, flight, deadline, timer: Delay::until(deadline), interval }
    }

    /// What there is by now; if there is nothing, the waker is woken then.
    fn look(&self, is_stalled: bool, waker: Waker) -> Option<Ended<R, W>> {
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

impl<R, W> Future for Starter<R, W> {
    type Output = Ended<R, W>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<R, W>> {
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

impl<R, W> Drop for Starter<R, W> {
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
