//! Functions in the order of a number that each has for now: when its next entry expires, how old
//! its oldest entry is.
//!
//! A function is listed with a number that is at most its own by now; whoever takes it out asks it
//! what that is. So what changes at every call need not be told, and what is found is exact.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::platform::sync::atomic::{AtomicU64, Ordering};
use crate::platform::sync::Mutex;

use crate::function::registry::Function;
#[cfg(unix)]
use crate::platform::process::Unlock;

/// Later than every number.
pub(crate) const NEVER: u64 = u64::MAX;

pub(crate) struct Agenda {
    listed: Mutex<BinaryHeap<Reverse<Listed>>>,
    /// The smallest number in it.
    next: AtomicU64,
}

struct Listed {
    number: u64,
    function: &'static dyn Function,
}

impl Agenda {
    pub(crate) const fn new() -> Self {
        Self { listed: Mutex::new(BinaryHeap::new()), next: AtomicU64::new(NEVER) }
    }

    /// The smallest number of all, or one that was a moment ago.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn next(&self) -> u64 {
        // Relaxed: it says when to look; what is found is read under locks.
        self.next.load(Ordering::Relaxed)
    }

    /// Lists a function, whose own lock may be held.
    pub(crate) fn list(&self, number: u64, function: &'static dyn Function) {
        let mut listed = self.listed.lock();
        listed.push(Reverse(Listed { number, function }));
        self.set_next(&listed);
    }

    /// Takes out the first function, if its number is at most that; and the number of the one after
    /// it.
    pub(crate) fn take(&self, at_most: u64) -> Option<(u64, &'static dyn Function, u64)> {
        let mut listed = self.listed.lock();
        listed.peek().filter(|Reverse(first)| first.number <= at_most)?;
        let Reverse(Listed { number, function }) = listed.pop()?;
        self.set_next(&listed);
        Some((number, function, self.next()))
    }

    /// Takes out all functions.
    #[cfg(all(test, memo_shuttle))]
    pub(crate) fn forget_all(&self) {
        let mut listed = self.listed.lock();
        listed.clear();
        self.set_next(&listed);
    }

    #[cfg(unix)]
    pub(crate) fn before_fork(&'static self) -> Unlock {
        let listed = self.listed.lock();
        Box::new(move |_| drop(listed))
    }

    fn set_next(&self, listed: &BinaryHeap<Reverse<Listed>>) {
        let next = listed.peek().map_or(NEVER, |Reverse(first)| first.number);
        self.next.store(next, Ordering::Relaxed);
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Listed {}

impl PartialOrd for Listed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Listed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}
