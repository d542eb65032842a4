//! A computation under way: who leads it, who waits for it, and what would make a circle.
//!
//! A flight is in its cache's table from the claim to the end, so that calls with its key find it.
//! Its leader runs the body; others [wait](Wait) with a waker, a thread's or a task's alike. Dead
//! ends are seen, not timed: each flight knows in which other flight's body its call was made, and
//! a wait from inside a body is an edge of the waits-for graph. A call that would close a circle
//! computes for itself instead.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use parking_lot::Mutex;

use crate::clock::Tick;
use crate::entry::{self, Builder};
use crate::key::DIGEST;

/// What a call is known by.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) digest: [u8; DIGEST],
    pub(crate) hash: u64,
    /// The entry to be, its key written.
    pub(crate) entry: Builder,
}

#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) digest: [u8; DIGEST],
    /// The entry to be, until its leader takes it.
    pub(crate) key: Mutex<Option<Builder>>,
    pub(crate) started: Tick,
    /// Set under the cache's lock by `clear`, `remove` and the like: what this flight computes was
    /// asked for before, and must neither be stored nor shared.
    fenced: AtomicBool,
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
    Ended(Outcome),
}

/// What a flight ended with, for its waiters.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The result.
    Shared(entry::Ref),
    /// Nothing to share: a panic, an error, a value that no codec carries. Each computes.
    Alone,
}

/// What waiting for a flight came to.
#[derive(Debug)]
pub(crate) enum Waited {
    Shared(entry::Ref),
    /// Compute, unshared.
    Alone,
    /// The flight is this caller's to lead now.
    TookOver,
    /// The flight was fenced: ask the cache again.
    Fenced,
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
    /// A flight led by the caller.
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
            key: Mutex::new(Some(key.entry)),
            started: Tick::now(),
            fenced: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    /// Under the cache's lock.
    pub(crate) fn fence(&self) {
        // Release pairs with the Acquire of a waiter, which holds no lock of the cache.
        self.fenced.store(true, Ordering::Release);
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Whether anyone would want the result. Asked when the flight is out of its cache's table, so
    /// that nobody can come any more.
    pub(crate) fn is_awaited(&self) -> bool {
        self.state.lock().waiting > 0
    }

    /// Ends the flight, waking all who wait.
    pub(crate) fn end(&self, outcome: Outcome) {
        let (wakers, parent) = {
            let mut state = self.state.lock();
            state.phase = Phase::Ended(outcome);
            (std::mem::take(&mut state.wakers), state.parent.take())
        };
        wakers.into_values().for_each(Waker::wake);
        drop(parent);
    }

    /// Has those who wait look again, after a fence.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether nobody leads it nor waits to take over.
    pub(crate) fn is_deserted(&self) -> bool {
        let state = self.state.lock();
        state.waiting == 0 && matches!(state.phase, Phase::Abandoned)
    }

    /// The leader leaves without an end: a waiter takes over. False if there is none.
    ///
    /// Under the cache's lock, so that nobody comes between the question and the answer.
    pub(crate) fn abandon(&self) -> bool {
        let heir = {
            let mut state = self.state.lock();
            state.phase = Phase::Abandoned;
            state.parent = None;
            if state.waiting == 0 {
                return false;
            }
            state.wakers.pop_first()
        };
        // Without a waker here, some waiter is on its way to look, and will find it abandoned.
        if let Some((_, heir)) = heir {
            heir.wake();
        }
        true
    }

    /// Whether this is `flight`, or its call was made, however deep, in the body of `flight`.
    fn is_within(self: &Arc<Self>, flight: &Arc<Self>) -> bool {
        let mut at = Arc::clone(self);
        loop {
            if Arc::ptr_eq(&at, flight) {
                return true;
            }
            let Some(parent) = at.state.lock().parent.clone() else {
                return false;
            };
            at = parent;
        }
    }
}

/// The waits-for graph: who waits, inside which flight's body, for which flight.
static WAITS: Mutex<Vec<(Arc<Flight>, Arc<Flight>)>> = Mutex::new(Vec::new());

/// An edge of the graph, while its call waits.
#[derive(Debug)]
struct Edge {
    from: Arc<Flight>,
    to: Arc<Flight>,
}

impl Edge {
    /// Nothing if the wait would never end. Checked and added at once, so that of two waits that
    /// close a circle together the second sees the first.
    fn add(from: Arc<Flight>, to: &Arc<Flight>) -> Option<Self> {
        // Declared first, so that what it may be the last to hold is dropped outside the lock.
        let mut needed = vec![Arc::clone(to)];
        let mut waits = WAITS.lock();
        let mut at = 0;
        while let Some(flight) = needed.get(at).cloned() {
            // Whatever the caller's flight is nested in cannot end before this wait does.
            if from.is_within(&flight) {
                return None;
            }
            for (waiter, awaited) in waits.iter() {
                if !needed.iter().any(|seen| Arc::ptr_eq(seen, awaited))
                    && waiter.is_within(&flight)
                {
                    needed.push(Arc::clone(awaited));
                }
            }
            at += 1;
        }
        waits.push((Arc::clone(&from), Arc::clone(to)));
        drop(waits);
        Some(Self { from, to: Arc::clone(to) })
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        let own = waits
            .iter()
            .position(|(from, to)| Arc::ptr_eq(from, &self.from) && Arc::ptr_eq(to, &self.to));
        let edge = own.map(|own| waits.swap_remove(own));
        drop(waits);
        drop(edge);
    }
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
        let waker = thread_waker();
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(waited) = Pin::new(&mut *self).poll(&mut context) {
                return Some(waited);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            std::thread::park_timeout(left);
        }
    }
}

impl Future for Wait {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Waited> {
        let this = &mut *self;
        let mut state = this.flight.state.lock();
        let waited = match &state.phase {
            _ if this.flight.is_fenced() => Waited::Fenced,
            Phase::Ended(Outcome::Shared(entry)) => Waited::Shared(entry.view().share()),
            Phase::Ended(Outcome::Alone) => Waited::Alone,
            Phase::Abandoned => {
                state.phase = Phase::Led;
                state.parent = current();
                Waited::TookOver
            }
            Phase::Led => {
                let before = state.wakers.insert(this.number, context.waker().clone());
                drop(state);
                drop(before);
                return Poll::Pending;
            }
        };
        state.waiting -= 1;
        drop(state);
        this.is_over = true;
        Poll::Ready(waited)
    }
}

impl Wait {
    /// Stops waiting.
    pub(crate) fn leave(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let heir = {
            let mut state = self.flight.state.lock();
            state.waiting -= 1;
            let own = state.wakers.remove(&self.number);
            // This may be the one that was woken to take over: the next is woken in its place.
            let heir = match state.phase {
                Phase::Abandoned => state.wakers.pop_first(),
                _ => None,
            };
            drop(state);
            drop(own);
            heir
        };
        if let Some((_, heir)) = heir {
            heir.wake();
        }
    }
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

fn thread_waker() -> Waker {
    Arc::new(Unpark(std::thread::current())).into()
}
