//! A computation under way: who leads it, who waits for it, and what would be a cycle.
//!
//! Each call that misses has a [`Flight`]. The first of its key is in its cache's table from the
//! claim to the end, so that calls with that key find it, and [wait](Wait) for it with a waker, a
//! thread's or a task's alike. It can have more than one leader: where a wait's [bound](bound) has
//! run out, or its leader's future was dropped, a waiter leads it as well, and the first to finish
//! answers all. Cycles are seen, not timed: each flight knows in which other flight's body its call
//! was made, and a wait from inside a body is an edge of the waits-for [graph](graph). A call that
//! would close a cycle computes for itself instead.

mod bound;
mod current;
mod graph;
mod polls;
mod table;
mod wait;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::clock::Tick;
use crate::entry::{self, Builder};
use crate::key::DIGEST;
use bound::Bound;
use polls::Polls;

pub(crate) use crate::unwind::wake;
pub(crate) use bound::{on_rayon, ON_RAYON};
pub(crate) use current::{current, Entered};
pub(crate) use table::{Fenced, Flights, Joined};
pub(crate) use wait::{Wait, Waited};

/// What a call is known by.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) digest: [u8; DIGEST],
    /// The entry to be, its key written.
    pub(crate) entry: Builder,
    /// It means nothing to other processes.
    pub(crate) is_local: bool,
}

#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) digest: [u8; DIGEST],
    pub(crate) is_local: bool,
    /// The entry to be, until its leader takes it.
    pub(crate) key: Mutex<Option<Builder>>,
    /// The flight in whose body the call was made.
    parent: Option<Arc<Flight>>,
    /// The flight that this one leads as well, where it relieves another's leader.
    relieved: OnceCell<Weak<Flight>>,
    /// When the leader began, as a [`Tick`].
    started: AtomicU64,
    /// The place among the flights of its cache in the order in which they were claimed.
    order: AtomicU64,
    /// Set under the cache's lock by `clear`, `remove` and the like: what this flight computes was
    /// asked for before, and must neither be stored nor shared.
    fenced: AtomicBool,
    /// Time was spent on what is not the body's work: its time says nothing of how long the
    /// function takes.
    delayed: AtomicBool,
    /// How many waits there are inside its body, and those inside that; changed under the graph's
    /// lock.
    inner_waits: AtomicUsize,
    polls: Polls,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The wakers of those who wait, in the order in which they came; one that was woken to take
    /// over is not among them.
    wakers: BTreeMap<u64, Waker>,
    waiting: usize,
    /// How many ever waited.
    waited: u64,
    /// Another has ended it, and the call that made it computes still: what comes of that can be made
    /// void as before.
    is_overtaken: bool,
    bound: Bound,
}

#[derive(Debug)]
enum Phase {
    Led(Leaders),
    /// The last leader left without an end; the first waiter to notice takes over.
    Abandoned,
    /// Ended, with a result while there are waiters for it. So a flight that nobody is interested
    /// in holds nothing of the user's, and can be dropped under any lock.
    Ended(Option<entry::Ref>),
}

/// Who computes what a flight's waiters wait for; never nobody.
#[derive(Debug)]
struct Leaders {
    /// The call that made the flight is one of them.
    own: bool,
    others: Vec<Arc<Flight>>,
}

/// What is left to do when a leader has left its flight, outside all locks.
#[must_use]
#[derive(Debug)]
pub(crate) struct Left {
    wakers: BTreeMap<u64, Waker>,
    unwanted: Option<entry::Ref>,
    /// Those who lead it still, and were not the first to finish.
    overtaken: Vec<Arc<Flight>>,
}

impl Left {
    /// Wakes who waits, and notes that those who were overtaken did not only work.
    pub(crate) fn conclude(self) {
        self.wakers.into_values().for_each(wake);
        self.overtaken.iter().for_each(|flight| flight.delay());
        drop(self.unwanted);
    }
}

impl Flight {
    /// A flight to be led by the caller.
    pub(crate) fn new(key: Key) -> Arc<Self> {
        let state = State {
            phase: Phase::Led(Leaders { own: true, others: Vec::new() }),
            wakers: BTreeMap::new(),
            waiting: 0,
            waited: 0,
            is_overtaken: false,
            bound: Bound::new(),
        };
        Arc::new(Self {
            digest: key.digest,
            is_local: key.is_local,
            key: Mutex::new(Some(key.entry)),
            parent: current(),
            relieved: OnceCell::new(),
            started: AtomicU64::new(0),
            order: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
            delayed: AtomicBool::new(false),
            inner_waits: AtomicUsize::new(0),
            polls: Polls::new(),
            state: Mutex::new(state),
        })
    }

    /// The leader begins. Relaxed, here and below: only its leader reads it.
    pub(crate) fn start(&self) {
        self.started.store(Tick::now().nanos(), Ordering::Relaxed);
    }

    /// How long the body took, unless that says nothing about it.
    pub(crate) fn time(&self) -> Option<Duration> {
        let started = Tick::from_nanos(self.started.load(Ordering::Relaxed));
        (!self.delayed.load(Ordering::Relaxed)).then(|| started.elapsed())
    }

    /// Time was spent in this flight's body, and so in those around it, on what is not its work.
    pub(crate) fn delay(&self) {
        self.outwards().for_each(|flight| flight.delayed.store(true, Ordering::Relaxed));
    }

    /// Its call has waited for a flight: if for more than one computation of it, that says nothing
    /// of the bodies around the call.
    pub(crate) fn has_waited_for(&self, flight: &Flight) {
        if let Some(around) = &self.parent {
            if flight.state.lock().bound.is_renewed() {
                around.delay();
            }
        }
    }

    /// Under the cache's lock.
    pub(crate) fn fence(&self) {
        // Release pairs with the Acquire of a waiter, which holds no lock of the cache.
        self.fenced.store(true, Ordering::Release);
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Whether anyone would want the result. Under the cache's lock, so that nobody is between
    /// finding the flight and being counted.
    pub(crate) fn is_awaited(&self) -> bool {
        self.state.lock().waiting > 0
    }

    /// One of its leaders leaves: the first with a result, or the last, ends it.
    ///
    /// Under the cache's lock, so that nobody who waits is missed by a fence.
    pub(crate) fn finish(self: &Arc<Self>, leader: &Flight, result: Option<entry::Ref>) -> Left {
        let mut state = self.state.lock();
        let mut left = Left { wakers: BTreeMap::new(), unwanted: result, overtaken: Vec::new() };
        let Phase::Led(leaders) = &mut state.phase else {
            // Another has ended it.
            state.is_overtaken &= !std::ptr::eq(&**self, leader);
            return left;
        };
        leaders.remove(self, leader);
        if left.unwanted.is_none() && !leaders.is_empty() {
            return left;
        }
        let is_overtaken = leaders.own;
        left.overtaken = std::mem::take(&mut leaders.others);
        left.overtaken.extend(is_overtaken.then(|| Arc::clone(self)));
        state.is_overtaken = is_overtaken;
        let kept = if state.waiting > 0 { left.unwanted.take() } else { None };
        state.phase = Phase::Ended(kept);
        left.wakers = std::mem::take(&mut state.wakers);
        left
    }

    /// One of its leaders leaves without an end, its future dropped: if it was the last, a waiter
    /// takes over. The waker of one, if any waits.
    ///
    /// Under the cache's lock, so that nobody comes between the question and the answer.
    pub(crate) fn abandon(&self, leader: &Flight) -> Abandoned {
        let mut state = self.state.lock();
        let Phase::Led(leaders) = &mut state.phase else {
            // Another has ended it.
            state.is_overtaken &= !std::ptr::eq(self, leader);
            return if state.is_deserted() { Abandoned::Deserted } else { Abandoned::GoesOn };
        };
        leaders.remove(self, leader);
        if !leaders.is_empty() {
            return Abandoned::GoesOn;
        }
        state.phase = Phase::Abandoned;
        if state.waiting == 0 {
            return Abandoned::Deserted;
        }
        // Without a waker, some waiter is on its way to look, and will find it abandoned.
        Abandoned::Inherited(state.wakers.pop_first().map(|(_, waker)| waker))
    }

    /// Has those who wait look again, after a fence.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        wakers.into_values().for_each(wake);
    }

    /// Makes a waiter's flight a leader of this one, if it was abandoned or its leaders took longer
    /// than the waiter's bound.
    ///
    /// Under the cache's lock, so that no fence misses the leader.
    pub(crate) fn take_over(self: &Arc<Self>, by: &Arc<Self>, bound: u64) -> Option<TookOver> {
        let now = Tick::now();
        let mut state = self.state.lock();
        let is_due = state.is_relief_due(self, bound, now);
        let how = match &mut state.phase {
            Phase::Led(leaders) if is_due => {
                leaders.others.push(Arc::clone(by));
                state.bound.relieve(now);
                TookOver::Relieves
            }
            Phase::Abandoned => {
                state.phase = Phase::Led(Leaders { own: false, others: vec![Arc::clone(by)] });
                state.bound.restart(now);
                TookOver::Inherits
            }
            Phase::Led(_) | Phase::Ended(_) => return None,
        };
        // A call that has asked again may have led another flight before, which is over.
        by.relieved.get_or_init(|| Arc::downgrade(self));
        Some(how)
    }

    /// Whether nobody computes in it any more nor waits.
    pub(crate) fn is_deserted(&self) -> bool {
        self.state.lock().is_deserted()
    }

    /// Whether somebody has ended it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Ended(_))
    }

    /// This flight and those in whose bodies its call was made, the innermost first.
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |flight| flight.parent.as_deref())
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
    /// Others lead it, or wait for it.
    GoesOn,
    /// Nobody does.
    Deserted,
    /// A waiter takes over; its waker, if it sleeps.
    Inherited(Option<Waker>),
}

impl State {
    fn is_deserted(&self) -> bool {
        self.waiting == 0 && !self.is_overtaken && !matches!(self.phase, Phase::Led(_))
    }
}

impl Leaders {
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

impl Drop for Flight {
    /// Ends the chain of those around it in a loop: it is as long as calls are nested.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut flight) = parent.and_then(Arc::into_inner) {
            parent = flight.parent.take();
        }
    }
}
