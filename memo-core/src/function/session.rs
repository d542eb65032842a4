//! Sessions: users, requests or tenants, each with results and resources of its own.
//!
//! A function with `scope = "session"` has a *double* in each session in which it is called: a function
//! like any other, with its own table, flights, bounds and statistics. A double is leaked, as every
//! function is there for good, and used again for other sessions: there are as many as there ever were
//! at once.
//!
//! A session ends with its last [`Session`]. Whoever may touch its doubles without one (a call under
//! way, a job to be run) has a [`Share`], and doubles are not used again before the last of these is
//! gone: so what was computed for one session is not found by another.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::function::isolation::{self, Isolation};
use crate::function::registry::Function;
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::{thread_local, Mutex};

/// A user, request or tenant, for whom functions with `scope = "session"` have results and resources
/// of their own.
///
/// What is called in [`enter`](Self::enter) or in a [wrapped](Self::wrap) future is called in the
/// session; of several around a call, the innermost counts. A thread, a task or a job of rayon that is
/// started there belongs to no session, unless it is wrapped; but a worker of rayon that waits for a job
/// runs others meanwhile, in the session that it is in. Outside any session there is the
/// process's cache, which is nobody's in particular.
///
/// Clones are the same session. It ends when the last of them is dropped: its results are forgotten,
/// its resources are released, and what is still being computed for it is not stored. That takes as
/// long as what it holds is much, however many sessions there are.
///
/// The companions of such a function speak of the session in which they are called. Outside sessions
/// `clear` reaches all of them, and `stats` adds them up, those that have ended included.
/// [`clear_all`](crate::clear_all), [`clear`](crate::clear) and [`stats`](crate::stats) reach
/// everything from anywhere. Bounds are each session's own.
///
/// What a function *without* the scope computes from one *with* it, in a session, may be that user's
/// alone. It is returned to its caller, and neither stored nor shared with who waits for it; that is
/// counted as [`uncacheable`](crate::Stats::uncacheable), and reported once.
///
/// # Examples
///
/// ```
/// #[memo::memo(scope = "session")]
/// fn recommendations(_user: &str, page: u32) -> Vec<String> {
///     // …
/// #   vec![format!("{_user}, {page}")]
/// }
///
/// let (ann, bob) = (memo::Session::new(), memo::Session::new());
/// let of_ann = ann.enter(|| recommendations("ann", 1));
/// let of_bob = bob.enter(|| recommendations("bob", 1));
/// assert_ne!(of_ann, of_bob);
/// assert_eq!(ann.enter(|| recommendations::stats().entries), 1);
/// ```
#[derive(Clone, Default)]
pub struct Session(Arc<Life>);

/// All clones of a session: it ends with the last.
struct Life(Share);

impl Default for Life {
    fn default() -> Self {
        // Relaxed: whoever gives up what a session had has seen that.
        ARE_ANY.store(true, Ordering::Relaxed);
        Self(Share::default())
    }
}

/// Whether there ever was a session.
static ARE_ANY: AtomicBool = AtomicBool::new(false);

/// Has this thread be in a session that has ended, while what a cache gives up comes to its end: that is
/// the user's code, and may be of another session than the thread is in. What it calls is stored nowhere.
pub(crate) fn nowhere() -> Option<Visit> {
    if !ARE_ANY.load(Ordering::Relaxed) {
        return None;
    }
    let doubles = Doubles::default();
    doubles.is_over.store(true, Ordering::Relaxed);
    Some(Visit::of(Arc::new(doubles)))
}

/// What keeps the doubles of a session from being used again. It can be dropped under any lock.
pub(crate) type Share = Arc<Doubles>;

/// The doubles of a session.
#[derive(Default)]
pub(crate) struct Doubles {
    /// Written under [`SPARES`]. A call finds its double without a lock.
    first: Link,
    /// Set under [`SPARES`].
    is_over: AtomicBool,
}

type Link = OnceCell<Box<Made>>;

/// A double that was made for a session, or that it took over from one.
struct Made {
    double: Double,
    /// The isolation in which it is called.
    place: Place,
    next: Link,
}

/// A function's double, of a type that only the call knows.
#[derive(Clone, Copy)]
pub(crate) struct Double {
    /// The function, by its address.
    pub(crate) of: usize,
    pub(crate) called: &'static (dyn Any + Send + Sync),
    pub(crate) function: &'static dyn Function,
}

/// An isolation, and which of those that it was; or none.
type Place = Option<(&'static Isolation, usize)>;

/// Doubles that nobody uses, by their functions.
static SPARES: Mutex<Spares> = Mutex::new(BTreeMap::new());

type Spares = BTreeMap<usize, Vec<Double>>;

thread_local! {
    // Without a destructor, so that a call outside sessions takes one load.
    static IS_IN_ANY: Cell<bool> = const { Cell::new(false) };
    // The same, so that there is a session in other destructors as well. A visit takes out what it put in.
    static CURRENT: RefCell<ManuallyDrop<Option<Share>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Whether this thread is in a session.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_in_any() -> bool {
    IS_IN_ANY.get()
}

/// A share in the session that this thread is in.
pub(crate) fn current() -> Option<Share> {
    with_current(Arc::clone)
}

/// What is to be known of the session that this thread is in, if it is in one.
pub(crate) fn with_current<R>(ask: impl FnOnce(&Share) -> R) -> Option<R> {
    if !is_in_any() {
        return None;
    }
    CURRENT.with(|current| current.borrow().as_ref().map(ask))
}

impl Session {
    /// Begins a session, in which nothing has been called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a closure in the session, and returns what it returns.
    ///
    /// A future that the closure returns is not in the session when it is awaited: [`wrap`](Self::wrap) it.
    pub fn enter<R>(&self, run: impl FnOnce() -> R) -> R {
        let _inside = Visit::new(self.share());
        run()
    }

    /// Forgets all results and resources of the session; what is being computed for it is not stored.
    ///
    /// In an [isolated](crate::isolated) block it concerns what the session has there.
    pub fn clear(&self) {
        let place = here();
        let made: Vec<_> = self.share().all().filter(|made| made.is_at(place)).collect();
        made.into_iter().for_each(|made| made.double.function.clear());
    }

    pub(super) fn share(&self) -> &Share {
        &self.0 .0
    }
}

// What a panic leaves of a session is what it was: its doubles are there, or are not.
impl UnwindSafe for Session {}
impl RefUnwindSafe for Session {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl fmt::Debug for Doubles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doubles").finish_non_exhaustive()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// This thread is in a session, for as long as this lives.
pub(crate) struct Visit {
    before: Option<Share>,
    was_in_any: bool,
    of_thread: PhantomData<*const ()>,
}

impl Visit {
    pub(crate) fn new(share: &Share) -> Self {
        Self::of(Arc::clone(share))
    }

    fn of(share: Share) -> Self {
        let share = ManuallyDrop::new(Some(share));
        let before = CURRENT.with(|current| current.replace(share));
        let was_in_any = IS_IN_ANY.replace(true);
        Self { before: ManuallyDrop::into_inner(before), was_in_any, of_thread: PhantomData }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        IS_IN_ANY.set(self.was_in_any);
        let before = ManuallyDrop::new(self.before.take());
        let left = CURRENT.with(|current| current.replace(before));
        drop(ManuallyDrop::into_inner(left));
    }
}

/// Where this thread's calls are: in an isolation, or in none.
fn here() -> Place {
    isolation::current().map(|isolation| (isolation, isolation.generation()))
}

impl Made {
    fn is_at(&self, place: Place) -> bool {
        match (self.place, place) {
            (None, None) => true,
            (Some((own, of)), Some((other, generation))) => {
                std::ptr::eq(own, other) && of == generation
            }
            _ => false,
        }
    }
}

impl Doubles {
    fn all(&self) -> impl Iterator<Item = &Made> {
        std::iter::successors(self.first.get(), |made| made.next.get()).map(Box::as_ref)
    }

    /// Whether it has ended, for who has a share in it.
    pub(crate) fn is_over(&self) -> bool {
        // Relaxed: what is done in it after the end is forgotten, whether or not this is seen.
        self.is_over.load(Ordering::Relaxed)
    }

    /// The double of the function with that address, where this thread is, if there is one.
    #[inline]
    pub(crate) fn found(&self, of: usize) -> Option<&'static (dyn Any + Send + Sync)> {
        let place = here();
        let is_meant = |made: &&Made| made.double.of == of && made.is_at(place);
        self.all().find(is_meant).map(|made| made.double.called)
    }

    /// The double of the function with that address, where this thread is; made where there is none to
    /// be had.
    #[inline]
    pub(crate) fn double(
        &self,
        of: usize,
        make: impl FnOnce(Option<&'static Isolation>) -> Double,
    ) -> &'static (dyn Any + Send + Sync) {
        match self.found(of) {
            Some(double) => double,
            None => self.add(of, here(), make).called,
        }
    }

    #[cold]
    #[inline(never)]
    fn add(
        &self,
        of: usize,
        place: Place,
        make: impl FnOnce(Option<&'static Isolation>) -> Double,
    ) -> Double {
        // One of an isolation is not used again: that begins anew with all that it has.
        let spare = match place {
            None => SPARES.lock().get_mut(&of).and_then(Vec::pop),
            Some(_) => None,
        };
        if let Some(spare) = spare {
            spare.function.reopen();
        }
        let double = spare.unwrap_or_else(|| make(place.map(|(isolation, _)| isolation)));
        let mut made = Box::new(Made { double, place, next: Link::new() });
        let mut spares = SPARES.lock();
        let is_over = self.is_over();
        let mut link = &self.first;
        while let Err(back) = link.set(made) {
            made = back;
            let Some(there) = link.get() else { continue };
            if there.double.of == of && there.is_at(place) {
                // Another thread was faster.
                put_back(&mut spares, &made);
                return there.double;
            }
            link = &there.next;
        }
        drop(spares);
        if is_over {
            double.function.close();
        }
        double
    }

    /// Forgets all that is stored in it, and what is being computed. Outside all locks: what releases
    /// resources is the user's code.
    fn end(&self) {
        {
            let _spares = SPARES.lock();
            self.is_over.store(true, Ordering::Relaxed);
        }
        self.all().for_each(|made| made.double.function.close());
    }
}

impl Drop for Doubles {
    /// Nobody can touch its doubles any more.
    fn drop(&mut self) {
        let mut link = self.first.take();
        if link.is_none() {
            return;
        }
        let mut spares = SPARES.lock();
        while let Some(mut made) = link {
            link = made.next.take();
            put_back(&mut spares, &made);
        }
    }
}

fn put_back(spares: &mut Spares, made: &Made) {
    if made.place.is_none() {
        spares.entry(made.double.of).or_default().push(made.double);
    }
}

/// Forgets what another schedule's functions have left.
#[cfg(all(test, memo_shuttle))]
pub(crate) fn forget_all() {
    SPARES.lock().clear();
}

/// Takes the lock of all that are made and used again.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let spares = SPARES.lock();
    Box::new(move |_| drop(spares))
}
