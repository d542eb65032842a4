//! What calls leave in a cache, which nobody outside sees.

mod bounds;
mod isolated;
#[cfg(memo_shuttle)]
mod schedules;
mod storms;

use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::{enter, insert, refresh, remove, Bytes, Call, Memo, Static};
use crate::codec::{OkOnly, Plain};

/// What the attribute makes of a call in a task of a function that returns a `Result`.
async fn awaited(
    call: Call<Result<u64, ()>, Bytes<OkOnly>>,
    body: impl Future<Output = Result<u64, ()>>,
) -> Result<u64, ()> {
    match call.missed() {
        Ok(result) => result,
        Err(miss) => miss.run_async(pin!(Some(body)).as_mut()).await,
    }
}

/// A future that is polled by hand.
struct Task {
    future: Pin<Box<dyn Future<Output = Result<u64, ()>> + Send>>,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Task {
    fn new(future: impl Future<Output = Result<u64, ()>> + Send + 'static) -> Self {
        Self { future: Box::pin(future), flag: Arc::default() }
    }

    fn poll(&mut self) -> Poll<Result<u64, ()>> {
        self.flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::SeqCst)
    }
}

fn call(memo: &'static Static, key: u64) -> Call<Result<u64, ()>, Bytes<OkOnly>> {
    enter(memo, Bytes(OkOnly), (&key, ()))
}

fn refreshing(memo: &'static Static, key: u64) -> Call<Result<u64, ()>, Bytes<OkOnly>> {
    refresh(memo, Bytes(OkOnly), (&key, ()))
}

/// A call on this thread, of a function that returns what is stored.
fn run(memo: &'static Static, key: u64, body: impl FnOnce() -> u64) -> u64 {
    enter(memo, Bytes(Plain), (&key, ())).run(body)
}
