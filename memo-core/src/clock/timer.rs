//! Delays of tasks: one thread for all of them, which is there only while there are any.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Instant;
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::platform::sync::{Condvar, Mutex};
use crate::platform::unwind::{discard_waker, wake};

/// A future that is ready once a moment has passed. Dropped, it is cancelled.
///
/// Where no thread can be started, as on WebAssembly, it does not wait: a bound that is over at once
/// lets a call compute for itself, one that never ends would hang it.
#[derive(Debug)]
pub(crate) struct Delay {
    /// None is later than any moment.
    deadline: Option<Instant>,
    /// Where its waker is, once it has been polled.
    place: Option<Place>,
}

/// A delay's place in the order of all: its deadline, and a number that is its own.
type Place = (Instant, u64);

#[derive(Debug)]
struct Timer {
    delays: BTreeMap<Place, Waker>,
    /// The number of the next delay.
    next: u64,
    is_running: bool,
    /// Until when the thread sleeps, if it does.
    asleep_until: Option<Instant>,
}

static TIMER: Mutex<Timer> =
    Mutex::new(Timer { delays: BTreeMap::new(), next: 0, is_running: false, asleep_until: None });
/// An earlier delay came than the one that the thread sleeps for.
static EARLIER: Condvar = Condvar::new();

/// The longest that the thread sleeps. It ends when it has slept so long with nothing to do; as
/// nobody wakes it for a delay that is dropped, it ends within twice this time after the last one.
const KEEP_ALIVE: Duration = Duration::from_millis(500);

/// Whether delays end: not in tests that choose their schedules, so that who waits there for a bound
/// to run out is seen to wait for ever.
const END: bool = !cfg!(all(test, memo_shuttle));

impl Delay {
    pub(crate) fn new(duration: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(duration), place: None }
    }

    pub(crate) fn until(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), place: None }
    }

    /// Sets another deadline; the delay is to be polled again, if it was before.
    pub(crate) fn reset(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = Some(deadline);
    }

    fn cancel(&mut self) {
        if let Some(place) = self.place.take() {
            let waker = TIMER.lock().delays.remove(&place);
            discard_waker(waker);
        }
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if deadline <= Instant::now() {
            self.cancel();
            return Poll::Ready(());
        }
        if !END {
            return Poll::Pending;
        }
        let waker = context.waker().clone();
        let (place, before, starts) = TIMER.lock().insert(deadline, self.place, waker);
        self.place = Some(place);
        discard_waker(before);
        if starts && !start(place) {
            self.place = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Has a waker woken at that moment; false if there is no thread that could.
pub(crate) fn wake_at(moment: Instant, waker: Waker) -> bool {
    if !END {
        return true;
    }
    let (place, _, starts) = TIMER.lock().insert(moment, None, waker);
    !starts || start(place)
}

impl Timer {
    /// Has a waker woken at the deadline, in the place of the one that is there. The place, the
    /// waker that was there, and whether the caller is to start the thread.
    fn insert(
        &mut self,
        deadline: Instant,
        place: Option<Place>,
        waker: Waker,
    ) -> (Place, Option<Waker>, bool) {
        let place = place.unwrap_or_else(|| {
            self.next += 1;
            (deadline, self.next)
        });
        let before = self.delays.insert(place, waker);
        if self.asleep_until.is_some_and(|until| deadline < until) {
            EARLIER.notify_one();
        }
        let starts = !std::mem::replace(&mut self.is_running, true);
        (place, before, starts)
    }

    /// Takes the wakers of the delays that are over.
    fn take_due(&mut self) -> Vec<Waker> {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = self.delays.first_entry() {
            if first.key().0 > now {
                break;
            }
            due.push(first.remove());
        }
        due
    }
}

/// Starts the thread, which was marked as running; false if that cannot be done. The delays that
/// were polled meanwhile are woken then, to find out for themselves: but for the caller's own, which
/// might come here again.
#[cold]
fn start(own: Place) -> bool {
    // Without the lock, as it takes tens of microseconds.
    if spawn().is_ok() {
        return true;
    }
    let (own, others) = {
        let mut timer = TIMER.lock();
        timer.is_running = false;
        (timer.delays.remove(&own), std::mem::take(&mut timer.delays))
    };
    discard_waker(own);
    others.into_values().for_each(wake);
    false
}

fn spawn() -> std::io::Result<()> {
    #[cfg(test)]
    tests::refuse()?;
    std::thread::Builder::new().name("memo-timer".into()).spawn(run).map(drop)
}

fn run() {
    let mut timer = TIMER.lock();
    loop {
        let due = timer.take_due();
        if !due.is_empty() {
            drop(timer);
            due.into_iter().for_each(wake);
            timer = TIMER.lock();
            continue;
        }
        let now = Instant::now();
        let longest = now + KEEP_ALIVE;
        let (was_idle, until) = match timer.delays.first_key_value() {
            Some(((deadline, _), _)) => (false, longest.min(*deadline)),
            None => (true, longest),
        };
        timer.asleep_until = Some(until);
        let is_over;
        (timer, is_over) = EARLIER.wait_for(timer, until.saturating_duration_since(now));
        timer.asleep_until = None;
        if is_over && was_idle && timer.delays.is_empty() {
            timer.is_running = false;
            return;
        }
    }
}

/// In a child of `fork` the thread is not there. Delays of the parent's other threads are nobody's,
/// and their wakers may never be able to wake; this thread's are polled again, or were not awaited.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let mut timer = TIMER.lock();
    Box::new(move |side| {
        if side == Side::Child {
            std::mem::forget(std::mem::take(&mut timer.delays));
            (timer.is_running, timer.asleep_until) = (false, None);
        }
    })
}

#[cfg(test)]
mod tests;
