//! What depends on what: for each call of a function, and each tag, those that were computed from its results.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicIsize;
use std::sync::{Arc, Weak};

use super::Dependent;
use crate::key::tags::TagHash;
use crate::key::DIGEST;
use crate::platform::sync::atomic::Ordering;

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

    pub(super) fn next(&mut self) -> Option<Weak<Dependent>> {
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
pub(super) static DEAD: AtomicIsize = AtomicIsize::new(0);

/// With more than that, they are looked for.
pub(super) const MAX_DEAD: isize = 1024;

/// So many pairs are looked at on each occasion.
const LOOKS: usize = 64;

/// A pair is not there any more.
pub(super) fn removed(dependent: &Weak<Dependent>) -> Option<Arc<Dependent>> {
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
