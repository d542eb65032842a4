//! Who may still be reading: pins, and when what was unlinked can be freed.
//!
//! Epoch-based reclamation with the cost on the side of the writer. A reader pins the current
//! epoch with two plain stores around its read; a writer unlinks, advances the epoch, and frees
//! once no thread is pinned at an epoch from before. What makes a plain store enough is a
//! [`barrier`] that the writer has every thread of the process pass, so that either it sees the
//! reader's pin or the reader sees its unlinking. A hit on a number takes 5 to 7 ns in all, without a
//! locked instruction. Where the system has no such barrier, pins use a fence.
//!
//! Each thread's record also holds its stripes of the hit counters: written by their thread alone,
//! with plain loads and stores, and added up by whoever asks.

mod barrier;
mod garbage;
mod hold;
mod slices;
#[cfg(all(test, any(memo_loom, memo_shuttle)))]
pub(crate) mod tests;

use std::cell::Cell;
use std::ptr::{self, NonNull};

#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::platform::sync::atomic::{
    compiler_fence, fence, AtomicPtr, AtomicU64, AtomicUsize, Ordering,
};
use crate::platform::sync::{thread_local, Mutex};

pub(crate) use barrier::tend;
pub(crate) use garbage::{Garbage, IsHeld, Kind, Rescue, Retired, DUE_BYTES};
pub(crate) use hold::Hold;
use hold::{Holds, Readers};
pub(crate) use slices::{free, free_more, free_some, Quota};

/// A thread's pin and stripes. Leaked, and handed to another thread when its own ends.
#[derive(Debug)]
#[repr(align(128))] // Two cache lines, which neighbouring-line prefetch treats as one.
struct Record {
    /// The epoch at which its thread is pinned, or [`UNPINNED`].
    pinned: AtomicU64,
    /// This thread's hits, by function; written by its thread alone, grown under `RECORDS`.
    hits: AtomicPtr<AtomicU64>,
    hits_len: AtomicUsize,
    holds: Holds,
}

/// Every record ever made, and those that no thread uses.
struct Records {
    all: Vec<&'static Record>,
    free: Vec<&'static Record>,
}

static RECORDS: Mutex<Records> = Mutex::new(Records { all: Vec::new(), free: Vec::new() });

/// Advanced with each piece that is retired: 64 bits never wrap, where 32 would within the hour.
static EPOCH: AtomicU64 = AtomicU64::new(UNPINNED + 1);
const UNPINNED: u64 = 0;

thread_local! {
    // Without a destructor, so that the hot path is one load; `Lease` clears them. The first is set
    // where a pin needs no fence, the second where it does: which of them is, is one question less.
    static RECORD: Cell<Option<&'static Record>> = const { Cell::new(None) };
    static FENCED_RECORD: Cell<Option<&'static Record>> = const { Cell::new(None) };
    // Whether its record is the second though it could be the first.
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
    static LEASE: Lease = const { Lease };
}

/// Gives the thread's record back when the thread ends.
struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(record) = RECORD.take().or(FENCED_RECORD.take()) {
            RECORDS.lock().free.push(record);
        }
    }
}

/// Puts this thread's record aside, for as long as this lives: pins take a fence and the long way
/// there, on which is asked whose what they look for is, and for whom. Who has it drops it on the thread on
/// which it was made, in the reverse order.
#[derive(Debug)]
pub(crate) struct Aside {
    was_aside: bool,
}

/// Whether this thread's record is put aside.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_aside() -> bool {
    IS_ASIDE.get()
}

impl Aside {
    pub(crate) fn new() -> Self {
        let was_aside = IS_ASIDE.replace(true);
        if let Some(record) = RECORD.take() {
            FENCED_RECORD.set(Some(record));
        }
        Self { was_aside }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.was_aside {
            return;
        }
        IS_ASIDE.set(false);
        if barrier::is_asymmetric() {
            RECORD.set(FENCED_RECORD.take());
        }
    }
}

/// A read under way: what it finds is not freed before it is dropped.
///
/// Nothing that anyone unlinks is, in the whole process: so it is for moments, and the user's code is
/// called while a [`Hold`] keeps what it needs.
#[derive(Debug)]
pub(crate) struct Pin {
    record: &'static Record,
    /// The pin that this one is nested in, if any, is the one to be undone.
    is_outer: bool,
    is_borrowed: bool,
}

#[cfg(test)]
pub(crate) fn pin() -> Pin {
    pin_or_else(pin_with_fence)
}

/// A pin, or what the caller does first where that may take a lock.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn pin_or_else<P: From<Pin>>(otherwise: fn() -> P) -> P {
    match RECORD.get() {
        Some(record) => {
            let pin = Pin::new(record, false);
            // The pin is stored before what is read next, as far as this thread's instructions go;
            // for what other threads see, the writer's barrier stands in.
            compiler_fence(Ordering::SeqCst);
            pin.into()
        }
        None => otherwise(),
    }
}

/// A pin that takes nothing but plain stores, and no call: nothing where it would take more.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn pin_at_once() -> Option<Pin> {
    let record = RECORD.get()?;
    let pin = Pin::new(record, false);
    if !pin.is_outer {
        return None;
    }
    compiler_fence(Ordering::SeqCst);
    Some(pin)
}

/// The first pin of a thread, or any where the system has no asymmetric barrier.
#[inline(never)]
pub(crate) fn pin_with_fence() -> Pin {
    let (record, is_borrowed) = match FENCED_RECORD.get() {
        Some(record) => (record, false),
        None => enlist(),
    };
    let pin = Pin::new(record, is_borrowed);
    fence(Ordering::SeqCst);
    pin
}

impl Pin {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new(record: &'static Record, is_borrowed: bool) -> Self {
        // Relaxed: only this thread writes it.
        let is_outer = record.pinned.load(Ordering::Relaxed) == UNPINNED;
        if is_outer {
            // Acquire: who reads an epoch after the one in which something was retired also sees
            // that it was unlinked. Release: a writer may see this pin and never have seen the one
            // before end, whose reads are to have happened before whatever it frees. A barrier
            // orders the store before what is read next.
            record.pinned.store(EPOCH.load(Ordering::Acquire), Ordering::Release);
        }
        Self { record, is_outer, is_borrowed }
    }

    /// Counts a hit of the function with this index.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn count_hit(&self, function: usize) {
        while !self.count_hit_at_once(function) {
            grow(self.record, function);
        }
    }

    /// Counts a hit, if this thread has a stripe for the function already.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn count_hit_at_once(&self, function: usize) -> bool {
        self.record.count_hit_at_once(function)
    }
}

impl Record {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn count_hit_at_once(&self, function: usize) -> bool {
        // Relaxed: this thread alone writes its stripes and where they are; sums are taken with
        // `RECORDS` locked, and a sum is only as old as the last store it saw.
        if function >= self.hits_len.load(Ordering::Relaxed) {
            return false;
        }
        let stripes = self.hits.load(Ordering::Relaxed);
        // SAFETY: `stripes` are `hits_len` counters, freed only by this thread in `grow`.
        let stripe = unsafe { &*stripes.add(function) };
        stripe.store(stripe.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        true
    }
}

impl Drop for Pin {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.is_outer {
            // Release: the reads under this pin happen before whatever a writer that sees it ended
            // frees.
            self.record.pinned.store(UNPINNED, Ordering::Release);
            if self.is_borrowed {
                release(self.record);
            }
        }
    }
}

#[cold]
#[inline(never)]
fn enlist() -> (&'static Record, bool) {
    let record = {
        let mut records = RECORDS.lock();
        records.free.pop().unwrap_or_else(|| {
            let record: &'static Record = Box::leak(Box::new(Record {
                pinned: AtomicU64::new(UNPINNED),
                hits: AtomicPtr::new(ptr::null_mut()),
                hits_len: AtomicUsize::new(0),
                holds: Holds::new(),
            }));
            records.all.push(record);
            record
        })
    };
    // While a thread's locals are being destroyed nobody would give the record back at the end:
    // it is borrowed for this pin alone.
    let own = if barrier::is_asymmetric() && !IS_ASIDE.get() { &RECORD } else { &FENCED_RECORD };
    let is_borrowed = LEASE.try_with(|_| own.set(Some(record))).is_err();
    (record, is_borrowed)
}

#[cold]
fn release(record: &'static Record) {
    RECORDS.lock().free.push(record);
}

#[cold]
#[inline(never)]
fn grow(record: &Record, function: usize) {
    let stripes: Vec<AtomicU64> =
        (0..(function + 1).next_power_of_two().max(8)).map(|_| AtomicU64::new(0)).collect();
    let _records = RECORDS.lock();
    let old_len = record.hits_len.load(Ordering::Relaxed);
    let old = record.hits.load(Ordering::Relaxed);
    for (index, stripe) in stripes.iter().enumerate().take(old_len) {
        // SAFETY: `old` has `old_len` counters.
        stripe.store(unsafe { &*old.add(index) }.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    let stripes = Box::leak(stripes.into_boxed_slice());
    record.hits_len.store(stripes.len(), Ordering::Relaxed);
    record.hits.store(stripes.as_mut_ptr(), Ordering::Relaxed);
    if let Some(old) = NonNull::new(old) {
        let old = ptr::slice_from_raw_parts_mut(old.as_ptr(), old_len);
        // SAFETY: leaked here as a box of `old_len` counters; its thread, the only one that reads
        // it without the lock, is this one.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// The hits of a function, of all threads.
pub(crate) fn hits(function: usize) -> u64 {
    let records = RECORDS.lock();
    let stripes = records.all.iter().filter_map(|record| {
        if function >= record.hits_len.load(Ordering::Relaxed) {
            return None;
        }
        let stripes = record.hits.load(Ordering::Relaxed);
        // SAFETY: with `RECORDS` locked, these are `hits_len` live counters.
        Some(unsafe { &*stripes.add(function) }.load(Ordering::Relaxed))
    });
    stripes.sum()
}

/// In a child of `fork` there is this thread alone, and what the others read is read by nobody.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let left = slices::before_fork();
    let mut records = RECORDS.lock();
    Box::new(move |side| {
        left(side);
        if side == Side::Child {
            let own = RECORD.get().or(FENCED_RECORD.get());
            let is_own =
                |record: &&'static Record| own.is_some_and(|own| std::ptr::eq(own, *record));
            let others: Vec<_> = records.all.iter().copied().filter(|it| !is_own(it)).collect();
            for record in &others {
                // Relaxed: there is no other thread.
                record.pinned.store(UNPINNED, Ordering::Relaxed);
                record.holds.forget_all();
            }
            records.free = others;
            barrier::in_child();
        }
    })
}

/// Whether there is no thread but this one that can have a pin.
fn is_alone() -> bool {
    let records = RECORDS.lock();
    let own = RECORD.get().or(FENCED_RECORD.get());
    records.all.len() == records.free.len() + usize::from(own.is_some())
}
