//! Who computes what a flight's waiters wait for, and how they leave it.

use std::sync::{Arc, Weak};
use std::task::Waker;

use super::{wake, Flight, Phase};
use crate::clock::Tick;
use crate::memory::entry;

/// The calls that compute for a flight.
#[derive(Debug)]
pub(super) struct Leaders {
    /// The call that made the flight does. It may go on when another has ended the flight.
    pub(super) own: bool,
    /// Those who relieve it or took over; none once the flight has ended.
    pub(super) others: Vec<Arc<Flight>>,
}

impl Leaders {
    pub(super) const fn new() -> Self {
        Self { own: true, others: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        !self.own && self.others.is_empty()
    }

    fn remove(&mut self, flight: &Flight, leader: &Flight) {
        if std::ptr::eq(flight, leader) {
            self.own = false;
        } else {
            self.others.retain(|other| !std::ptr::eq(&**other, leader));
        }
    }
}

/// What is left to do when a leader has left its flight, outside all locks.
#[must_use]
#[derive(Debug)]
pub(crate) struct Left {
    wakers: Vec<Waker>,
    /// Its end may be the user's code: after all have been woken.
    pub(crate) unwanted: Option<entry::Ref>,
    /// Those who lead it still, and were not the first to finish.
    overtaken: Vec<Arc<Flight>>,
    pub(crate) is_over: bool,
    /// It has to be found by who fences: it computes still, or has a result that was not taken.
    pub(crate) is_to_be_fenced: bool,
}

impl Left {
    /// Wakes who waits, and notes that those who were overtaken did not only work.
    pub(crate) fn wake(&mut self) {
        std::mem::take(&mut self.wakers).into_iter().for_each(wake);
        self.overtaken.iter().for_each(|flight| flight.delay());
    }
}

/// How a waiter came to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TookOver {
    /// Nobody led any more.
    Inherits,
    /// Somebody does, and takes too long.
    Relieves,
}

/// What became of a flight that a leader left without an end.
#[derive(Debug)]
pub(crate) enum Abandoned {
    /// Others lead it, or have ended it.
    GoesOn,
    /// Nobody waits for it.
    Deserted,
    /// A waiter takes over, of these and of those that do not sleep.
    Inherited(Vec<Waker>),
}

impl Flight {
    /// One of its leaders leaves: the first with a result, or the last, ends it. An error is told to
    /// those who wait by the last alone, as another may do better.
    ///
    /// Under the cache's lock, so that nobody who waits is missed by a fence.
    pub(crate) fn finish(
        self: &Arc<Self>,
        leader: &Self,
        result: Option<entry::Ref>,
        is_error: bool,
    ) -> Left {
        let mut left = Left {
            wakers: Vec::new(),
            unwanted: result,
            overtaken: Vec::new(),
            is_over: true,
            is_to_be_fenced: false,
        };
        // Nobody waits, and nobody leads it but its own call; nor will anybody, as it departs before
        // the lock is free.
        if !self.is_joined() || self.is_of_parent() {
            return left;
        }
        let mut state = self.state.lock();
        state.leaders.remove(self, leader);
        if matches!(state.phase, Phase::Led) {
            if (left.unwanted.is_none() || is_error) && !state.leaders.is_empty() {
                left.is_over = false;
                return left;
            }
            left.overtaken = std::mem::take(&mut state.leaders.others);
            left.overtaken.extend(state.leaders.own.then(|| Arc::clone(self)));
            let kept = if state.waiting > 0 { left.unwanted.take() } else { None };
            state.phase = Phase::Ended(kept);
            left.wakers.extend(std::mem::take(&mut state.wakers).into_values());
        }
        let has_result = matches!(state.phase, Phase::Ended(Some(_)));
        left.is_to_be_fenced = state.leaders.own || has_result;
        left
    }

    /// One of its leaders leaves without an end, its future dropped: if it was the last, a waiter
    /// takes over: the first to come, as any may be one that nobody polls.
    ///
    /// Under the cache's lock, so that nobody comes between the question and the answer.
    pub(crate) fn abandon(&self, leader: &Self) -> Abandoned {
        if self.is_of_parent() {
            return Abandoned::GoesOn;
        }
        let mut state = self.state.lock();
        state.leaders.remove(self, leader);
        if matches!(state.phase, Phase::Led) && state.leaders.is_empty() {
            state.phase = Phase::Abandoned;
        }
        match state.phase {
            Phase::Led => Abandoned::GoesOn,
            _ if state.waiting == 0 && !state.leaders.own => Abandoned::Deserted,
            Phase::Abandoned => {
                Abandoned::Inherited(std::mem::take(&mut state.wakers).into_values().collect())
            }
            Phase::Ended(_) => Abandoned::GoesOn,
        }
    }

    /// Whether it took over a flight that nobody else leads.
    pub(crate) fn leads_alone_for_others(&self) -> bool {
        let Some(awaited) = self.relieved.get().and_then(Weak::upgrade) else { return false };
        if awaited.is_of_parent() {
            return false;
        }
        let Leaders { own, others } = &awaited.state.lock().leaders;
        !own && others.iter().all(|other| std::ptr::eq(&**other, self))
    }

    /// Makes a waiter's flight a leader of this one, if it was abandoned or its leaders took longer
    /// than the waiter's bound.
    ///
    /// Under the cache's lock, so that no fence misses the leader.
    pub(crate) fn take_over(self: &Arc<Self>, by: &Arc<Self>, bound: u64) -> Option<TookOver> {
        let now = Tick::now();
        let mut state = self.state.lock();
        let how = match state.phase {
            Phase::Led if state.is_relief_due(self, bound, now) => {
                state.bound.relieve(now);
                TookOver::Relieves
            }
            Phase::Abandoned => {
                state.phase = Phase::Led;
                state.bound.restart(now);
                TookOver::Inherits
            }
            Phase::Led | Phase::Ended(_) => return None,
        };
        state.leaders.others.push(Arc::clone(by));
        by.relieved.get_or_init(|| Arc::downgrade(self));
        Some(how)
    }
}
