//! Calls that end in all ways, in any order: afterwards no flight is left.

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::AtomicU8;
use std::thread;
use std::time::Duration;

use super::*;

/// How a body ends, once it is polled.
#[derive(Default)]
struct Fate(AtomicU8);

const WAITS: u8 = 0;
const RETURNS: u8 = 1;
const FAILS: u8 = 2;

/// A generator of pseudo-random numbers: xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // Odd, and so never 0, from which nothing comes.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Calls under way, and how the bodies among them will end.
#[derive(Default)]
struct Calls(Vec<(Task, Arc<Fate>)>);

impl Calls {
    fn begin(&mut self, memo: &'static Static, key: u64, is_refresh: bool) {
        let fate = Arc::new(Fate::default());
        let body = {
            let fate = Arc::clone(&fate);
            std::future::poll_fn(move |_| match fate.0.load(Ordering::SeqCst) {
                WAITS => Poll::Pending,
                RETURNS => Poll::Ready(Ok::<_, ()>(key)),
                FAILS => Poll::Ready(Err(())),
                _ => resume_unwind(Box::new("told to panic")),
            })
        };
        let task = Task::new(async move {
            let call = if is_refresh { refreshing(memo, key) } else { call(memo, key) };
            awaited(call, body).await
        });
        self.0.push((task, fate));
        self.poll(self.0.len() - 1);
    }

    fn poll(&mut self, number: usize) {
        let polled = catch_unwind(AssertUnwindSafe(|| self.0[number].0.poll()));
        if !matches!(polled, Ok(Poll::Pending)) {
            self.0.swap_remove(number);
        }
    }

    fn step(&mut self, memo: &'static Static, random: &mut Random) {
        let key = random.below(3) as u64;
        let some = random.below(self.0.len().max(1));
        match random.below(40) {
            0..=11 if self.0.len() < 12 => self.begin(memo, key, false),
            12 | 13 if self.0.len() < 12 => self.begin(memo, key, true),
            14 => memo.clear(),
            15 | 16 => drop(remove(memo, (&key, ()))),
            17 => insert(memo, Bytes(OkOnly), (&key, ()), Ok::<_, ()>(key)),
            18 => thread::sleep(Duration::from_millis(1)),
            19..=22 if !self.0.is_empty() => drop(self.0.swap_remove(some)),
            23..=27 if !self.0.is_empty() => {
                let fate = 1 + random.below(3) as u8;
                self.0[some].1 .0.store(fate, Ordering::SeqCst);
            }
            _ if !self.0.is_empty() => self.poll(some),
            _ => {}
        }
    }

    /// Lets each go on to its end, or drops it.
    fn end(mut self, random: &mut Random) {
        while !self.0.is_empty() {
            let some = random.below(self.0.len());
            if random.below(3) == 0 {
                self.0.swap_remove(some);
            } else {
                let fate = 1 + random.below(3) as u8;
                self.0[some].1 .0.store(fate, Ordering::SeqCst);
                self.poll(some);
            }
        }
    }
}

#[test]
fn calls_that_end_in_any_way_and_order_leave_no_flight_behind() {
    static MEMO: Static =
        Static::new(Memo::new("storm").asynchronous().wait(|| Duration::from_millis(1)));
    for seed in 1..200 {
        let mut random = Random::new(seed);
        let mut calls = Calls::default();
        (0..200).for_each(|_| calls.step(&MEMO, &mut random));
        calls.end(&mut random);
        assert!(!MEMO.cache.has_flights(), "seed {seed}");
        remove(&MEMO, (&0_u64, ()));
    }
    assert!(MEMO.stats().unshared > 0);
}

#[test]
fn calls_that_end_on_many_threads_leave_no_flight_behind() {
    static MEMO: Static =
        Static::new(Memo::new("storms").asynchronous().wait(|| Duration::from_millis(1)));
    for seed in 1..30 {
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let mut random = Random::new(seed * 4 + thread);
                    let mut calls = Calls::default();
                    (0..200).for_each(|_| calls.step(&MEMO, &mut random));
                    calls.end(&mut random);
                });
            }
        });
        assert!(!MEMO.cache.has_flights(), "seed {seed}");
    }
}
