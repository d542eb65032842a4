//! What was unlinked, and when it can be freed.

use std::ptr::NonNull;
use std::time::Duration;

use super::barrier::{self, Passed};
use super::slices::{self, Quota};
use super::{Readers, EPOCH};
use crate::clock::Instant;
use crate::platform::sync::atomic::Ordering;

/// What was unlinked and waits to be freed.
#[derive(Debug)]
pub(crate) struct Retired {
    /// Pins of this epoch and before may still reach it.
    epoch: u64,
    pointer: NonNull<u8>,
    kind: &'static Kind,
    /// It was not seen yet that it is not held, nor any part of it.
    may_be_held: bool,
}

/// What is retired.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Frees it, or so much of it as the quota says; whether that was all.
    ///
    /// # Safety
    /// Nobody can reach it, and the ownership is given up. Once it was all, it is not called again.
    pub(crate) free: unsafe fn(NonNull<u8>, &mut Quota) -> bool,
    /// It has parts, which may be [held](super::Hold) each.
    pub(crate) rescue: Option<Rescue>,
}

pub(crate) type IsHeld<'a> = &'a dyn Fn(NonNull<u8>) -> bool;

/// How parts outlive what they are parts of.
#[derive(Debug)]
pub(crate) struct Rescue {
    /// A share in each part that is held.
    ///
    /// # Safety
    /// It is alive, and nothing of it is freed yet.
    pub(crate) share: unsafe fn(NonNull<u8>, IsHeld<'_>) -> Vec<NonNull<u8>>,
    /// What such a part is.
    pub(crate) part: &'static Kind,
    /// What the whole is then.
    pub(crate) rest: &'static Kind,
}

// SAFETY: what is retired is an entry, which is `Send` (see `entry::Ref`), or a table of them.
unsafe impl Send for Retired {}

impl Drop for Retired {
    fn drop(&mut self) {
        self.pass_on_held();
        // SAFETY: `Garbage::collect` hands out only what no pin can reach, and `retire`'s caller
        // gave up the ownership.
        unsafe { (self.kind.free)(self.pointer, &mut Quota::all()) };
    }
}

impl Retired {
    /// Frees it as far as the quota goes; what is left of it. No lock is held.
    pub(super) fn free(mut self, quota: &mut Quota) -> Option<Self> {
        self.pass_on_held();
        if self.may_be_held {
            return Some(self);
        }
        // SAFETY: as for a drop, which comes after this or not at all.
        let is_all = unsafe { (self.kind.free)(self.pointer, quota) };
        if is_all {
            std::mem::forget(self);
            return None;
        }
        Some(self)
    }

    /// Whether somebody had a hold of it when it was last tried to free it.
    pub(super) fn may_be_held(&self) -> bool {
        self.may_be_held
    }

    /// Looks for holds, unless that was done since no pin can reach it any more: no other begins. Parts
    /// that are held go their own way.
    fn pass_on_held(&mut self) {
        if self.may_be_held {
            let readers = Readers::now();
            slices::leave(self.rescued(&readers).into());
            self.may_be_held = readers.hold(self.pointer);
        }
    }

    /// The parts of it that are held, to be freed on their own.
    fn rescued(&mut self, readers: &Readers) -> Vec<Self> {
        let Some(rescue) = &self.kind.rescue else { return Vec::new() };
        let mut parts = Vec::new();
        if !readers.held.is_empty() {
            // SAFETY: it is freed when `self` is, or later, and of another kind from here on.
            parts = unsafe { (rescue.share)(self.pointer, &|part| readers.hold(part)) };
        }
        let (epoch, kind) = (self.epoch, rescue.part);
        self.kind = rescue.rest;
        let retired = |pointer| Self { epoch, pointer, kind, may_be_held: true };
        parts.into_iter().map(retired).collect()
    }
}

/// Values in boxes.
struct Value<T>(std::marker::PhantomData<T>);

impl<T> Value<T> {
    const KIND: &'static Kind = &Kind { free: Self::free, rescue: None };

    /// # Safety
    /// It is a box of this type, leaked, and nobody else has it.
    unsafe fn free(value: NonNull<u8>, quota: &mut Quota) -> bool {
        // What it owns is a few chunks.
        quota.spend(VALUE);
        // SAFETY: as the caller says.
        drop(unsafe { Box::from_raw(value.cast::<T>().as_ptr()) });
        true
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
pub(super) const PIECES: usize = 64;
pub(crate) const DUE_BYTES: usize = 256 * 1024;

/// About as many bytes as a value has that is retired.
const VALUE: usize = 256 * 1024;
/// So many pieces with parts are looked through for held ones in one collection.
const FEW: usize = 4;

/// Without a barrier, what was retired so long ago is free: see [`Passed::Nobody`].
const AGE: Duration = Duration::from_millis(1);

impl Garbage {
    pub(crate) const fn new() -> Self {
        Self { retired: Vec::new(), bytes: 0, due: PIECES, aging: None }
    }

    /// Takes what is unlinked already, and frees it once it cannot be reached.
    ///
    /// # Safety
    /// No pin that starts later can reach `pointer`, which is of that kind; its ownership is given up.
    pub(crate) unsafe fn retire(
        &mut self,
        pointer: NonNull<u8>,
        bytes: usize,
        kind: &'static Kind,
    ) {
        // AcqRel: the unlinking happens before the new epoch is read by a pin (see `Pin::new`).
        let epoch = EPOCH.fetch_add(1, Ordering::AcqRel);
        self.retired.push(Retired { epoch, pointer, kind, may_be_held: true });
        self.add_bytes(bytes);
    }

    /// Takes what nobody else has, about so many bytes, to be freed with the rest.
    pub(crate) fn retire_value<T: Send + 'static>(&mut self, value: T, bytes: usize) {
        let pointer = NonNull::from(Box::leak(Box::new(value))).cast();
        // SAFETY: it was leaked as a box of this type, whose only pointer is given up.
        unsafe { self.retire(pointer, bytes, Value::<T>::KIND) };
    }

    /// Counts so many bytes more as retired.
    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether enough waits that collecting pays.
    pub(crate) fn is_due(&self) -> bool {
        self.retired.len() >= self.due || self.bytes >= DUE_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.retired.is_empty()
    }

    /// What can be [freed](super::free) now: outside locks, as a resource's drop is a user's.
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
        let readers = Readers::now();
        let until = readers.oldest_pin.min(until);
        let (mut kept, mut free): (Vec<_>, Vec<_>) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|retired| retired.epoch >= until);
        if !readers.held.is_empty() {
            let (held, rest) = free.into_iter().partition(|it| readers.hold(it.pointer));
            free = rest;
            kept.extend::<Vec<_>>(held);
        }
        // To go through a few arrays for what is held takes no time; more are left to who frees them.
        let mut wholes = 0;
        for retired in &mut free {
            wholes += usize::from(retired.kind.rescue.is_some());
            retired.may_be_held = retired.kind.rescue.is_some() && wholes > FEW;
            if !retired.may_be_held {
                kept.extend(retired.rescued(&readers));
            }
        }
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
