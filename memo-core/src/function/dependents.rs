//! What is computed from what: for functions with `depends`.
//!
//! A computation of such a function is a [`Dependent`]. Each memoized call in its body is noted with the
//! function that is called: that has [`Dependents`], by the digest of the call, whether or not it holds a
//! result of it. Who forgets a result takes those and [voids](Turn::void) them: each loses its entry, or
//! the flight that it is in is fenced, and so on with what depends on it in turn.
//!
//! A dependent holds those from which it was computed, so that the chain from one to the next stays
//! whole where an entry between them was evicted. What holds none of them but its own entry goes with that.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

mod pairs;

use pairs::{removed, DEAD, MAX_DEAD};
pub(crate) use pairs::{Dependents, Taken};

use crate::clock::Tick;
use crate::function::registry::Function;
use crate::key::{Hashes, DIGEST};
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::platform::sync::{Mutex, MutexGuard};

/// A computation of a function with `depends`, for as long as somebody may have to void it.
pub(crate) struct Dependent {
    owner: &'static dyn Function,
    pub(crate) digest: [u8; DIGEST],
    /// Where its entry is, if it has one.
    pub(crate) hashes: Hashes,
    is_void: AtomicBool,
    /// It has used what was forgotten before that could be noted: it is not to be stored.
    is_spoiled: AtomicBool,
    /// In how many pairs it is, of all functions.
    pairs: AtomicUsize,
    /// The moment until which all that it has used is served, as a [`Tick`].
    until: AtomicU64,
    used: Mutex<Used>,
}

/// The moment as of which a result was put into a store: the epoch, and how many removals there were
/// in it.
pub(crate) type Put = (u64, u64);

/// What a computation has used.
struct Used {
    /// Those from which it was computed.
    dependents: Vec<Arc<Dependent>>,
    /// While the body runs.
    noted: Option<Box<Noted>>,
    /// Its body is done: what goes on of it is no part of the result.
    is_over: bool,
    /// The moment as of which its result was put into the store, if it was.
    put_at: Put,
    is_put: bool,
    /// Memory has forgotten its result as the store told it to.
    is_gone: bool,
}

/// What was noted of a body, and is noted once.
#[derive(Default)]
struct Noted {
    /// Each call of each function, without the tags of its result and with them.
    calls: HashSet<(usize, [u8; DIGEST], bool)>,
    /// The addresses of those from which it is computed.
    dependents: HashSet<usize>,
}

impl fmt::Debug for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependent").field("function", &self.owner.name()).finish_non_exhaustive()
    }
}

impl Dependent {
    pub(crate) fn new(
        owner: &'static dyn Function,
        digest: [u8; DIGEST],
        hashes: Hashes,
    ) -> Arc<Self> {
        Arc::new(Self {
            owner,
            digest,
            hashes,
            is_void: AtomicBool::new(false),
            is_spoiled: AtomicBool::new(false),
            pairs: AtomicUsize::new(0),
            until: AtomicU64::new(u64::MAX),
            used: Mutex::new(Used {
                dependents: Vec::new(),
                noted: None,
                is_over: false,
                put_at: (0, 0),
                is_put: false,
                is_gone: false,
            }),
        })
    }

    /// Notes a call of a function that its body makes, whose result's tags are known or not; false if it was
    /// noted before, or is no part of the body.
    pub(crate) fn calls(&self, function: usize, digest: &[u8; DIGEST], has_tags: bool) -> bool {
        let mut used = self.used.lock();
        !used.is_over
            && used.noted.get_or_insert_default().calls.insert((function, *digest, has_tags))
    }

    /// Notes what such a call returned: from what that was computed, if it is known, and until when it is
    /// served.
    pub(crate) fn uses(&self, from: Option<Arc<Self>>, until: Option<Tick>) {
        // Relaxed, here and below: it is read by who ends the computation, after all of its calls.
        if let Some(until) = until {
            self.until.fetch_min(until.nanos(), Ordering::Relaxed);
        }
        let Some(from) = from else { return };
        if from.is_spoiled() {
            self.spoil();
        }
        self.until.fetch_min(from.until.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut used = self.used.lock();
        // It would hold itself, if what goes on of it used what it has become.
        if used.is_over {
            return;
        }
        let noted = used.noted.get_or_insert_default();
        if noted.dependents.insert(Arc::as_ptr(&from).addr()) {
            used.dependents.push(from);
        }
    }

    /// The moment until which all is served that it has used; nothing, if that is for ever.
    pub(crate) fn until(&self) -> Option<Tick> {
        let until = self.until.load(Ordering::Relaxed);
        (until != u64::MAX).then(|| Tick::from_nanos(until))
    }

    /// It has used what was forgotten meanwhile. Relaxed, as above.
    pub(crate) fn spoil(&self) {
        self.is_spoiled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_spoiled(&self) -> bool {
        self.is_spoiled.load(Ordering::Relaxed)
    }

    /// Its body is done, and makes no more calls.
    pub(crate) fn conclude(&self) {
        let mut used = self.used.lock();
        (used.noted, used.is_over) = (None, true);
        used.dependents.shrink_to_fit();
    }

    /// Its result is put into the store as of this moment; false if it is not to be any more.
    pub(crate) fn is_put(&self, at: Put) -> bool {
        let mut used = self.used.lock();
        (used.put_at, used.is_put) = (at, !used.is_gone);
        used.is_put
    }

    /// When its result was put into the store.
    pub(crate) fn put_at(&self) -> Option<Put> {
        let used = self.used.lock();
        used.is_put.then_some(used.put_at)
    }

    /// Memory forgets its result, which is not put into the store from now on: when it was.
    pub(crate) fn gone_from_memory(&self) -> Option<Put> {
        let mut used = self.used.lock();
        used.is_gone = true;
        used.is_put.then_some(used.put_at)
    }

    /// In a [turn](Turn): whether it was not void before.
    pub(crate) fn make_void(&self) -> bool {
        // Relaxed: one thread at a time has the turn.
        !self.is_void.swap(true, Ordering::Relaxed)
    }

    /// What is void needs those no more from which it was computed. They are dropped outside locks.
    pub(crate) fn let_go(&self) -> Vec<Arc<Self>> {
        std::mem::take(&mut self.used.lock().dependents)
    }
}

impl Drop for Dependent {
    /// Ends the chain of those from which it was computed in a loop: it may be as long as there are
    /// results.
    fn drop(&mut self) {
        DEAD.fetch_add(self.pairs.load(Ordering::Relaxed) as isize, Ordering::Relaxed);
        let mut left = std::mem::take(&mut self.used.lock().dependents);
        while let Some(from) = left.pop() {
            if let Some(from) = Arc::into_inner(from) {
                left.append(&mut from.used.lock().dependents);
            }
        }
    }
}

/// The functions that have dependents, and which of them is looked at next for those that have gone.
static WITH_PAIRS: Mutex<(Vec<&'static dyn Function>, usize)> = Mutex::new((Vec::new(), 0));

/// A function has dependents from now on.
pub(crate) fn list(function: &'static dyn Function) {
    WITH_PAIRS.lock().0.push(function);
}

/// Looks for pairs of dependents that have gone, if there are many: what any miss does.
#[inline]
pub(crate) fn tend() {
    if DEAD.load(Ordering::Relaxed) > MAX_DEAD {
        look_at_next();
    }
}

#[cold]
fn look_at_next() {
    let next = {
        let (functions, at) = &mut *WITH_PAIRS.lock();
        *at = (*at + 1) % functions.len().max(1);
        functions.get(*at).copied()
    };
    if let Some(function) = next {
        function.forget_some_dependents();
    }
}

/// The right to take dependents and void them: of one thread at a time, so that who finds none of what it
/// forgets finds them void as well.
#[must_use]
pub(crate) struct Turn {
    /// Held for its drop.
    _guard: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Turn {
    /// What `hold` locks; in a turn, if that is needed. The caller holds no other lock.
    pub(crate) fn with<T>(
        hold: impl Fn() -> T,
        is_needed: impl FnOnce(&T) -> bool,
    ) -> (Option<Self>, T) {
        let held = hold();
        if !is_needed(&held) {
            return (None, held);
        }
        // It precedes all other locks.
        drop(held);
        let turn = Self { _guard: TURN.lock() };
        (Some(turn), hold())
    }

    /// Voids these, and all that depends on them. The caller holds no other lock.
    pub(crate) fn void(self, taken: Taken) -> Voided {
        let (mut left, mut ends) = (taken, Vec::new());
        while let Some(dependent) = left.next() {
            // What nobody holds any more has no entry, and nothing depends on it.
            let Some(dependent) = removed(&dependent) else { continue };
            ends.extend(dependent.owner.void(&dependent, &mut left));
        }
        drop(self);
        Voided(ends)
    }
}

/// What is left to do for what was voided, outside all locks: that may be the user's code.
#[must_use]
pub(crate) struct Voided(Vec<Box<dyn FnOnce()>>);

impl Voided {
    pub(crate) const fn nothing() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn conclude(self) {
        self.0.into_iter().for_each(|end| end());
    }
}

/// Has nobody void anything for as long as the process forks.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let turn = TURN.lock();
    Box::new(move |_| drop(turn))
}

/// The same for the list of functions, which is locked under a cache.
#[cfg(unix)]
pub(crate) fn list_before_fork() -> Unlock {
    let list = WITH_PAIRS.lock();
    Box::new(move |_| drop(list))
}
