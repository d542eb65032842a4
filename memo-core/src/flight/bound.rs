//! How long the calls of a key wait for one computation of it, and when that is long enough.
//!
//! The bound is the key's, not each waiter's: it runs from the first waiter, and anew, doubled, from
//! each relief. A leader that is stalled (see [`polls`](super::polls)) counts as a shorter bound
//! that has run out.

use super::{Flight, Leaders, Phase, State};
use crate::clock::Tick;

const MILLISECOND: u64 = 1_000_000;

/// The bound of a stalled leader. A waiter looks every [`LOOK`] whether there is one, and so finds
/// it within 50 ms.
pub(super) const STALL: u64 = 50 * MILLISECOND;
/// How often the first waiters of a task's computation look whether it is stalled.
const LOOK: u64 = 10 * MILLISECOND;
/// So many waiters look equally often; those who came later do so ever less often, so that together
/// they cost little however many there are, and one who is polled looks though others are not.
const LOOKING: u64 = 8;

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

    /// A computation that was left begins anew, and the time that it is given.
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
        let stalled = match &self.phase {
            Phase::Led(leaders) => leaders.stalled_since(flight),
            Phase::Abandoned | Phase::Ended(_) => None,
        };
        match stalled {
            Some(since) => by_bound.min(since.plus(self.bound.doubled(STALL) - LOOK)),
            None => by_bound,
        }
    }

    pub(super) fn is_relief_due(&self, flight: &Flight, bound: u64, now: Tick) -> bool {
        self.relief(flight, bound) <= now
    }

    /// When the waiter of that number is to look again, though nobody wakes it.
    pub(super) fn next_look(&self, flight: &Flight, bound: u64, number: u64, now: Tick) -> Tick {
        let relief = self.relief(flight, bound);
        let Phase::Led(leaders) = &self.phase else { return relief };
        if !leaders.are_all_polled(flight) {
            return relief;
        }
        let first = self.wakers.first_key_value().map_or(number, |(first, _)| *first);
        let rounds = 1 + number.saturating_sub(first) / LOOKING;
        relief.min(now.plus(LOOK.saturating_mul(rounds)))
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
    fn are_all_polled(&self, flight: &Flight) -> bool {
        self.each(flight).all(|leader| leader.polls.is_task())
    }
}
