//! Threads of memo's own: for background refreshes, and for calls of stores, which would block a
//! task.
//!
//! A few of each, started when there is something to do, and gone soon after there is not.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{poll_fn, Future};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::platform::sync::{thread, Condvar, Mutex};
use crate::platform::unwind::{catch, discard_waker, wake};

pub(crate) type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Pool {
    name: &'static str,
    /// The largest number of threads.
    max: usize,
    queue: Mutex<Queue>,
    jobs_changed: Condvar,
}

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// The refreshes, which are the user's functions and may take long.
pub(crate) static REFRESHES: Pool = Pool::new("memo-refresh", 4);
/// The stores, whose threads wait more than they work.
pub(crate) static STORES: Pool = Pool::new("memo-store", 16);

/// How long an idle thread stays.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

thread_local! {
    // Whether this thread is one of these.
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

/// Whether this call is made in the background.
pub(crate) fn is_background() -> bool {
    IS_BACKGROUND.try_with(Cell::get).unwrap_or(false)
}

/// What this thread does is done in the background, for as long as this lives.
pub(crate) struct InBackground {
    before: bool,
}

impl InBackground {
    pub(crate) fn new() -> Self {
        Self { before: IS_BACKGROUND.try_with(|it| it.replace(true)).unwrap_or(true) }
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        let _ = IS_BACKGROUND.try_with(|is_background| is_background.set(self.before));
    }
}

impl Pool {
    const fn new(name: &'static str, max: usize) -> Self {
        let queue = Queue { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { name, max, queue: Mutex::new(queue), jobs_changed: Condvar::new() }
    }

    /// Runs a job soon, on a thread of its own or after others.
    ///
    /// # Errors
    /// There is no thread, and none can be started: the job.
    pub(crate) fn run(&'static self, job: Job) -> Result<(), Job> {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.idle >= queue.jobs.len() {
            self.jobs_changed.notify_one();
            return Ok(());
        }
        if queue.threads < self.max {
            let thread = thread::Builder::new().name(self.name.into());
            queue.threads += usize::from(thread.spawn(|| self.work()).is_ok());
        }
        if queue.threads > 0 {
            return Ok(());
        }
        queue.jobs.pop_back().map_or(Ok(()), Err)
    }

    /// In a child of `fork` there is none of its threads, and nobody who waits for what they had to do.
    #[cfg(unix)]
    pub(crate) fn before_fork(&'static self) -> Unlock {
        let mut queue = self.queue.lock();
        Box::new(move |side| {
            if side == Side::Child {
                std::mem::forget(std::mem::take(&mut queue.jobs));
                (queue.threads, queue.idle) = (0, 0);
            }
        })
    }

    fn work(&self) {
        let _ = IS_BACKGROUND.try_with(|is_background| is_background.set(true));
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                // A panic is the job's own: an old result stays until it expires.
                let _ = catch(job);
                queue = self.queue.lock();
                continue;
            }
            queue.idle += 1;
            let is_over;
            (queue, is_over) = self.jobs_changed.wait_for(queue, KEEP_ALIVE);
            queue.idle -= 1;
            if is_over && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

/// What a job came to, and who waits for it.
struct Answer<T> {
    result: Option<T>,
    is_over: bool,
    waker: Option<Waker>,
}

/// Ends an answer, though its job panics.
struct Answering<T>(Arc<Mutex<Answer<T>>>);

impl<T> Drop for Answering<T> {
    fn drop(&mut self) {
        let waker = {
            let mut answer = self.0.lock();
            answer.is_over = true;
            answer.waker.take()
        };
        if let Some(waker) = waker {
            wake(waker);
        }
    }
}

/// Runs a job that may block on a thread of the pool, while the task waits for its result: `None`
/// if it panics. It is finished even if the task does not wait any more.
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    begin_blocking(job).await
}

/// The same, begun before anybody waits for it.
pub(crate) fn begin_blocking<T: Send + 'static, J: FnOnce() -> T + Send + 'static>(
    job: J,
) -> impl Future<Output = Option<T>> + use<T, J> {
    let answer = Arc::new(Mutex::new(Answer { result: None, is_over: false, waker: None }));
    let answering = Answering(Arc::clone(&answer));
    let job = Box::new(move || {
        let result = job();
        answering.0.lock().result = Some(result);
    });
    if let Err(job) = STORES.run(job) {
        // Without threads, it is this one or none.
        let _ = catch(job);
    }
    poll_fn(move |context| {
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = context.waker().clone();
        let before = {
            let mut answer = answer.lock();
            if answer.is_over {
                return Poll::Ready(answer.result.take());
            }
            answer.waker.replace(waker)
        };
        discard_waker(before);
        Poll::Pending
    })
}
