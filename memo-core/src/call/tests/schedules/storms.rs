//! Whatever may be done with a function, at random: no call has what was forgotten before it began.

use shuttle::future::block_on;
use shuttle::rand::{thread_rng, Rng};

use super::*;
use crate::call::Hooks;
use crate::platform::sync::atomic::AtomicU64;
use crate::platform::sync::thread::{catch, panics};

const KEYS: usize = 2;

#[derive(Clone)]
struct Storm {
    memo: &'static Static,
    /// What each key's result is computed from, and the least that a call may still have.
    sources: Arc<[AtomicU64; KEYS]>,
    least: Arc<[AtomicU64; KEYS]>,
}

impl Storm {
    fn new(memo: &'static Static) -> Self {
        let zeros = || Arc::new([const { AtomicU64::new(0) }; KEYS]);
        Self { memo, sources: zeros(), least: zeros() }
    }

    fn compute(&self, key: usize, is_nested: bool) -> u64 {
        let now = self.sources[key].load(Ordering::SeqCst);
        if !is_nested && random(3) == 0 {
            self.check(1 - key, |key| run(self.memo, key as u64, || self.compute(key, true)));
        }
        point();
        now
    }

    /// A call in a task, whose body awaits one of the other key.
    async fn nested(self, key: usize) -> Result<u64, ()> {
        let body = async {
            let now = self.sources[key].load(Ordering::SeqCst);
            let other = 1 - key;
            let least = self.least[other].load(Ordering::SeqCst);
            let inner = awaited(call(self.memo, other as u64), async {
                shuttle::future::yield_now().await;
                Ok(self.compute(other, true))
            });
            assert!(inner.await? >= least, "it was forgotten before the call");
            Ok(now)
        };
        awaited(call(self.memo, key as u64), body).await
    }

    /// Makes a call, whose result is not from before it.
    fn check(&self, key: usize, call: impl FnOnce(usize) -> u64) {
        let least = self.least[key].load(Ordering::SeqCst);
        let result = call(key);
        assert!(result >= least, "{result} was forgotten before the call, which {least} was not");
    }

    /// Changes the source of some keys, and forgets what comes from before.
    fn change(&self, keys: &[usize], forget: impl FnOnce()) {
        let new = |key: &usize| (*key, self.sources[*key].fetch_add(1, Ordering::SeqCst) + 1);
        let changed: Vec<_> = keys.iter().map(new).collect();
        forget();
        for (key, version) in changed {
            self.least[key].fetch_max(version, Ordering::SeqCst);
        }
    }

    fn step(&self) {
        let (memo, key) = (self.memo, random(KEYS));
        let number = key as u64;
        match random(10) {
            0 | 1 => self.check(key, |_| run(memo, number, || self.compute(key, false))),
            2 => self.check(key, |_| {
                let body = async { Ok(self.compute(key, false)) };
                block_on(awaited(call(memo, number), body)).expect("it has no error")
            }),
            3 => self.check(key, |_| block_on(self.clone().nested(key)).expect("it has no error")),
            4 => {
                let mut task = match random(2) {
                    0 => Task::new(awaited(call(memo, number), std::future::pending())),
                    _ => Task::new(self.clone().nested(key)),
                };
                let _ = task.poll();
                point();
            }
            5 => drop(catch(|| {
                run(memo, number, || {
                    point();
                    panics()
                })
            })),
            6 => drop(call(memo, number).run(|| Err(()))),
            7 => self.change(&[0, 1], || memo.clear()),
            8 => self.change(&[key], || {
                remove(memo, (&number, ()));
            }),
            _ => self.change(&[key], || {
                self.check(key, |_| {
                    refresh(memo, Bytes(Plain), (&number, ())).run(|| self.compute(key, false))
                });
            }),
        }
    }
}

fn random(end: usize) -> usize {
    thread_rng().gen_range(0..end)
}

fn check_storm(options: fn(Memo) -> Memo) {
    check(move |functions| {
        let storm = Storm::new(functions.function(false, options));
        at_once((0..3).map(|_| {
            let storm = storm.clone();
            boxed(move || (0..3).for_each(|_| storm.step()))
        }));
    });
}

#[test]
fn nothing_is_served_that_was_forgotten_whatever_is_done() {
    check_storm(|memo| memo);
}

#[test]
fn nothing_is_served_that_was_forgotten_where_waiters_relieve_at_once() {
    check_storm(|memo| memo.wait(flights::no_wait));
}

#[test]
fn nothing_is_served_that_was_forgotten_beside_evictions() {
    check_storm(|memo| memo.max_entries(1));
}

#[test]
fn nothing_is_served_that_was_forgotten_within_a_budget() {
    check(|functions| {
        let (first, second) = (functions.data(), functions.data());
        // Room for one of the four.
        budget::set_max_bytes_of(functions.registry(), 20);
        let storms = [Storm::new(first), Storm::new(second)];
        at_once((0..3).map(|at| {
            let storms = storms.clone();
            boxed(move || {
                storms[at % 2].step();
                assert!(budget::used() <= 20);
                storms[random(2)].step();
            })
        }));
        budget::set_max_bytes_of(functions.registry(), u64::MAX);
    });
}

/// As [`Storm::step`], for resources, which there are one at a time of.
fn step_of_resources(storm: &Storm) {
    let key = random(KEYS);
    let made = || {
        let now = storm.sources[key].load(Ordering::SeqCst);
        point();
        Arc::new(now)
    };
    let arguments = (&(key as u64), ());
    match random(7) {
        0..=2 => storm.check(key, |_| *enter(storm.memo, Hooks::new(), arguments).run(made)),
        3 => storm.change(&[key], || {
            storm.check(key, |_| *refresh(storm.memo, Hooks::new(), arguments).run(made));
        }),
        4 => storm.change(&[key], || {
            remove(storm.memo, arguments);
        }),
        5 => storm.change(&[0, 1], || storm.memo.clear()),
        _ => drop(catch(|| {
            enter(storm.memo, Hooks::new(), arguments).run(|| -> Arc<u64> { panics() })
        })),
    }
}

fn check_storm_of_resources(options: fn(Memo) -> Memo) {
    check(move |functions| {
        let storm = Storm::new(functions.function(true, options));
        at_once((0..3).map(|_| {
            let storm = storm.clone();
            boxed(move || (0..3).for_each(|_| step_of_resources(&storm)))
        }));
    });
}

#[test]
fn no_resource_is_handed_out_that_was_forgotten() {
    check_storm_of_resources(|memo| memo);
}

#[test]
fn no_resource_is_handed_out_that_was_forgotten_where_waiters_relieve_at_once() {
    check_storm_of_resources(|memo| memo.wait(flights::no_wait));
}
