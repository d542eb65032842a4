//! A computation under way: who leads it, who waits for it, and what would make a circle.
//!
//! A flight is in its cache's table from the claim to the end, so that calls with its key find it.
//! Its leader runs the body; others [wait](Wait) with a waker, a thread's or a task's alike. Dead
//! ends are seen, not timed: each flight knows in which other flight's body its call was made, and
//! a wait from inside a body is an edge of the waits-for graph. A call that would close a circle
//! computes for itself instead.

mod graph;
mod table;
mod wait;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Tick;
use crate::entry::{self, Builder};
use crate::key::DIGEST;

pub(crate) use crate::unwind::wake;
pub(crate) use table::{Flights, Joined};
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
    /// When the leader began, as a [`Tick`].
    started: AtomicU64,
    /// Set under the cache's lock by `clear`, `remove` and the like: what this flight computes was
    /// asked for before, and must neither be stored nor shared.
    fenced: AtomicBool,
    /// A bound ran out in it: its time says nothing of how long the function takes.
    delayed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The flight in whose body the leader's call was made.
    parent: Option<Arc<Flight>>,
    /// The wakers of those who wait, in the order in which they came; one that was woken to take
    /// over is not among them.
    wakers: BTreeMap<u64, Waker>,
    waiting: usize,
    /// How many ever waited.
    waited: u64,
}

#[derive(Debug)]
enum Phase {
    Led,
    /// The leader left without an end; the first waiter to notice takes over.
    Abandoned,
    /// Ended, with a result while there are waiters for it. So a flight that nobody is interested
    /// in holds nothing of the user's, and can be dropped under any lock.
    Ended(Option<entry::Ref>),
}

thread_local! {
    // The flight whose body runs on this thread right now.
    static CURRENT: Cell<Option<Arc<Flight>>> = const { Cell::new(None) };
}

/// This thread is in the body of a flight, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Inside {
    outer: Option<Arc<Flight>>,
}

impl Inside {
    pub(crate) fn of(flight: &Arc<Flight>) -> Self {
        let inner = Some(Arc::clone(flight));
        Self { outer: CURRENT.try_with(|current| current.replace(inner)).unwrap_or_default() }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let inner = CURRENT.try_with(|current| current.replace(outer));
        drop(inner);
    }
}

pub(crate) fn current() -> Option<Arc<Flight>> {
    CURRENT
        .try_with(|cell| {
            let current = cell.take();
            cell.set(current.clone());
            current
        })
        .unwrap_or_default()
}

impl Flight {
    /// A flight to be led by the caller.
    pub(crate) fn new(key: Key) -> Arc<Self> {
        let state = State {
            phase: Phase::Led,
            parent: current(),
            wakers: BTreeMap::new(),
            waiting: 0,
            waited: 0,
        };
        Arc::new(Self {
            digest: key.digest,
            is_local: key.is_local,
            key: Mutex::new(Some(key.entry)),
            started: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
            delayed: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    /// The leader begins. Relaxed, here and below: only leaders read it, one after the other.
    pub(crate) fn start(&self) {
        self.started.store(Tick::now().nanos(), Ordering::Relaxed);
    }

    /// How long the body took, unless that says nothing about it.
    pub(crate) fn time(&self) -> Option<Duration> {
        let started = Tick::from_nanos(self.started.load(Ordering::Relaxed));
        (!self.delayed.load(Ordering::Relaxed)).then(|| started.elapsed())
    }

    /// A bound ran out in this flight's body, and so in those around it.
    pub(crate) fn delay(self: &Arc<Self>) {
        self.find_outwards(|flight| {
            flight.delayed.store(true, Ordering::Relaxed);
            false
        });
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

    /// Ends the flight, waking all who wait.
    pub(crate) fn end(&self, result: Option<entry::Ref>) {
        let (wakers, parent, unwanted) = {
            let mut state = self.state.lock();
            let (kept, unwanted) = if state.waiting > 0 { (result, None) } else { (None, result) };
            state.phase = Phase::Ended(kept);
            (std::mem::take(&mut state.wakers), state.parent.take(), unwanted)
        };
        if !wakers.is_empty() {
            wakers.into_values().for_each(wake);
        }
        drop((parent, unwanted));
    }

    /// Has those who wait look again, after a fence.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        wakers.into_values().for_each(wake);
    }

    /// Whether nobody leads it any more nor waits.
    pub(crate) fn is_deserted(&self) -> bool {
        let state = self.state.lock();
        state.waiting == 0 && !matches!(state.phase, Phase::Led)
    }

    /// The leader leaves without an end: a waiter takes over. The waker of one, if any waits.
    ///
    /// Under the cache's lock, so that nobody comes between the question and the answer.
    pub(crate) fn abandon(&self) -> Option<Option<Waker>> {
        let mut state = self.state.lock();
        state.phase = Phase::Abandoned;
        state.parent = None;
        // Without a waker, some waiter is on its way to look, and will find it abandoned.
        (state.waiting > 0).then(|| state.wakers.pop_first().map(|(_, waker)| waker))
    }

    /// The first of this flight and those in whose bodies its call was made that is `it`.
    fn find_outwards(self: &Arc<Self>, is_it: impl Fn(&Arc<Self>) -> bool) -> Option<Arc<Self>> {
        let mut at = Arc::clone(self);
        loop {
            if is_it(&at) {
                return Some(at);
            }
            let parent = at.state.lock().parent.clone()?;
            at = parent;
        }
    }

    fn is_within(self: &Arc<Self>, flight: &Arc<Self>) -> bool {
        self.find_outwards(|outer| Arc::ptr_eq(outer, flight)).is_some()
    }

    /// What all flights around this one have in common.
    fn root(self: &Arc<Self>) -> usize {
        let root = Cell::new(0);
        self.find_outwards(|outer| {
            root.set(Arc::as_ptr(outer).addr());
            false
        });
        root.get()
    }
}
