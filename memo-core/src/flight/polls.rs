//! Whether a leader that is a future is polled when it is woken.
//!
//! A future that is kept and not polled (by a `select!`, a `buffered` stream, a `Vec`) does not end
//! whatever it waits for, and nor do those who wait for it. So a leader's body is polled with a
//! waker that notes that it was woken; the next poll takes the note back. Such a note that is old
//! is a leader that is stalled.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::platform::sync::atomic::{AtomicBool, Ordering};
use crate::platform::sync::{thread, Mutex};

use super::bound::STALL;
use super::{Entered, Flight};
use crate::clock::Tick;
use crate::platform::unwind::catch;

#[derive(Debug)]
pub(super) struct Polls {
    is_task: AtomicBool,
    /// Its poll unwound.
    has_panicked: AtomicBool,
    note: Mutex<Note>,
}

#[derive(Debug)]
struct Note {
    /// Who polls it, until they are woken.
    waker: Option<Waker>,
    /// It is polled right now.
    is_polled: bool,
    /// When it was woken and not polled since.
    woken: Option<Tick>,
}

impl Polls {
    pub(super) const fn new() -> Self {
        Self {
            is_task: AtomicBool::new(false),
            has_panicked: AtomicBool::new(false),
            note: Mutex::new(Note { waker: None, is_polled: false, woken: None }),
        }
    }

    // Relaxed, here and below: set before the flight is found by others, or by who reads it.
    pub(super) fn is_task(&self) -> bool {
        self.is_task.load(Ordering::Relaxed)
    }

    pub(super) fn stalled_since(&self) -> Option<Tick> {
        let note = self.note.lock();
        note.woken.filter(|_| !note.is_polled)
    }
}

impl Flight {
    /// A task leads it, or will.
    pub(crate) fn set_task(&self) {
        self.polls.is_task.store(true, Ordering::Relaxed);
    }

    /// Whether its leader's body has panicked, as far as that can be told when the leader is dropped.
    pub(crate) fn has_panicked(&self) -> bool {
        if self.polls.is_task() {
            // A task may be dropped because another one unwinds.
            self.polls.has_panicked.load(Ordering::Relaxed)
        } else {
            thread::panicking()
        }
    }

    /// Polls what leads this flight in a task: inside the flight, and so that it is known to be
    /// polled.
    pub(crate) fn poll<T>(
        self: &Arc<Self>,
        context: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.is_of_parent() {
            let _entered = Entered::new(self);
            return poll(&mut Context::from_waker(context.waker()));
        }
        let polled = Polled::new(self, context.waker());
        let waker = Waker::from(Arc::clone(self));
        let result = {
            let _entered = Entered::new(self);
            poll(&mut Context::from_waker(&waker))
        };
        polled.end(result.is_ready());
        result
    }

    /// Who leads it is to be polled from now on, and does not know.
    pub(crate) fn expect_poll(self: &Arc<Self>) {
        if self.is_of_parent() {
            return;
        }
        self.polls.note.lock().woken = Some(Tick::now());
        self.watch_awaited();
    }

    /// Since when its leader has been woken and is not polled, if it is not.
    pub(crate) fn stalled_since(&self) -> Option<Tick> {
        if self.is_of_parent() {
            return None;
        }
        self.polls.stalled_since()
    }

    /// The leader has left, and is polled no more.
    pub(crate) fn forget_polls(&self) {
        if self.is_of_parent() {
            return;
        }
        let waker = {
            let mut note = self.polls.note.lock();
            note.woken = None;
            note.waker.take()
        };
        let _ = catch(|| drop(waker));
    }
}

/// A poll of a flight's leader.
struct Polled<'f> {
    flight: &'f Flight,
}

impl<'f> Polled<'f> {
    fn new(flight: &'f Flight, waker: &Waker) -> Self {
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = waker.clone();
        let (before, woken) = {
            let mut note = flight.polls.note.lock();
            note.is_polled = true;
            (note.waker.replace(waker), note.woken.take())
        };
        let _ = catch(|| drop(before));
        // Nobody may have waited, and noticed.
        if woken.is_some_and(|woken| Tick::now() > woken.plus(STALL)) {
            flight.delay();
        }
        Self { flight }
    }

    fn end(self, is_ready: bool) {
        if is_ready {
            self.flight.forget_polls();
        }
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.flight.polls.has_panicked.store(true, Ordering::Relaxed);
        }
        let mut note = self.flight.polls.note.lock();
        note.is_polled = false;
        // It was woken while it was polled: whoever polls it knows since now.
        note.woken = note.woken.map(|_| Tick::now());
    }
}

impl Wake for Flight {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_of_parent() {
            return;
        }
        let waker = {
            let mut note = self.polls.note.lock();
            // Who polls is woken once for each poll; until then they know.
            let Some(waker) = note.waker.take() else { return };
            note.woken = Some(Tick::now());
            waker
        };
        waker.wake();
        self.watch_awaited();
    }
}
