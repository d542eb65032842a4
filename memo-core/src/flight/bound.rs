//! How long the calls of a key wait for one computation of it, and when that is long enough.
//!
//! The bound is the key's, not each waiter's: it runs from the first waiter, and again, doubled,
//! from each relief. Leaders that are stalled (see [`polls`](super::polls)) count as a shorter bound
//! that has run out.

use super::{Flight, Leaders, Phase, State};
use crate::clock::Tick;

const MILLISECOND: u64 = 1_000_000;

/// The bound of a stalled leader, less what it takes to notice: it is to be noticed within 50 ms.
pub(crate) const STALL: u64 = 50 * MILLISECOND;
const MARGIN: u64 = 10 * MILLISECOND;
/// How often a thread that waits for a task's computation looks whether it is stalled.
const LOOK: u64 = 10 * MILLISECOND;

/// The bound of a wait on a worker thread of rayon, in nanoseconds: what it waits for may be below
/// it on the same thread's stack.
pub(crate) const ON_RAYON: u64 = 10 * MILLISECOND;

/// Whether this thread is a worker of a pool of rayon's.
pub(crate) fn on_rayon() -> bool {
    #[cfg(feature = "rayon")]
    return rayon_core::current_thread_index().is_some();
    #[cfg(not(feature = "rayon"))]
    false
}

#[derive(Debug)]
pub(super) struct Bound {
    /// The first waiter came, or the last relief or take-over was.
    from: Option<Tick>,
    reliefs: u32,
    /// There was one of those.
    is_renewed: bool,
}

impl Bound {
    pub(super) const fn new() -> Self {
        Self { from: None, reliefs: 0, is_renewed: false }
    }

    /// Somebody waits.
    pub(super) fn begin(&mut self) {
        if self.from.is_none() {
            self.from = Some(Tick::now());
        }
    }

    /// A computation that was left begins again, and the time that it is given.
    pub(super) fn restart(&mut self, now: Tick) {
        self.from = Some(now);
        self.is_renewed = true;
    }

    /// Whether who waits has waited for more than one computation.
    pub(super) fn is_renewed(&self) -> bool {
        self.is_renewed
    }

    pub(super) fn relieve(&mut self, now: Tick) {
        self.restart(now);
        self.reliefs = self.reliefs.saturating_add(1);
    }

    fn doubled(&self, bound: u64) -> u64 {
        bound.saturating_mul(1_u64.checked_shl(self.reliefs).unwrap_or(u64::MAX))
    }
}

impl State {
    /// When a waiter with a bound of so many nanoseconds is to lead as well, as far as is known.
    fn relief(&self, flight: &Flight, bound: u64) -> Tick {
        let Some(from) = self.bound.from else { return Tick::from_nanos(u64::MAX) };
        let by_bound = from.plus(self.bound.doubled(bound));
        self.stall_relief(flight).map_or(by_bound, |by_stall| by_bound.min(by_stall))
    }

    /// When its leaders will have been stalled for as long as their bound is, if they are.
    pub(super) fn stall_relief(&self, flight: &Flight) -> Option<Tick> {
        let since = match self.phase {
            Phase::Led => self.leaders.stalled_since(flight)?,
            Phase::Abandoned | Phase::Ended(_) => return None,
        };
        Some(since.plus(self.bound.doubled(STALL) - MARGIN))
    }

    pub(super) fn is_relief_due(&self, flight: &Flight, bound: u64, now: Tick) -> bool {
        self.relief(flight, bound) <= now
    }

    /// When a waiter is to look again, though nobody wakes it.
    pub(super) fn next_look(&self, flight: &Flight, bound: u64, is_task: bool, now: Tick) -> Tick {
        let relief = self.relief(flight, bound);
        // Tasks are woken where a leader is stalled; a thread needs no other to look.
        if is_task || !self.leaders.are_all_tasks(flight) {
            return relief;
        }
        relief.min(now.plus(LOOK))
    }
}

impl Leaders {
    fn each<'a>(&'a self, flight: &'a Flight) -> impl Iterator<Item = &'a Flight> {
        let own = self.own.then_some(flight);
        own.into_iter().chain(self.others.iter().map(|other| &**other))
    }

    /// Since when all of them are stalled.
    fn stalled_since(&self, flight: &Flight) -> Option<Tick> {
        self.each(flight).try_fold(Tick::from_nanos(0), |latest, leader| {
            Some(latest.max(leader.polls.stalled_since()?))
        })
    }

    /// Whether each is a future that somebody has to poll.
    fn are_all_tasks(&self, flight: &Flight) -> bool {
        self.each(flight).all(|leader| leader.polls.is_task())
    }
}
