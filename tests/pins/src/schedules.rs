//! What readers and writers do at once.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicPtr, Ordering};
use loom::sync::Arc;
use loom::thread;

use crate::platform::sync::{begin, end_of_thread};
use crate::reclaim::{self, Garbage, Kind, Pin, Quota};

/// One test at a time: what is static is of all.
static TURN: Mutex<()> = Mutex::new(());

/// Tries what threads do in every way.
fn in_every_way(threads: impl Fn() + Send + Sync + 'static) {
    check(None, threads);
}

/// Tries it in every way in which no more threads than so many are interrupted.
fn with_interruptions(interruptions: usize, threads: impl Fn() + Send + Sync + 'static) {
    check(Some(interruptions), threads);
}

fn check(preemption_bound: Option<usize>, threads: impl Fn() + Send + Sync + 'static) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut model = loom::model::Builder::new();
    // `LOOM_MAX_PREEMPTIONS` says how many more, where not all are tried.
    model.preemption_bound = preemption_bound.map(|few| model.preemption_bound.unwrap_or(few));
    model.check(move || {
        begin();
        reclaim::tests::prepare(THREADS);
        threads();
        end_of_thread();
        reclaim::tests::forget_all();
    });
}

/// No more pin at once.
const THREADS: usize = 3;

/// A thread that ends as it should.
fn spawn(act: impl FnOnce() + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        act();
        end_of_thread();
    })
}

/// What a reader finds, and a writer frees. To read and to free it at once is what loom reports.
struct Entry {
    value: UnsafeCell<u64>,
}

const VALUE: u64 = 7;

impl Entry {
    fn leaked() -> *mut Self {
        Box::leak(Box::new(Self { value: UnsafeCell::new(VALUE) }))
    }

    fn check(&self) {
        // SAFETY: loom reports whoever writes it meanwhile.
        let value = self.value.with(|value| unsafe { *value });
        assert_eq!(value, VALUE, "it is freed");
    }

    const KIND: &'static Kind = &Kind { free: Self::free, rescue: None };

    /// # Safety
    /// It is an entry.
    unsafe fn free(entry: NonNull<u8>, quota: &mut Quota) -> bool {
        quota.spend(1);
        // SAFETY: as the caller says. Its memory stays, so that who reads it after all finds that out.
        let entry = unsafe { entry.cast::<Self>().as_ref() };
        // SAFETY: loom reports whoever reads it meanwhile.
        entry.value.with_mut(|value| unsafe { *value = 0 });
        true
    }
}

/// A slot, as a table has them.
struct Slot(AtomicPtr<Entry>);

impl Slot {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicPtr::new(Entry::leaked())))
    }

    /// What is there, for as long as the pin lasts.
    fn find<'p>(&self, _: &'p Pin) -> Option<&'p Entry> {
        // SAFETY: what is found under a pin is not freed before that ends, which is what is tried.
        NonNull::new(self.0.load(Ordering::Acquire)).map(|entry| unsafe { entry.as_ref() })
    }

    /// Replaces what is there, which is garbage then.
    fn replace(&self, new: *mut Entry, garbage: &mut Garbage) {
        let old = NonNull::new(self.0.swap(new, Ordering::Release));
        if let Some(old) = old {
            // SAFETY: it is unlinked, and whoever did that has it.
            unsafe { garbage.retire(old.cast(), size_of::<Entry>(), Entry::KIND) };
        }
    }
}

fn read(slot: &Slot) {
    let pin = reclaim::pin();
    if let Some(entry) = slot.find(&pin) {
        entry.check();
    }
}

/// Frees what can be.
fn collect(garbage: &mut Garbage) {
    reclaim::free(garbage.collect(), Quota::all());
}

fn remove(slot: &Slot) {
    replace(slot, std::ptr::null_mut());
}

fn replace(slot: &Slot, new: *mut Entry) {
    let mut garbage = Garbage::new();
    slot.replace(new, &mut garbage);
    collect(&mut garbage);
    // What it could not free it would keep: here it is left.
    std::mem::forget(garbage);
}

#[test]
fn what_is_read_under_a_pin_is_not_freed() {
    in_every_way(|| {
        let slot = Slot::new();
        let reader = spawn({
            let slot = Arc::clone(&slot);
            move || read(&slot)
        });
        let writer = spawn(move || remove(&slot));
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn nor_by_who_sees_a_later_pin_of_the_same_thread() {
    in_every_way(|| {
        let slot = Slot::new();
        let reader = spawn({
            let slot = Arc::clone(&slot);
            move || {
                read(&slot);
                read(&slot);
            }
        });
        let writer = spawn(move || remove(&slot));
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn what_is_held_is_not_freed_though_the_pin_ended() {
    in_every_way(|| {
        let slot = Slot::new();
        let reader = spawn({
            let slot = Arc::clone(&slot);
            move || {
                let pin = reclaim::pin();
                let found = slot.find(&pin).map(NonNull::from);
                let Some(entry) = found else { return };
                let hold = pin.hold(entry.cast()).expect("there is a place for it");
                // SAFETY: it is held.
                unsafe { entry.as_ref() }.check();
                drop(hold);
            }
        });
        let writer = spawn(move || remove(&slot));
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn what_two_writers_retire_is_freed_by_each_for_all_readers() {
    with_interruptions(3, || {
        let slot = Slot::new();
        let reader = spawn({
            let slot = Arc::clone(&slot);
            move || read(&slot)
        });
        let other = spawn({
            let slot = Arc::clone(&slot);
            move || replace(&slot, Entry::leaked())
        });
        remove(&slot);
        reader.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn what_nobody_reads_any_more_is_freed() {
    in_every_way(|| {
        let slot = Slot::new();
        let reader = spawn({
            let slot = Arc::clone(&slot);
            move || read(&slot)
        });
        let mut garbage = Garbage::new();
        slot.replace(std::ptr::null_mut(), &mut garbage);
        reader.join().unwrap();
        collect(&mut garbage);
        assert!(garbage.is_empty());
    });
}
