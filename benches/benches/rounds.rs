//! Threads that work in rounds: starting them is no part of what is measured.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub struct Rounds {
    begin: Barrier,
    end: Barrier,
    job: AtomicU64,
    /// From the first thread's start to the last one's end.
    span: Mutex<Option<(Instant, Instant)>>,
}

const STOP: u64 = u64::MAX;

/// Has `threads` threads ready to do `work(thread, job)`, for as long as `measure` runs.
pub fn with_threads(
    threads: usize,
    work: impl Fn(usize, u64) + Sync,
    measure: impl FnOnce(&Rounds),
) {
    let rounds = Rounds {
        begin: Barrier::new(threads + 1),
        end: Barrier::new(threads + 1),
        job: AtomicU64::new(0),
        span: Mutex::new(None),
    };
    thread::scope(|scope| {
        for thread in 0..threads {
            let (rounds, work) = (&rounds, &work);
            scope.spawn(move || rounds.attend(|job| work(thread, job)));
        }
        measure(&rounds);
        // Relaxed, here and below: the barriers order it.
        rounds.job.store(STOP, Ordering::Relaxed);
        rounds.begin.wait();
    });
}

impl Rounds {
    /// One round: every thread does the job once; the wall time that they took.
    pub fn run(&self, job: u64) -> Duration {
        self.job.store(job, Ordering::Relaxed);
        self.begin.wait();
        self.end.wait();
        let (start, end) = self.span.lock().unwrap().take().expect("every thread was there");
        end - start
    }

    fn attend(&self, work: impl Fn(u64)) {
        loop {
            self.begin.wait();
            let job = self.job.load(Ordering::Relaxed);
            if job == STOP {
                return;
            }
            let start = Instant::now();
            work(job);
            let end = Instant::now();
            {
                let mut span = self.span.lock().unwrap();
                *span = Some(match *span {
                    Some((first, last)) => (first.min(start), last.max(end)),
                    None => (start, end),
                });
            }
            self.end.wait();
        }
    }
}
