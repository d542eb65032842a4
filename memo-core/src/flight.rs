//! A computation under way: who leads it, who waits for it, and what would make a circle.
//!
//! A flight is in its cache's table from the claim to the end, so that calls with its key find it.
//! Its leader runs the body; others [wait](Wait) with a waker, a thread's or a task's alike. Dead
//! ends are seen, not timed: each flight knows in which other flight's body its call was made, and
//! a wait from inside a body is an edge of the waits-for graph. A call that would close a circle
//! computes for itself instead.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::clock::Tick;
use crate::entry::{self, Builder};
use crate::key::DIGEST;

/// What a call is known by.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) digest: [u8; DIGEST],
    /// The entry to be, its key written.
    pub(crate) entry: Builder,
}

#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) digest: [u8; DIGEST],
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

/// Wakes; a waker is foreign code, and its panic must not keep others asleep.
pub(crate) fn wake(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        std::mem::forget(payload);
    }
}

/// Who waits, inside which flight's body, for which flight.
type Waits = Vec<(Arc<Flight>, Arc<Flight>)>;

/// The waits-for graph, by the root of the waiting flight: a wait looks only at those of the flight
/// that it would wait for.
static WAITS: Mutex<Option<HashMap<usize, Waits>>> = Mutex::new(None);

/// An edge of the graph, while its call waits.
#[derive(Debug)]
struct Edge {
    root: usize,
    from: Arc<Flight>,
    to: Arc<Flight>,
}

impl Edge {
    /// Nothing if the wait would never end. Checked and added at once, so that of two waits that
    /// close a circle together the second sees the first.
    fn add(from: Arc<Flight>, to: &Arc<Flight>) -> Option<Self> {
        let mut waits = WAITS.lock();
        let waits = waits.get_or_insert_default();
        let mut needed = vec![Arc::clone(to)];
        let mut at = 0;
        while let Some(flight) = needed.get(at).cloned() {
            // Whatever the caller's flight is nested in cannot end before this wait does.
            if from.is_within(&flight) {
                return None;
            }
            for (waiter, awaited) in waits.get(&flight.root()).into_iter().flatten() {
                let is_seen = needed.iter().any(|seen| Arc::ptr_eq(seen, awaited));
                if !is_seen && waiter.is_within(&flight) {
                    needed.push(Arc::clone(awaited));
                }
            }
            at += 1;
        }
        let root = from.root();
        waits.entry(root).or_default().push((Arc::clone(&from), Arc::clone(to)));
        Some(Self { root, from, to: Arc::clone(to) })
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        let Some(waits) = waits.as_mut() else { return };
        let Some(edges) = waits.get_mut(&self.root) else { return };
        edges.retain(|(from, to)| !Arc::ptr_eq(from, &self.from) || !Arc::ptr_eq(to, &self.to));
        if edges.is_empty() {
            waits.remove(&self.root);
        }
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
