//! Whether a leader that is a future is polled when it is woken.
//!
//! A future that is kept and not polled (by a `select!`, a `buffered` stream, a `Vec`) does not end
//! whatever it waits for, and nor do those who wait for it. So a leader's body is polled with a
//! waker that notes that it was woken; the next poll takes the note back. Such a note that is old
//! is a leader that is stalled.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Wake, Waker};

use parking_lot::Mutex;

use super::bound::STALL;
use super::Flight;
use crate::clock::Tick;

#[derive(Debug)]
pub(super) struct Polls {
    is_task: AtomicBool,
    /// When it was woken, as a [`Tick`], if it was not polled since; else 0.
    woken: AtomicU64,
    /// Who polls it, until they are woken.
    waker: Mutex<Option<Waker>>,
}

// Relaxed throughout: a note that is seen late makes a waiter wait for longer, and no other memory
// depends on it.
impl Polls {
    pub(super) const fn new() -> Self {
        Self { is_task: AtomicBool::new(false), woken: AtomicU64::new(0), waker: Mutex::new(None) }
    }

    pub(super) fn is_task(&self) -> bool {
        self.is_task.load(Ordering::Relaxed)
    }

    pub(super) fn stalled_since(&self) -> Option<Tick> {
        match self.woken.load(Ordering::Relaxed) {
            0 => None,
            woken => Some(Tick::from_nanos(woken)),
        }
    }
}

impl Flight {
    /// The waker to poll the leader with, who is polled with `waker`.
    pub(crate) fn polled_with(self: &Arc<Self>, waker: &Waker) -> Waker {
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = waker.clone();
        let before = self.polls.waker.lock().replace(waker);
        let woken = self.polls.woken.swap(0, Ordering::Relaxed);
        // Nobody may have waited, and noticed.
        if woken > 0 && Tick::now() > Tick::from_nanos(woken).plus(STALL) {
            self.delay();
        }
        self.polls.is_task.store(true, Ordering::Relaxed);
        drop(before);
        Arc::clone(self).into()
    }

    /// The leader has ended, and is polled no more.
    pub(crate) fn polled_out(&self) {
        let waker = self.polls.waker.lock().take();
        drop(waker);
    }
}

impl Wake for Flight {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Who polls is woken once for each poll; until then they know.
        let Some(waker) = self.polls.waker.lock().take() else { return };
        self.polls.woken.store(Tick::now().nanos().max(1), Ordering::Relaxed);
        waker.wake();
    }
}
