//! What is computed from what: for functions with `depends`.
//!
//! A computation of such a function is a [`Dependent`]. Each memoized call in its body is noted with the
//! function that is called: that has [`Dependents`], by the digest of the call, whether or not it holds a
//! result of it. Who forgets a result takes those and [voids](Turn::void) them: each loses its entry, or
//! the flight that it is in is fenced, and so on with what depends on it in turn.
//!
//! A dependent holds those from which it was computed, so that the chain from one to the next stays
//! whole where an entry between them was evicted. What holds none of them but its own entry goes with that.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicIsize;
use std::sync::{Arc, Weak};

use crate::clock::Tick;
use crate::function::registry::Function;
use crate::key::tags::TagHash;
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

/// What a computation has used.
#[derive(Default)]
struct Used {
    /// Those from which it was computed.
    dependents: Vec<Arc<Dependent>>,
    /// While the body runs.
    noted: Option<Box<Noted>>,
    /// Its body is done: what goes on of it is no part of the result.
    is_over: bool,
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
            used: Mutex::default(),
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

/// What was computed from the results of one function. Under its cache's lock.
#[derive(Debug, Default)]
pub(crate) struct Dependents {
    of_calls: Pairs,
    of_tags: Pairs,
    /// What has been taken, and is to be voided.
    taken: Taken,
}

/// Dependents of what was forgotten. What a function, a call or a tag had of them is taken as a whole, and gone
/// through outside the lock.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Taken {
    single: Vec<Weak<Dependent>>,
    of_one: Vec<Many>,
    of_all: Vec<BTreeMap<u64, Of>>,
}

impl Taken {
    pub(crate) fn add(&mut self, other: Self) {
        self.single.extend(other.single);
        self.of_one.extend(other.of_one);
        self.of_all.extend(other.of_all);
    }

    fn next(&mut self) -> Option<Weak<Dependent>> {
        loop {
            if let Some(dependent) = self.single.pop() {
                return Some(dependent);
            }
            if let Some(many) = self.of_one.last_mut() {
                match many.pop_first() {
                    Some((_, dependent)) => return Some(dependent),
                    None => drop(self.of_one.pop()),
                }
            } else {
                match self.of_all.last_mut()?.pop_first() {
                    Some((_, of)) => self.take(of),
                    None => drop(self.of_all.pop()),
                }
            }
        }
    }

    fn take(&mut self, of: Of) {
        match of {
            Of::One(dependent) => self.single.push(dependent),
            Of::More(many) => self.of_one.push(many),
        }
    }
}

/// By their addresses.
type Many = BTreeMap<usize, Weak<Dependent>>;

/// What depends on one call, or on what has one tag.
#[derive(Debug)]
enum Of {
    One(Weak<Dependent>),
    More(Many),
}

/// Dependents by what they depend on: the digest of a call, or the hash of a tag.
///
/// Trees, as those grow without ever having to move all there is.
#[derive(Debug, Default)]
struct Pairs {
    pairs: BTreeMap<u64, Of>,
    /// Where it was looked last for those that have gone.
    looked: (u64, usize),
}

/// So many pairs there are of dependents that have gone, in all functions: the memory of these is not free
/// before that of the pairs.
// Relaxed, wherever it is changed: it says only whether to look for them. For a moment it may be less than it
// should, and below zero.
static DEAD: AtomicIsize = AtomicIsize::new(0);

/// With more than that, they are looked for.
const MAX_DEAD: isize = 1024;

/// So many pairs are looked at on each occasion.
const LOOKS: usize = 64;

/// A pair is not there any more.
fn removed(dependent: &Weak<Dependent>) -> Option<Arc<Dependent>> {
    let there = dependent.upgrade();
    match &there {
        Some(dependent) => {
            dependent.pairs.fetch_sub(1, Ordering::Relaxed);
        }
        None => {
            DEAD.fetch_sub(1, Ordering::Relaxed);
        }
    }
    there
}

fn address(dependent: &Weak<Dependent>) -> usize {
    dependent.as_ptr().addr()
}

fn is_gone(dependent: &Weak<Dependent>) -> bool {
    dependent.strong_count() == 0
}

impl Pairs {
    fn add(&mut self, on: u64, dependent: &Arc<Dependent>) {
        let new = Arc::downgrade(dependent);
        let before = match self.pairs.entry(on) {
            Entry::Vacant(vacant) => {
                vacant.insert(Of::One(new));
                None
            }
            Entry::Occupied(mut occupied) => match occupied.get_mut() {
                Of::One(other) if address(other) == address(&new) => Some(new),
                Of::One(other) => {
                    let both = [other.clone(), new].map(|one| (address(&one), one));
                    occupied.insert(Of::More(BTreeMap::from(both)));
                    None
                }
                Of::More(many) => many.insert(address(&new), new),
            },
        };
        if before.is_none() {
            dependent.pairs.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Looks at some pairs, for those whose dependents have gone.
    fn forget_some(&mut self, looks: usize) {
        for _ in 0..looks {
            let (on, from) = self.looked;
            let Some((&on, of)) = self.pairs.range_mut(on..).next().map(|(at, of)| {
                // From the beginning of another one.
                (at, (of, if *at == on { from } else { 0 }))
            }) else {
                self.looked = (0, 0);
                return;
            };
            let (of, from) = of;
            let next = on.checked_add(1).map_or((0, 0), |on| (on, 0));
            match of {
                Of::One(one) => {
                    self.looked = next;
                    if is_gone(one) {
                        removed(one);
                        self.pairs.remove(&on);
                    }
                }
                Of::More(many) => match many.range(from..).next() {
                    Some((&at, one)) => {
                        self.looked = at.checked_add(1).map_or(next, |at| (on, at));
                        if is_gone(one) {
                            removed(one);
                            many.remove(&at);
                        }
                    }
                    None => {
                        self.looked = next;
                        if many.is_empty() {
                            self.pairs.remove(&on);
                        }
                    }
                },
            }
        }
    }

    fn take(&mut self, on: u64, taken: &mut Taken) {
        if let Some(of) = self.pairs.remove(&on) {
            taken.take(of);
        }
    }
}

/// What a digest is known by here. Of two calls that have it in common both lose their dependents where
/// one is forgotten.
fn number(digest: &[u8; DIGEST]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Dependents {
    /// Adds one on a call with these tags.
    pub(crate) fn add(
        &mut self,
        digest: &[u8; DIGEST],
        tags: impl Iterator<Item = TagHash>,
        dependent: &Arc<Dependent>,
    ) {
        if DEAD.load(Ordering::Relaxed) > MAX_DEAD {
            // More than one for each that is added, so that they become fewer.
            self.of_calls.forget_some(2);
            self.of_tags.forget_some(2);
        }
        self.of_calls.add(number(digest), dependent);
        tags.for_each(|tag| self.of_tags.add(tag, dependent));
    }

    /// The call is forgotten.
    pub(crate) fn forget(&mut self, digest: &[u8; DIGEST]) {
        self.of_calls.take(number(digest), &mut self.taken);
    }

    /// What has the tag is forgotten.
    pub(crate) fn forget_tagged(&mut self, tag: TagHash) {
        self.of_tags.take(tag, &mut self.taken);
    }

    /// All is forgotten.
    pub(crate) fn forget_all(&mut self) {
        let (of_calls, of_tags) = (&mut self.of_calls.pairs, &mut self.of_tags.pairs);
        self.taken.of_all.extend([std::mem::take(of_calls), std::mem::take(of_tags)]);
    }

    /// Looks for some that have gone.
    pub(crate) fn forget_some(&mut self) {
        self.of_calls.forget_some(LOOKS);
        self.of_tags.forget_some(LOOKS);
    }

    /// What has been taken, to be voided once the lock is released.
    pub(crate) fn take(&mut self) -> Taken {
        std::mem::take(&mut self.taken)
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
