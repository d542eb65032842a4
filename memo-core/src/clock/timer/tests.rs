//! When delays end, and who is woken.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Arc};
use std::task::Wake;
use std::thread;

use super::*;

thread_local! {
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Fails where a test has said that no thread can be started.
pub(super) fn refuse() -> io::Result<()> {
    if IS_REFUSED.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    Ok(())
}

/// Tells a test that it was woken, and which one it is.
struct Tell(mpsc::Sender<u32>, u32);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(self.1);
    }
}

fn poll(delay: &mut Delay, waker: &Waker) -> Poll<()> {
    Pin::new(delay).poll(&mut Context::from_waker(waker))
}

/// Runs a delay on this thread.
fn block_on(mut delay: Delay) {
    let (tell, told) = mpsc::channel();
    let waker = Waker::from(Arc::new(Tell(tell, 0)));
    while poll(&mut delay, &waker).is_pending() {
        told.recv().unwrap();
    }
}

#[test]
fn delays_end_in_the_order_of_their_deadlines_and_not_before() {
    let (tell, told) = mpsc::channel();
    let start = Instant::now();
    let mut delays: Vec<_> = [30, 10, 20]
        .into_iter()
        .map(|millis| {
            let mut delay = Delay::until(start + Duration::from_millis(millis.into()));
            let waker = Waker::from(Arc::new(Tell(tell.clone(), millis)));
            assert!(poll(&mut delay, &waker).is_pending());
            delay
        })
        .collect();
    for millis in [10, 20, 30] {
        assert_eq!(told.recv().unwrap(), millis);
        assert!(start.elapsed() >= Duration::from_millis(millis.into()));
    }
    for delay in &mut delays {
        assert!(poll(delay, Waker::noop()).is_ready());
    }
}

#[test]
fn a_delay_that_is_over_is_ready_at_once_and_one_without_end_never() {
    let mut over = Delay::until(Instant::now());
    assert!(poll(&mut over, Waker::noop()).is_ready());
    let mut endless = Delay::new(Duration::MAX);
    assert!(poll(&mut endless, Waker::noop()).is_pending());
    assert_eq!(endless.place, None);
}

#[test]
fn a_delay_that_is_dropped_keeps_nothing_of_its_task() {
    let (tell, told) = mpsc::channel();
    let task = Arc::new(Tell(tell, 0));
    let waker = Waker::from(Arc::clone(&task));
    let mut delay = Delay::new(Duration::from_secs(60));
    assert!(poll(&mut delay, &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&task), 2);
    drop(delay);
    assert_eq!(Arc::strong_count(&task), 1);
    assert!(told.try_recv().is_err());
}

#[test]
fn a_delay_that_is_reset_ends_at_its_new_deadline() {
    let mut delay = Delay::new(Duration::from_secs(60));
    assert!(poll(&mut delay, Waker::noop()).is_pending());
    delay.reset(Instant::now());
    assert!(poll(&mut delay, Waker::noop()).is_ready());
    delay.reset(Instant::now() + Duration::from_secs(60));
    assert!(poll(&mut delay, Waker::noop()).is_pending());
    let soon = Instant::now() + Duration::from_millis(10);
    delay.reset(soon);
    block_on(delay);
    assert!(Instant::now() >= soon);
}

#[test]
fn the_last_who_polls_is_woken() {
    let (tell, told) = mpsc::channel();
    let mut delay = Delay::new(Duration::from_millis(20));
    for task in [1, 2] {
        let waker = Waker::from(Arc::new(Tell(tell.clone(), task)));
        assert!(poll(&mut delay, &waker).is_pending());
    }
    drop(tell);
    assert_eq!(told.iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as a waker may");
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as a waker may");
        }
    }
    let mut delay = Delay::new(Duration::from_millis(5));
    // Not dropped here, but by the timer, after it was woken.
    let waker = Waker::from(Arc::new(Panics));
    assert!(poll(&mut delay, &waker).is_pending());
    std::mem::forget(waker);
    block_on(Delay::new(Duration::from_millis(10)));
}

#[test]
fn wakers_are_cloned_woken_and_dropped_where_they_may_use_the_timer() {
    use std::task::{RawWaker, RawWakerVTable};
    static DONE: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
    fn uses_the_timer(what: usize) {
        let mut delay = Delay::new(Duration::from_secs(60));
        assert!(poll(&mut delay, Waker::noop()).is_pending());
        drop(delay);
        DONE[what].fetch_add(1, SeqCst);
    }
    fn clone(_: *const ()) -> RawWaker {
        uses_the_timer(0);
        RawWaker::new(std::ptr::null(), &USES)
    }
    static USES: RawWakerVTable =
        RawWakerVTable::new(clone, |_| uses_the_timer(1), |_| (), |_| uses_the_timer(2));
    // SAFETY: its functions do not use the pointer.
    let waker = unsafe { Waker::from_raw(clone(std::ptr::null())) };
    let mut delay = Delay::new(Duration::from_millis(5));
    for _ in 0..2 {
        assert!(poll(&mut delay, &waker).is_pending());
    }
    while DONE[1].load(SeqCst) == 0 {
        thread::yield_now();
    }
    drop(delay);
    drop(waker);
    assert_eq!(DONE.each_ref().map(|done| done.load(SeqCst)), [3, 1, 2]);
}

#[test]
fn without_a_thread_a_delay_does_not_wait() {
    IS_REFUSED.set(true);
    let mut delay = Delay::new(Duration::from_secs(60));
    loop {
        // While another test's delay has the thread running, that would do for this one too.
        wait_for_the_end();
        if poll(&mut delay, Waker::noop()).is_ready() {
            break;
        }
        delay.cancel();
    }
    assert_eq!(delay.place, None);
}

/// Waits until no thread runs, which is soon after the last delay of any test.
fn wait_for_the_end() {
    while TIMER.lock().is_running {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_thread_ends_when_no_delay_is_left() {
    block_on(Delay::new(Duration::from_millis(1)));
    wait_for_the_end();
}

/// Asks to be woken again, for as long as nobody can.
struct Again(AtomicUsize);

impl Wake for Again {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
        if IS_REFUSED.get() {
            wake_at(Instant::now() + Duration::from_millis(1), Waker::from(self));
        }
    }
}

#[test]
fn who_asks_to_be_woken_where_nobody_can_is_not_woken_to_ask_again() {
    IS_REFUSED.set(true);
    loop {
        wait_for_the_end();
        let again = Arc::new(Again(AtomicUsize::new(0)));
        let moment = Instant::now() + Duration::from_millis(1);
        if !wake_at(moment, Waker::from(Arc::clone(&again))) {
            assert_eq!(again.0.load(SeqCst), 0);
            break;
        }
    }
}
