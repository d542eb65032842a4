//! What was unlinked, and when it can be freed.

use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::barrier::{self, Passed};
use super::{oldest_pin, EPOCH};
use crate::clock::Instant;

/// What was unlinked and waits to be freed.
#[derive(Debug)]
pub(crate) struct Retired {
    /// Pins of this epoch and before may still reach it.
    epoch: u64,
    pointer: NonNull<u8>,
    free: unsafe fn(NonNull<u8>),
}

// SAFETY: what is retired is an entry, which is `Send` (see `entry::Ref`), or a table of them.
unsafe impl Send for Retired {}

impl Drop for Retired {
    fn drop(&mut self) {
        // SAFETY: `Garbage::collect` hands out only what no pin can reach, and `retire`'s caller
        // gave up the ownership.
        unsafe { (self.free)(self.pointer) };
    }
}

/// Retired memory of one cache.
#[derive(Debug)]
pub(crate) struct Garbage {
    retired: Vec<Retired>,
    bytes: usize,
    /// How many pieces are due: more, after a pin kept many.
    due: usize,
    /// The epoch at a moment from which on no barrier could be had.
    aging: Option<(u64, Instant)>,
}

/// When a collection is worth its barrier, a call of the system: at so many pieces, or so many bytes.
const PIECES: usize = 64;
const BYTES: usize = 256 * 1024;

/// Without a barrier, what was retired so long ago is free: see [`Passed::Nobody`].
const AGE: Duration = Duration::from_millis(1);

impl Garbage {
    pub(crate) const fn new() -> Self {
        Self { retired: Vec::new(), bytes: 0, due: PIECES, aging: None }
    }

    /// Takes what is unlinked already, and frees it with `free` once it cannot be reached.
    ///
    /// # Safety
    /// No pin that starts later can reach `pointer`; its ownership is given up, and `free` ends it.
    pub(crate) unsafe fn retire(
        &mut self,
        pointer: NonNull<u8>,
        bytes: usize,
        free: unsafe fn(NonNull<u8>),
    ) {
        // AcqRel: the unlinking happens before the new epoch is read by a pin (see `Pin::new`).
        let epoch = EPOCH.fetch_add(1, Ordering::AcqRel);
        self.retired.push(Retired { epoch, pointer, free });
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether enough waits that collecting pays.
    pub(crate) fn is_due(&self) -> bool {
        self.retired.len() >= self.due || self.bytes >= BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.retired.is_empty()
    }

    /// What can be freed now, by dropping it: outside locks, as a resource's drop is a user's.
    ///
    /// Whoever collects [tends](super::tend) the barrier outside the lock then: before the first
    /// one, nothing can be freed.
    pub(crate) fn collect(&mut self) -> Vec<Retired> {
        if self.retired.is_empty() {
            return Vec::new();
        }
        let until = match barrier::pass() {
            Passed::All => u64::MAX,
            Passed::Nobody => self.aged(),
            Passed::NotYet => return Vec::new(),
        };
        let until = oldest_pin().min(until);
        let (kept, free) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|retired| retired.epoch >= until);
        self.retired = kept;
        // What a pin still holds does not make the next collection due.
        self.bytes = 0;
        self.due = PIECES.max(self.retired.len() * 2);
        free
    }

    /// The epoch before which everything was retired long enough ago.
    #[cold]
    fn aged(&mut self) -> u64 {
        let now = Instant::now();
        let (epoch, since) = self.aging.unwrap_or((0, now));
        let is_old = now.saturating_duration_since(since) >= AGE;
        if is_old || self.aging.is_none() {
            // Relaxed: what this cache retired was counted under its lock.
            self.aging = Some((EPOCH.load(Ordering::Relaxed), now));
        }
        if is_old {
            epoch
        } else {
            0
        }
    }
}
