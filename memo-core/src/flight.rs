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
mod by_digest;
mod current;
mod graph;
mod leaders;
mod polls;
pub(crate) mod span;
pub(crate) mod spinner;
mod table;
mod wait;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::platform::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::platform::sync::Mutex;
use once_cell::sync::OnceCell;

use crate::clock::Tick;
use crate::function::dependents::Dependent;
use crate::function::isolation::{self, Isolation};
use crate::function::registry::Function;
use crate::function::session;
use crate::key::tags::{TagHash, Tags};
use crate::key::DIGEST;
use crate::memory::entry::{self, Builder};
use crate::platform::process;
use bound::Bound;
use leaders::Leaders;
use polls::Polls;

pub(crate) use crate::platform::unwind::wake;
pub(crate) use bound::{on_rayon, ON_RAYON, STALL};
pub(crate) use current::{current, recording, Entered};
#[cfg(unix)]
pub(crate) use graph::before_fork;
#[cfg(all(test, memo_shuttle))]
pub(crate) use graph::nobody_waits;
pub(crate) use leaders::{Abandoned, Left, TookOver};
pub(crate) use table::{Fenced, Flights, Joined};
pub(crate) use wait::{Wait, Waited};

/// What a call is known by.
#[derive(Debug)]
pub struct Key {
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
    /// What its result will be tagged with.
    pub(crate) tags: Option<Tags>,
    /// The flight in whose body the call was made.
    parent: Option<Arc<Flight>>,
    /// The flight that this one leads as well, where it relieves another's leader.
    relieved: OnceCell<Weak<Flight>>,
    /// When the leader began, as a [`Tick`].
    started: AtomicU64,
    /// The place among the flights of its cache in the order in which they were claimed.
    order: AtomicU64,
    /// Its leader computes, whatever is stored.
    is_forced: AtomicBool,
    /// Who fenced it for what it has used, or a store has told, has not seen to what is older.
    leaves_older: AtomicBool,
    /// Set under the cache's lock by `clear`, `remove` and the like: what this flight computes was
    /// asked for before, and must neither be stored nor shared.
    fenced: AtomicBool,
    /// Set under the cache's lock by the first who waits for it: until then only its own call knows
    /// it, and has no need of the lock of its state.
    joined: AtomicBool,
    /// Time was spent on what is not the body's work: its time says nothing of how long the
    /// function takes.
    delayed: AtomicBool,
    /// How many waits there are inside its body, and those inside that; changed under the graph's
    /// lock.
    inner_waits: AtomicUsize,
    /// How many forks the process had seen.
    generation: u32,
    /// In the isolation whose double it computes, which waits for it before it is used again.
    isolation: Option<isolation::Share>,
    /// The session whose double it computes, likewise.
    session: Option<session::Share>,
    /// The computation that notes what is called in its body: its own, or that around it.
    recorder: Option<Arc<Dependent>>,
    /// That is its own: its function has `depends`.
    is_dependent: bool,
    /// Whose result those who waited for it have, where what that was computed from is noted.
    answer: OnceCell<Arc<Dependent>>,
    /// It called a function of a session that is not its own: what it computes is for its caller.
    is_private: AtomicBool,
    polls: Polls,
    pub(crate) span: span::Slot,
    spinner: spinner::Slot,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    leaders: Leaders,
    /// The wakers of those who wait, in the order in which they came; one that was woken to take
    /// over is not among them.
    wakers: BTreeMap<u64, Waker>,
    waiting: usize,
    /// How many of them are tasks.
    waiting_tasks: usize,
    /// How many ever waited.
    waited: u64,
    bound: Bound,
    /// Somebody looks soon whether its leaders are stalled.
    is_watched: bool,
}

#[derive(Debug)]
enum Phase {
    Led,
    /// The last leader left without an end; the first waiter to notice takes over.
    Abandoned,
    /// Ended, with a result while there are waiters for it. So a flight that nobody is interested
    /// in holds nothing of the user's, and can be dropped under any lock.
    Ended(Option<entry::Ref>),
}

impl Flight {
    /// A flight to be led by the caller.
    pub(crate) fn new(key: &Key, of: Of) -> Arc<Self> {
        let (parent, isolation) = (current(), isolation::current());
        let (recorder, is_dependent) = recorder(key, of.depends, parent.as_deref(), isolation);
        let state = State {
            phase: Phase::Led,
            leaders: Leaders::new(),
            wakers: BTreeMap::new(),
            waiting: 0,
            waiting_tasks: 0,
            waited: 0,
            bound: Bound::new(),
            is_watched: false,
        };
        Arc::new(Self {
            digest: key.digest,
            is_local: key.is_local,
            tags: key.entry.tags().cloned(),
            parent,
            relieved: OnceCell::new(),
            started: AtomicU64::new(0),
            order: AtomicU64::new(0),
            is_forced: AtomicBool::new(false),
            leaves_older: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            joined: AtomicBool::new(false),
            delayed: AtomicBool::new(false),
            inner_waits: AtomicUsize::new(0),
            generation: process::generation(),
            isolation: isolation.map(Isolation::share),
            session: of.session,
            recorder,
            is_dependent,
            answer: OnceCell::new(),
            is_private: AtomicBool::new(false),
            polls: Polls::new(),
            span: span::Slot::new(),
            spinner: spinner::Slot::new(),
            state: Mutex::new(state),
        })
    }

    /// Makes it the flight of another call, as new.
    ///
    /// It is one that [can be reused](Self::can_be_reused): nothing in the state behind its lock has
    /// changed.
    ///
    /// # Errors
    /// Others may know it still.
    pub(crate) fn reuse(self: &mut Arc<Self>, key: &Key, of: Of) -> Result<(), Of> {
        let Some(flight) = Arc::get_mut(self) else { return Err(of) };
        flight.digest = key.digest;
        flight.is_local = key.is_local;
        flight.tags = key.entry.tags().cloned();
        flight.parent = current();
        let isolation = isolation::current();
        (flight.recorder, flight.is_dependent) =
            recorder(key, of.depends, flight.parent.as_deref(), isolation);
        flight.answer = OnceCell::new();
        flight.started = AtomicU64::new(0);
        flight.order = AtomicU64::new(0);
        let unset = || AtomicBool::new(false);
        (flight.is_forced, flight.leaves_older) = (unset(), unset());
        (flight.fenced, flight.delayed, flight.is_private) = (unset(), unset(), unset());
        flight.generation = process::generation();
        flight.isolation = isolation.map(Isolation::share);
        flight.session = of.session;
        Ok(())
    }

    /// Whether it can be another call's once this one has ended, as nobody ever waited for it and it
    /// was nobody else's. It lets go of what is around it.
    pub(crate) fn can_be_reused(self: &mut Arc<Self>) -> bool {
        if self.is_joined() || self.polls.is_task() || self.relieved.get().is_some() {
            return false;
        }
        // An isolation is not to wait for what nobody is in.
        if self.isolation.is_some() {
            return false;
        }
        if self.parent.is_some() || self.session.is_some() || self.recorder.is_some() {
            let Some(flight) = Arc::get_mut(self) else { return false };
            (flight.parent, flight.session, flight.recorder) = (None, None, None);
        }
        true
    }

    /// Whether anybody ever waited for it. Under the cache's lock, or once it has ended.
    pub(crate) fn is_joined(&self) -> bool {
        // Relaxed: it is set under that lock.
        self.joined.load(Ordering::Relaxed)
    }

    /// The leader begins. Relaxed, here and below: it says nothing of other memory.
    pub(crate) fn start(&self) {
        self.started.store(Tick::now().nanos(), Ordering::Relaxed);
    }

    /// How long the body took.
    pub(crate) fn elapsed(&self) -> Duration {
        Tick::from_nanos(self.started.load(Ordering::Relaxed)).elapsed()
    }

    /// When the leader began, if it has.
    pub(crate) fn started_at(&self) -> Option<Tick> {
        let started = self.started.load(Ordering::Relaxed);
        (started > 0).then(|| Tick::from_nanos(started))
    }

    /// Whether the time that its body took says nothing about it.
    pub(crate) fn is_delayed(&self) -> bool {
        self.delayed.load(Ordering::Relaxed)
    }

    /// Time was spent in this flight's body, and so in those around it, on what is not its work.
    pub(crate) fn delay(&self) {
        self.outwards().for_each(|flight| flight.delayed.store(true, Ordering::Relaxed));
    }

    /// Its call has waited for a flight: if for more than one computation of it, that says nothing
    /// of the bodies around the call.
    pub(crate) fn has_waited_for(&self, flight: &Self) {
        if let Some(around) = &self.parent {
            if !flight.is_of_parent() && flight.state.lock().bound.is_renewed() {
                around.delay();
            }
        }
    }

    /// Whether anything notes what is called in its body.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorder.is_some()
    }

    /// What its computation is, of a function with `depends`.
    pub(crate) fn dependent(&self) -> Option<&Arc<Dependent>> {
        self.recorder.as_ref().filter(|_| self.is_dependent)
    }

    /// The computation that notes the call that it is of.
    pub(crate) fn around(&self) -> Option<&Arc<Dependent>> {
        let own = self.isolation.as_ref().map(|share| share.0);
        self.parent.as_ref()?.recorder_in(own)
    }

    /// What notes the calls in its body that are made in an isolation, or in none: what a body does in one of
    /// its own is forgotten with that.
    fn recorder_in(&self, isolation: Option<&'static Isolation>) -> Option<&Arc<Dependent>> {
        let recorder = self.recorder.as_ref()?;
        let own = self.isolation.as_ref().map(|share| share.0);
        let is_same = own.map(std::ptr::from_ref) == isolation.map(std::ptr::from_ref);
        is_same.then_some(recorder)
    }

    /// Under the cache's lock: who waited for it has the result of this computation.
    pub(crate) fn is_answered_by(&self, dependent: &Arc<Dependent>) {
        let _ = self.answer.set(Arc::clone(dependent));
    }

    pub(crate) fn answer(&self) -> Option<&Arc<Dependent>> {
        self.answer.get()
    }

    /// Whether its result will have a tag.
    pub(crate) fn has_tag(&self, tag: TagHash) -> bool {
        self.tags.as_ref().is_some_and(|tags| tags.has(tag))
    }

    /// A function of a session is called in its body, and so in those around it: what they compute is
    /// not for others, unless they are of the same session.
    pub(crate) fn computes_for(&self, session: &session::Share) {
        let is_same = |own: &session::Share| Arc::ptr_eq(own, session);
        for flight in self.outwards().filter(|it| !it.session.as_ref().is_some_and(is_same)) {
            // Relaxed: it is read where its body ends, after this.
            flight.is_private.store(true, Ordering::Relaxed);
        }
    }

    /// Whether what it computes is for its caller alone.
    pub(crate) fn is_private(&self) -> bool {
        self.is_private.load(Ordering::Relaxed)
    }

    /// Under the cache's lock.
    pub(crate) fn fence(&self) {
        // Release pairs with the Acquire of a waiter, which holds no lock of the cache.
        self.fenced.store(true, Ordering::Release);
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire) || self.is_of_parent()
    }

    /// Whether it is a computation of the process of which this one is a child: some other thread may
    /// have had its lock, which is not in this process.
    fn is_of_parent(&self) -> bool {
        self.generation != process::generation()
    }

    /// Whether anyone would want the result by now.
    pub(crate) fn is_awaited(&self) -> bool {
        // Who joins a moment later computes for himself.
        self.is_joined() && !self.is_of_parent() && self.state.lock().waiting > 0
    }

    /// Has those who wait look again, after a fence.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        wakers.into_values().for_each(wake);
    }

    /// Whether nobody computes in it any more nor waits for it.
    pub(crate) fn is_deserted(&self) -> bool {
        if self.is_of_parent() {
            return false;
        }
        let state = self.state.lock();
        state.waiting == 0 && !state.leaders.own && !matches!(state.phase, Phase::Led)
    }

    /// This flight and those in whose bodies its call was made, the innermost first.
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |flight| flight.parent.as_deref())
    }
}

/// Whose call a flight is of, besides its key.
#[derive(Default)]
pub(crate) struct Of {
    /// The session whose double it is.
    pub(crate) session: Option<session::Share>,
    /// The function, if its results go with what they were computed from.
    pub(crate) depends: Option<&'static dyn Function>,
}

/// The computation that notes what is called in the body of a call, and whether it is that of the call.
fn recorder(
    key: &Key,
    depends: Option<&'static dyn Function>,
    parent: Option<&Flight>,
    isolation: Option<&'static Isolation>,
) -> (Option<Arc<Dependent>>, bool) {
    match depends {
        Some(owner) => (Some(Dependent::new(owner, key.digest, key.entry.hashes())), true),
        None => (parent.and_then(|parent| parent.recorder_in(isolation)).cloned(), false),
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
