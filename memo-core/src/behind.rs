//! Refreshes behind the calls that were answered with an old result.
//!
//! A few threads, started when there is something to do, and gone soon after there is not.

use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

type Job = Box<dyn FnOnce() + Send>;

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { jobs: VecDeque::new(), threads: 0, idle: 0 });
static NEWS: Condvar = Condvar::new();

/// More refreshes than that wait for each other.
const THREADS: usize = 4;
/// How long a thread stays without work.
const LINGER: Duration = Duration::from_secs(1);

/// Runs a job soon, on a thread of its own or after others.
pub(crate) fn run(job: Job) {
    let mut queue = QUEUE.lock();
    queue.jobs.push_back(job);
    if queue.idle > 0 {
        NEWS.notify_one();
    } else if queue.threads < THREADS {
        let spawned = std::thread::Builder::new().name("memo-refresh".into()).spawn(work);
        // Without a thread, the job waits for those there are, or for the next one that is started.
        queue.threads += usize::from(spawned.is_ok());
    }
}

fn work() {
    let mut queue = QUEUE.lock();
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            drop(queue);
            // A panic is the refresh's own: the old result stays until it expires.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(job)) {
                std::mem::forget(payload);
            }
            queue = QUEUE.lock();
            continue;
        }
        queue.idle += 1;
        let is_over = NEWS.wait_for(&mut queue, LINGER).timed_out();
        queue.idle -= 1;
        if is_over && queue.jobs.is_empty() {
            queue.threads -= 1;
            return;
        }
    }
}
