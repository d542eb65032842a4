//! Waiting for a flight's end, on a thread or in a task.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::platform::sync::{Condvar, Mutex};

use super::graph::{Cycle, Edge};
use super::{wake, Flight, Phase, State};
use crate::clock::Tick;
use crate::memory::entry;
use crate::platform::sync;
use crate::platform::unwind::catch;

/// What waiting for a flight came to.
#[derive(Debug)]
pub(crate) enum Waited {
    Shared(entry::Ref),
    /// There is nothing to share, after a panic, an error, a value that no codec carries. Compute.
    Alone,
    /// The flight is this caller's to lead as well, unless another waiter is faster.
    Vacant,
    /// The flight was fenced: ask the cache again.
    Fenced,
    /// Nothing yet, and at that moment it is time to look again.
    Pending(Tick),
}

/// A wait for a flight's end.
#[derive(Debug)]
pub(crate) struct Wait {
    flight: Arc<Flight>,
    number: u64,
    /// In nanoseconds.
    bound: u64,
    is_task: bool,
    is_over: bool,
    /// Held for its drop.
    edge: Option<Edge>,
}

impl Wait {
    /// Counts a waiter.
    ///
    /// Under the cache's lock, so that the flight does not end without having counted it.
    pub(crate) fn new(flight: &Arc<Flight>) -> Self {
        // Relaxed: read under the cache's lock where it matters.
        flight.joined.store(true, Ordering::Relaxed);
        let mut state = flight.state.lock();
        state.waiting += 1;
        state.waited += 1;
        let number = state.waited;
        drop(state);
        Self {
            flight: Arc::clone(flight),
            number,
            bound: u64::MAX,
            is_task: false,
            is_over: false,
            edge: None,
        }
    }

    /// Begins to wait, for a bound of so many nanoseconds, in a task or on this thread. Outside the
    /// cache's lock.
    ///
    /// # Errors
    /// The wait would never end.
    pub(crate) fn begin(&mut self, bound: u64, is_task: bool) -> Result<(), Cycle> {
        self.bound = bound;
        self.edge = Edge::add(&self.flight, self.number)?;
        self.is_task = is_task;
        let mut state = self.flight.state.lock();
        state.waiting_tasks += usize::from(is_task);
        state.bound.begin();
        Ok(())
    }

    /// Has the bound run out.
    pub(crate) fn wait_no_more(&mut self) {
        self.bound = 0;
    }

    pub(crate) fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }

    /// The bound, in nanoseconds.
    pub(crate) fn bound(&self) -> u64 {
        self.bound
    }

    /// Looks whether the wait is over; if it is not, `context` is woken when something changes.
    pub(crate) fn look(&mut self, context: &Context<'_>) -> Waited {
        if self.flight.is_of_parent() {
            self.is_over = true;
            return Waited::Fenced;
        }
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = context.waker().clone();
        let now = Tick::now();
        let mut state = self.flight.state.lock();
        let waited = match &state.phase {
            _ if self.flight.is_fenced() => Waited::Fenced,
            Phase::Ended(Some(entry)) => Waited::Shared(entry.view().share()),
            Phase::Ended(None) => Waited::Alone,
            Phase::Abandoned => Waited::Vacant,
            Phase::Led if state.is_relief_due(&self.flight, self.bound, now) => Waited::Vacant,
            Phase::Led => {
                let before = state.wakers.insert(self.number, waker);
                let next = state.next_look(&self.flight, self.bound, self.is_task, now);
                let watched = state.begin_watch(&self.flight);
                drop(state);
                if let Some(moment) = watched {
                    self.flight.look_at(moment);
                }
                let _ = catch(|| drop(before));
                return Waited::Pending(next);
            }
        };
        let own = state.wakers.remove(&self.number);
        // It goes on where another waiter is faster.
        self.is_over = !matches!(waited, Waited::Vacant);
        let unwanted = if self.is_over { state.one_less_waits(self.is_task) } else { None };
        drop(state);
        let _ = catch(|| drop((own, waker)));
        drop(unwanted);
        waited
    }

    /// Waits on this thread.
    pub(crate) fn block(&mut self) -> Waited {
        if !sync::CAN_WAIT {
            // The leader is a task of this thread, which polls nothing before this call returns.
            self.wait_no_more();
        }
        let parker = Arc::new(Parker { is_woken: Mutex::new(false), changed: Condvar::new() });
        let waker = Waker::from(Arc::clone(&parker));
        let context = Context::from_waker(&waker);
        loop {
            match self.look(&context) {
                Waited::Pending(next) => parker.park_until(next),
                waited => return waited,
            }
        }
    }

    /// Stops waiting.
    pub(crate) fn leave(&mut self) {
        self.edge = None;
        if std::mem::replace(&mut self.is_over, true) || self.flight.is_of_parent() {
            return;
        }
        let mut state = self.flight.state.lock();
        let own = state.wakers.remove(&self.number);
        // This may be the one that was woken to take over: the next is woken in its place.
        let heir = match state.phase {
            Phase::Abandoned => state.wakers.pop_first(),
            _ => None,
        };
        let unwanted = state.one_less_waits(self.is_task);
        drop(state);
        if let Some((_, heir)) = heir {
            wake(heir);
        }
        let _ = catch(|| drop(own));
        drop(unwanted);
    }
}

impl State {
    /// The result, if it was the last who waited for it: to be dropped outside the lock.
    fn one_less_waits(&mut self, is_task: bool) -> Option<entry::Ref> {
        self.waiting -= 1;
        self.waiting_tasks -= usize::from(is_task);
        match &mut self.phase {
            Phase::Ended(result) if self.waiting == 0 => result.take(),
            _ => None,
        }
    }
}

/// Where a thread waits. Its own park token may be meant for somebody else.
struct Parker {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Sleeps until it is woken, or until that moment.
    fn park_until(&self, moment: Tick) {
        let mut is_woken = self.is_woken.lock();
        while !*is_woken {
            let rest = moment.nanos().saturating_sub(Tick::now().nanos());
            if rest == 0 {
                break;
            }
            is_woken = self.changed.wait_for(is_woken, Duration::from_nanos(rest)).0;
        }
        *is_woken = false;
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
