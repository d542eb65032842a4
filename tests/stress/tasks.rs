//! Calls in tasks, which are polled, dropped and left lying.

use std::future::{poll_fn, Future};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;

use crate::ledger::Ledger;
use crate::operations::caught;
use crate::random::{self, below, one_in};
use crate::record::Record;
use crate::verdict::{took, wrong};
use crate::{chains, resources};

const KEYS: u64 = 100;

static TASK: Ledger = Ledger::new("task");
static NESTED: Ledger = Ledger::new("nested");

#[memo]
async fn task(key: u64) -> Record {
    let record = TASK.read(key);
    pause(below(4)).await;
    if one_in(32) {
        resume_unwind(Box::new("not now"));
    }
    record
}

#[memo(max_entries = 30)]
async fn nested(key: u64) -> Result<Record, String> {
    let record = NESTED.read(key);
    if task(key).await.key != key {
        wrong("a nested call has another's result");
    }
    pause(below(3)).await;
    if one_in(8) {
        return Err("not now".into());
    }
    Ok(record)
}

/// Gives way so often.
pub(crate) async fn pause(times: u64) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A call in a task.
struct Call {
    future: Pin<Box<dyn Future<Output = ()>>>,
    flag: Arc<Flag>,
    began: Instant,
    /// It is not polled before, though it may be woken.
    lies_until: Instant,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Call {
    fn begin(future: impl Future<Output = ()> + 'static) -> Self {
        let now = Instant::now();
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Self { future: Box::pin(future), flag, began: now, lies_until: now }
    }

    /// Polls it if it was woken; whether it has ended.
    fn has_ended(&mut self) -> bool {
        if Instant::now() < self.lies_until || !self.flag.0.swap(false, SeqCst) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.flag));
        let mut context = Context::from_waker(&waker);
        let polled = caught(|| self.future.as_mut().poll(&mut context));
        let has_ended = !matches!(polled, Some(Poll::Pending));
        if has_ended {
            took("a task", self.began.elapsed());
        }
        has_ended
    }
}

/// An executor: begins calls, polls those that were woken, drops some and lets some lie.
pub(crate) fn execute(is_over: &AtomicBool) {
    let mut calls: Vec<Call> = Vec::new();
    while !is_over.load(Relaxed) {
        let key = random::key(KEYS);
        match below(200) {
            0 => TASK.forget_all(task::clear),
            1..=3 => TASK.forget(key, || task::remove(key)),
            4..=5 => NESTED.forget(key, || nested::remove(key)),
            6..=7 => NESTED.insert(key, |record| nested::insert(key, Ok(record))),
            8 => resources::forget_model(),
            9..=90 if calls.len() < 60 => calls.push(begin(key)),
            91..=96 if !calls.is_empty() => {
                drop(calls.swap_remove(below(calls.len() as u64) as usize));
            }
            97 if !calls.is_empty() => {
                let some = below(calls.len() as u64) as usize;
                calls[some].lies_until = Instant::now() + Duration::from_millis(below(120));
            }
            _ => calls.retain_mut(|call| !call.has_ended()),
        }
    }
    let start = Instant::now();
    while !calls.is_empty() {
        calls.retain_mut(|call| !call.has_ended());
        if start.elapsed() > Duration::from_secs(10) {
            return wrong("a task does not end");
        }
        thread::yield_now();
    }
}

fn begin(key: u64) -> Call {
    match below(10) {
        0 => Call::begin(async move {
            let version = TASK.advance(key);
            let record = task::refresh(key).await;
            TASK.check("refresh", key, version, &record);
            TASK.raise(key, version);
        }),
        1..=4 => Call::begin(async move {
            let floor = TASK.floor(key);
            TASK.check("call", key, floor, &task(key).await);
        }),
        5 | 6 => Call::begin(async move {
            let floor = NESTED.floor(key);
            if let Ok(record) = nested(key).await {
                NESTED.check("call", key, floor, &record);
            }
        }),
        7 => Call::begin(chains::step_in_task()),
        _ => Call::begin(resources::step_in_task()),
    }
}
