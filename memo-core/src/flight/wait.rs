//! Waiting for a flight's end, on a thread or in a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::graph::Edge;
use super::{current, wake, Flight, Phase, State};
use crate::entry;

/// What waiting for a flight came to.
#[derive(Debug)]
pub(crate) enum Waited {
    Shared(entry::Ref),
    /// There is nothing to share, after a panic, an error, a value that no codec carries. Compute.
    Alone,
    /// The flight is this caller's to lead now.
    TookOver,
    /// The flight was fenced: ask the cache again.
    Fenced,
}

/// A wait for a flight's end.
#[derive(Debug)]
pub(crate) struct Wait {
    flight: Arc<Flight>,
    number: u64,
    is_over: bool,
    /// Held for its drop; a wait outside any flight's body is part of no circle.
    _edge: Option<Edge>,
}

impl Wait {
    /// Nothing if waiting would never end.
    ///
    /// Under the cache's lock, so that the flight does not end without having counted this waiter.
    pub(crate) fn new(flight: &Arc<Flight>) -> Option<Self> {
        let edge = match current() {
            Some(current) => Some(Edge::add(current, flight)?),
            None => None,
        };
        let mut state = flight.state.lock();
        state.waiting += 1;
        state.waited += 1;
        let number = state.waited;
        drop(state);
        Some(Self { flight: Arc::clone(flight), number, is_over: false, _edge: edge })
    }

    pub(crate) fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }

    /// Waits on this thread; nothing once the deadline has passed.
    pub(crate) fn block_until(&mut self, deadline: Instant) -> Option<Waited> {
        let parker = Arc::new(Parker::default());
        let waker = Arc::clone(&parker).into();
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(waited) = Pin::new(&mut *self).poll(&mut context) {
                return Some(waited);
            }
            if !parker.park_until(deadline) {
                return None;
            }
        }
    }

    /// Stops waiting.
    pub(crate) fn leave(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let mut state = self.flight.state.lock();
        let own = state.wakers.remove(&self.number);
        // This may be the one that was woken to take over: the next is woken in its place.
        let heir = match state.phase {
            Phase::Abandoned => state.wakers.pop_first(),
            _ => None,
        };
        let unwanted = state.one_less_waits();
        drop(state);
        drop((own, unwanted));
        if let Some((_, heir)) = heir {
            wake(heir);
        }
    }
}

impl State {
    /// The result, if it was the last who waited for it: to be dropped outside the lock.
    fn one_less_waits(&mut self) -> Option<entry::Ref> {
        self.waiting -= 1;
        match &mut self.phase {
            Phase::Ended(result) if self.waiting == 0 => result.take(),
            _ => None,
        }
    }
}

impl Future for Wait {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Waited> {
        let this = &mut *self;
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = context.waker().clone();
        let mut state = this.flight.state.lock();
        let waited = match &state.phase {
            _ if this.flight.is_fenced() => Waited::Fenced,
            Phase::Ended(Some(entry)) => Waited::Shared(entry.view().share()),
            Phase::Ended(None) => Waited::Alone,
            Phase::Abandoned => {
                state.phase = Phase::Led;
                state.parent = current();
                Waited::TookOver
            }
            Phase::Led => {
                let before = state.wakers.insert(this.number, waker);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
        };
        let own = state.wakers.remove(&this.number);
        let unwanted = state.one_less_waits();
        drop(state);
        drop((own, unwanted));
        this.is_over = true;
        Poll::Ready(waited)
    }
}

/// Where a thread waits. Its own park token may be meant for somebody else.
#[derive(Default)]
struct Parker {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Whether it was woken before the deadline.
    fn park_until(&self, deadline: Instant) -> bool {
        let mut is_woken = self.is_woken.lock();
        while !*is_woken {
            if self.changed.wait_until(&mut is_woken, deadline).timed_out() {
                return std::mem::take(&mut *is_woken);
            }
        }
        *is_woken = false;
        true
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_woken.lock() = true;
        self.changed.notify_one();
    }
}
