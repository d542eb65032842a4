//! Isolations: what a test's block has of its own, instead of what belongs to the process.
//!
//! An isolation has two registries, whose functions are *doubles*: the same functions, with nothing
//! stored. A double is leaked, as every function is there for good, and so is the isolation that has
//! it. What has ended is used again: there are as many isolations as there ever were at once.
//!
//! A thread is in an isolation while it [visits](Isolation::visit) it. Whoever may touch a double
//! without that (a call under way, a job to be run) has a [`Share`] in the isolation, which is not
//! used again before: so a future that was carried out of its block stores nothing in the next one.

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::clock::Clock;
use crate::function::enabled::Switch;
use crate::function::registry::{Function, Registry};
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::Mutex;

/// A function's double, of a type that only the call knows.
type Double = &'static (dyn Any + Send + Sync);

pub(crate) struct Isolation {
    pub(crate) memos: Registry,
    pub(crate) singletons: Registry,
    pub(crate) switch: Switch,
    pub(crate) clock: &'static Clock,
    /// By the addresses of the functions.
    doubles: Mutex<HashMap<usize, Double>>,
    shares: AtomicUsize,
    is_over: AtomicBool,
    /// How often it was used again.
    generation: AtomicUsize,
}

struct Isolations {
    all: Vec<&'static Isolation>,
    /// Those that have ended, with shares in them perhaps.
    ended: Vec<&'static Isolation>,
}

static ISOLATIONS: Mutex<Isolations> =
    Mutex::new(Isolations { all: Vec::new(), ended: Vec::new() });

thread_local! {
    static CURRENT: Cell<Option<&'static Isolation>> = const { Cell::new(None) };
}

/// The isolation that this thread is in.
#[inline]
pub(crate) fn current() -> Option<&'static Isolation> {
    CURRENT.get()
}

impl Isolation {
    /// One in which nothing has been called.
    pub(crate) fn begin() -> &'static Self {
        let ended = {
            let ended = &mut ISOLATIONS.lock().ended;
            // Acquire pairs with the Release of the end of a share.
            let unshared = |it: &&Self| it.shares.load(Ordering::Acquire) == 0;
            ended.iter().rposition(unshared).map(|at| ended.remove(at))
        };
        if let Some(isolation) = ended {
            isolation.memos.begin_anew();
            isolation.singletons.begin_anew();
            isolation.switch.begin_anew();
            isolation.clock.set_back();
            isolation.is_over.store(false, Ordering::Relaxed);
            isolation.generation.fetch_add(1, Ordering::Relaxed);
            return isolation;
        }
        let isolation: &'static Self = Box::leak(Box::new(Self {
            memos: Registry::new(),
            singletons: Registry::new(),
            switch: Switch::new(),
            clock: Box::leak(Box::new(Clock::new())),
            doubles: Mutex::new(HashMap::new()),
            shares: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            generation: AtomicUsize::new(0),
        }));
        ISOLATIONS.lock().all.push(isolation);
        isolation
    }

    /// Forgets all that is stored in it, and what is being computed. It may be used again.
    pub(crate) fn end(&'static self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.memos.close();
        self.singletons.close();
        ISOLATIONS.lock().ended.push(self);
    }

    /// Whether it has ended, for who has a share in it.
    pub(crate) fn is_over(&self) -> bool {
        // Relaxed: what is done in it after the end is forgotten, whether or not this is seen.
        self.is_over.load(Ordering::Relaxed)
    }

    /// Which of those it is that are this one, each after the other.
    pub(crate) fn generation(&self) -> usize {
        // Relaxed: it changes while nobody is in it.
        self.generation.load(Ordering::Relaxed)
    }

    /// The double of a function, made where there is none.
    pub(crate) fn double(&self, function: usize, make: impl FnOnce() -> Double) -> Double {
        *self.doubles.lock().entry(function).or_insert_with(make)
    }

    /// Moves its clock, and gives up what has expired by that.
    pub(crate) fn advance(&'static self, nanos: u64) {
        self.clock.advance(nanos);
        let functions = self.memos.all().into_iter().chain(self.singletons.all());
        functions.for_each(Function::expire_whole);
    }

    /// Has this thread be in it.
    pub(crate) fn visit(&'static self) -> Visit {
        Visit { before: CURRENT.replace(Some(self)), of_thread: PhantomData }
    }

    /// Keeps it from being used again.
    pub(crate) fn share(&'static self) -> Share {
        // Relaxed: who shares it is in it, or has a share already.
        self.shares.fetch_add(1, Ordering::Relaxed);
        Share(self)
    }
}

/// This thread is in an isolation, for as long as this lives.
pub(crate) struct Visit {
    before: Option<&'static Isolation>,
    of_thread: PhantomData<*const ()>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// What keeps an isolation from being used again. It can be dropped under any lock.
pub(crate) struct Share(pub(crate) &'static Isolation);

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").finish_non_exhaustive()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Release: what was done with it precedes its being used again.
        self.0.shares.fetch_sub(1, Ordering::Release);
    }
}

/// All functions of data of all isolations.
pub(crate) fn all_memos() -> Vec<&'static dyn Function> {
    let all = ISOLATIONS.lock().all.clone();
    all.into_iter().flat_map(|isolation| isolation.memos.all()).collect()
}

/// Takes the locks of all isolations, and those of their functions.
#[cfg(unix)]
pub(crate) fn before_fork() -> Vec<Unlock> {
    let isolations = ISOLATIONS.lock();
    let all = isolations.all.clone();
    let mut unlocks: Vec<Unlock> = vec![Box::new(move |_| drop(isolations))];
    for isolation in all {
        let doubles = isolation.doubles.lock();
        unlocks.push(Box::new(move |_| drop(doubles)));
        unlocks.extend(isolation.memos.before_fork());
        unlocks.extend(isolation.singletons.before_fork());
    }
    unlocks
}
