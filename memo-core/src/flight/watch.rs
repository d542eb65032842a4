//! Who looks whether a flight's leaders are stalled, while tasks wait for it.
//!
//! Tasks sleep until something happens, and a leader that is not polled is nothing that happens. So
//! where one was woken, and where a task begins to wait for one that was, the timer looks once the
//! bound of a stall has run out. If they are stalled it wakes who waits, and one relieves them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::{wake, Flight, State};
use crate::clock::timer;
use crate::clock::{Instant, Tick};

/// Looks at the flight when it is woken.
struct Watch(Weak<Flight>);

impl Flight {
    /// The leader was woken: has it looked at whether it is polled, if tasks wait for that.
    pub(super) fn watch_awaited(self: &Arc<Self>) {
        let awaited = match self.relieved.get() {
            Some(relieved) => relieved.upgrade(),
            None => Some(Arc::clone(self)),
        };
        let Some(awaited) = awaited else { return };
        let moment = awaited.state.lock().begin_watch(&awaited);
        if let Some(moment) = moment {
            awaited.look_at(moment);
        }
    }

    /// Has the timer look at it.
    pub(super) fn look_at(self: &Arc<Self>, moment: Tick) {
        let rest = moment.nanos().saturating_sub(Tick::now().nanos());
        // The coarse clock is up to a tick behind.
        let rest = Duration::from_nanos(rest) + Duration::from_millis(5);
        let waker = Waker::from(Arc::new(Watch(Arc::downgrade(self))));
        if !timer::wake_at(Instant::now() + rest, waker) {
            self.state.lock().is_watched = false;
        }
    }
}

impl State {
    /// When its leaders are to be looked at, if they are, and nobody does yet: somebody does now.
    pub(super) fn begin_watch(&mut self, flight: &Flight) -> Option<Tick> {
        if self.is_watched || self.waiting_tasks == 0 {
            return None;
        }
        let moment = self.stall_relief(flight)?;
        self.is_watched = true;
        Some(moment)
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        let Some(flight) = self.0.upgrade() else { return };
        let (wakers, next) = {
            let mut state = flight.state.lock();
            let now = Tick::now();
            state.is_watched = false;
            let is_due = state.stall_relief(&flight).is_some_and(|moment| moment <= now);
            if is_due {
                // All of them, as any may be one that nobody polls either. The first to come relieves.
                (std::mem::take(&mut state.wakers), None)
            } else {
                (BTreeMap::new(), state.begin_watch(&flight))
            }
        };
        wakers.into_values().for_each(wake);
        if let Some(next) = next {
            flight.look_at(next);
        }
    }
}
