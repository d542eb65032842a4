//! How a call is timed. Every system is timed by the same code.

use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, RwLock};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use memo_benches::case;

use crate::rounds;

/// One case under measurement.
pub struct Group<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    threads: usize,
}

impl<'c> Group<'c> {
    /// The case `id`, or `id-2t` on two threads.
    pub fn new(criterion: &'c mut Criterion, id: &str, threads: usize) -> Self {
        let id = if threads == 1 { id.to_owned() } else { format!("{id}-{threads}t") };
        Self { group: criterion.benchmark_group(case(&id).id), threads }
    }

    /// For cases in which one sample takes long.
    pub fn few_samples(mut self) -> Self {
        self.group.sample_size(10).sampling_mode(SamplingMode::Flat);
        self
    }

    /// For cases in which every call leaves something behind.
    pub fn within(mut self, time: Duration) -> Self {
        self.group.warm_up_time(time / 2).measurement_time(time);
        self
    }

    /// Calls that find their result: `call(i)` for any `i`, after one for each of the first `keys`.
    ///
    /// On several threads the time of a call is the wall time over all calls of all threads.
    pub fn hits<R>(&mut self, system: &str, keys: u64, call: impl Fn(u64) -> R + Sync) {
        // In there, so that what is filtered out costs nothing.
        let filled = Once::new();
        let fill = || filled.call_once(|| calls(0..keys, &call));
        if self.threads == 1 {
            self.group.bench_function(system, |bencher| {
                fill();
                bencher.iter_custom(|iters| timed(|| calls(0..iters, &call)));
            });
            return;
        }
        let threads = self.threads as u64;
        let work = |thread: usize, iters: u64| {
            let thread = thread as u64;
            let start = thread * keys / threads;
            calls(start..start + share(iters, thread, threads), &call);
        };
        rounds::with_threads(self.threads, work, |rounds| {
            self.group.bench_function(system, |bencher| {
                fill();
                bencher.iter_custom(|iters| rounds.run(iters));
            });
        });
    }

    /// Calls that compute: `call(&cache, i)` for each `i` below `batch` on a fresh cache, in whole
    /// batches. Making and emptying caches is not timed; their growth, which every program pays when
    /// it fills one, is.
    pub fn misses<S: Send + Sync, R>(
        &mut self,
        system: &str,
        batch: u64,
        fresh: impl Fn() -> S,
        call: impl Fn(&S, u64) -> R + Sync,
    ) {
        if self.threads == 1 {
            self.group.bench_function(system, |bencher| {
                bencher.iter_custom(|iters| {
                    in_batches(iters, batch, || {
                        let cache = fresh();
                        timed(|| calls(0..batch, &|i| call(&cache, i)))
                    })
                });
            });
            return;
        }
        let threads = self.threads as u64;
        let cache = RwLock::new(fresh());
        let work = |thread: usize, count: u64| {
            let thread = thread as u64;
            let cache = cache.read().unwrap();
            let start = thread * batch / threads;
            calls(start..start + share(count, thread, threads), &|i| call(&cache, i));
        };
        rounds::with_threads(self.threads, work, |rounds| {
            self.group.bench_function(system, |bencher| {
                bencher.iter_custom(|iters| {
                    in_batches(iters, batch, || {
                        *cache.write().unwrap() = fresh();
                        rounds.run(batch)
                    })
                });
            });
        });
    }

    /// Calls that compute and evict: no `call(i)` is made twice.
    pub fn churn<R>(&mut self, system: &str, call: impl Fn(u64) -> R + Sync) {
        let next = AtomicU64::new(0);
        self.group.bench_function(system, |bencher| {
            bencher.iter_custom(|iters| {
                let first = next.fetch_add(iters, Ordering::Relaxed);
                timed(|| calls(first..first + iters, &call))
            });
        });
    }

    /// All threads call with one key that is new to the cache; the time until all have the result.
    pub fn stampede<R>(&mut self, system: &str, threads: usize, call: impl Fn(u64) -> R + Sync) {
        let next = AtomicU64::new(0);
        let work = |_, key| drop(black_box(call(key)));
        rounds::with_threads(threads, work, |rounds| {
            self.group.bench_function(system, |bencher| {
                bencher.iter_custom(|iters| {
                    (0..iters).map(|_| rounds.run(next.fetch_add(1, Ordering::Relaxed))).sum()
                });
            });
        });
    }
}

fn calls<R>(range: Range<u64>, call: &impl Fn(u64) -> R) {
    for i in range {
        black_box(call(i));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The time of `iters` calls, of which every batch is measured as a whole.
fn in_batches(iters: u64, batch: u64, time: impl FnMut() -> Duration) -> Duration {
    let batches = iters.div_ceil(batch);
    let total: Duration = std::iter::repeat_with(time).take(batches as usize).sum();
    total.mul_f64(iters as f64 / (batches * batch) as f64)
}

/// How many of `iters` calls are one thread's.
fn share(iters: u64, thread: u64, threads: u64) -> u64 {
    iters / threads + u64::from(thread < iters % threads)
}
