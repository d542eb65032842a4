//! Tasks without a runtime: polled by hand, or by the thread that waits for them.

use std::future::{poll_fn, Future};
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

/// A future that is polled by hand, with a waker of its own.
pub(crate) struct Task<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl<T> Task<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Box::pin(future), flag: Arc::default() }
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.flag.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it was woken after it was polled.
    pub(crate) fn is_woken(&self) -> bool {
        self.flag.0.load(SeqCst)
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.future.as_mut().poll(context)
    }
}

/// Polls a future on this thread until it is ready, whenever it is woken.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

/// Where tasks wait until it is opened, which wakes them.
pub(crate) struct Gate {
    /// Who waits; nothing once it is open.
    waiting: Mutex<Option<Vec<Waker>>>,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self { waiting: Mutex::new(Some(Vec::new())) }
    }

    pub(crate) async fn pass(&self) {
        let pass = |context: &mut Context<'_>| match &mut *self.waiting.lock().unwrap() {
            Some(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        };
        poll_fn(pass).await;
    }

    pub(crate) fn open(&self) {
        let waiting = self.waiting.lock().unwrap().take();
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Wakes who waits, and lets nobody pass.
    pub(crate) fn shake(&self) {
        let waiting = self.waiting.lock().unwrap().as_mut().map(std::mem::take);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap().get_or_insert_with(Vec::new);
    }
}
