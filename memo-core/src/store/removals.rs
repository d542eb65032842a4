//! The calls that are to be forgotten in a store, and could not be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::key::DIGEST;
use crate::platform::sync::Mutex;
#[cfg(unix)]
use crate::platform::sync::MutexGuard;

pub(super) struct Removals {
    pending: Mutex<Pending>,
    has_any: AtomicBool,
}

/// Each by how many were noted before it was, the last time.
pub(super) struct Pending {
    calls: BTreeMap<[u8; DIGEST], u64>,
    noted: u64,
}

/// With more than that, all is to be forgotten.
const MAX: usize = 4096;

impl Removals {
    pub(super) const fn new() -> Self {
        Self {
            pending: Mutex::new(Pending { calls: BTreeMap::new(), noted: 0 }),
            has_any: AtomicBool::new(false),
        }
    }

    #[cfg(unix)]
    pub(super) fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock()
    }

    /// Notes a call. Where there are too many, `forget_all` is to see to all of them.
    pub(super) fn note(&self, digest: [u8; DIGEST], forget_all: impl FnOnce()) {
        let mut pending = self.pending.lock();
        if pending.calls.len() >= MAX {
            pending.calls.clear();
            forget_all();
        } else {
            let number = pending.noted;
            pending.noted += 1;
            pending.calls.insert(digest, number);
            // Release: who sees it also sees the call.
            self.has_any.store(true, Ordering::Release);
        }
    }

    pub(super) fn has(&self, digest: &[u8; DIGEST]) -> bool {
        self.has_any.load(Ordering::Acquire) && self.pending.lock().calls.contains_key(digest)
    }

    /// How many were noted by now: to be asked before the store is.
    pub(super) fn noted(&self) -> u64 {
        self.pending.lock().noted
    }

    /// It is forgotten there; all calls are, if nothing is said. What was noted since the store was
    /// asked may have come there since.
    pub(super) fn done(&self, digest: Option<&[u8; DIGEST]>, noted_before: u64) {
        if !self.has_any.load(Ordering::Acquire) {
            return;
        }
        let mut pending = self.pending.lock();
        let is_meant = |call: &[u8; DIGEST]| digest.is_none_or(|digest| digest == call);
        pending.calls.retain(|call, number| *number >= noted_before || !is_meant(call));
        self.has_any.store(!pending.calls.is_empty(), Ordering::Release);
    }
}
