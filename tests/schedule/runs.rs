//! Bodies that are held until the test says how they end.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use super::AGES;

/// The runs of one body, in the order in which they began.
pub(crate) struct Runs {
    runs: Mutex<Vec<Run>>,
    changed: Condvar,
}

#[derive(Default)]
struct Run {
    end: Option<End>,
    waker: Option<Waker>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Returns(u32),
    Fails,
    Panics,
}

impl Runs {
    pub(crate) const fn new() -> Self {
        Self { runs: Mutex::new(Vec::new()), changed: Condvar::new() }
    }

    /// For the body: notes that it runs. The run's number, from 0 on.
    pub(crate) fn begin(&self) -> usize {
        let mut runs = self.runs.lock().unwrap();
        runs.push(Run::default());
        self.changed.notify_all();
        runs.len() - 1
    }

    /// For the body of a thread: begins a run that is held until it is told to end.
    pub(crate) fn held(&self) -> Result<u32, String> {
        self.told(self.begin())
    }

    /// For the body of a thread: holds a run that has begun until it is told to end.
    pub(crate) fn told(&self, number: usize) -> Result<u32, String> {
        let runs = self.runs.lock().unwrap();
        let (mut runs, timeout) =
            self.changed.wait_timeout_while(runs, AGES, |runs| runs[number].end.is_none()).unwrap();
        let end = runs[number].end.take();
        // The lock is not poisoned by what comes now.
        drop(runs);
        assert!(!timeout.timed_out(), "run {number} is not told to end");
        end.expect("it was told").come()
    }

    /// For the body of a task: the same.
    pub(crate) async fn awaited(&self) -> Result<u32, String> {
        let number = self.begin();
        let end = poll_fn(|context| {
            let mut runs = self.runs.lock().unwrap();
            match runs[number].end.take() {
                Some(end) => Poll::Ready(end),
                None => {
                    runs[number].waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        end.await.come()
    }

    /// Ends a run.
    pub(crate) fn end(&self, number: usize, end: End) {
        let waker = {
            let mut runs = self.runs.lock().unwrap();
            runs[number].end = Some(end);
            runs[number].waker.take()
        };
        self.changed.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    /// How many have begun.
    pub(crate) fn count(&self) -> usize {
        self.runs.lock().unwrap().len()
    }

    /// Waits until so many have begun.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        let runs = self.runs.lock().unwrap();
        let (runs, timeout) =
            self.changed.wait_timeout_while(runs, AGES, |runs| runs.len() < count).unwrap();
        let begun = runs.len();
        drop(runs);
        assert!(!timeout.timed_out(), "{begun} of {count} runs have begun");
    }
}

impl End {
    fn come(self) -> Result<u32, String> {
        match self {
            Self::Returns(value) => Ok(value),
            Self::Fails => Err("told to fail".into()),
            // As a panic, but without a message.
            Self::Panics => {
                assert!(!thread::panicking());
                resume_unwind(Box::new("told to panic"))
            }
        }
    }
}
