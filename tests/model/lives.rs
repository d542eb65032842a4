//! The options about time and errors, against a map with moments in it. The clock is the test's.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::time::Duration;

use memo::{memo, Stats};

use crate::random::Random;
use crate::variable;

const MINUTE: Duration = Duration::from_secs(60);
const IDLE: u64 = 33;
const STALE: u64 = 42;
const KEYS: usize = 3;
const STEPS: usize = 200;

type Outcome = Result<u32, u32>;

thread_local! {
    /// What the next body returns, and how many have run.
    static NEXT: Cell<Outcome> = const { Cell::new(Ok(0)) };
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

fn body(key: u8) -> Outcome {
    let _ = key;
    RUNS.set(RUNS.get() + 1);
    NEXT.get()
}

/// For how many minutes a result lives; for ever, if nothing. Steps are of five minutes and lives are
/// not, so that the time that a step takes on the real clock decides nothing.
fn minutes(value: u32) -> Option<u64> {
    [Some(0), Some(8), Some(21), Some(57), None][value as usize % 5]
}

fn life(value: &u32) -> Duration {
    minutes(*value).map_or(Duration::MAX, |minutes| MINUTE * minutes as u32)
}

/// A function, its companions, and what its options say.
struct Subject {
    idles: bool,
    keeps: bool,
    call: fn(u8) -> Outcome,
    refresh: fn(u8) -> Outcome,
    get: fn(u8) -> Option<Outcome>,
    contains: fn(u8) -> bool,
    remove: fn(u8) -> bool,
    insert: fn(u8, Outcome),
    retain: fn() -> usize,
    clear: fn(),
    stats: fn() -> Stats,
}

macro_rules! subject {
    ($idles:literal, $keeps:literal, $($options:tt)*) => {{
        #[memo(ttl = |value| life(value) $($options)*)]
        fn function(key: u8) -> Result<u32, u32> {
            body(key)
        }
        Subject {
            idles: $idles,
            keeps: $keeps,
            call: function,
            refresh: |key| function::refresh(key),
            get: |key| function::get(key),
            contains: |key| function::contains(key),
            remove: |key| function::remove(key),
            insert: |key, outcome| function::insert(key, outcome),
            retain: || function::retain(|value| value % 2 == 0),
            clear: || function::clear(),
            stats: || function::stats(),
        }
    }};
}

#[derive(Clone, Copy)]
struct Entry {
    value: u32,
    stored: u64,
    used: u64,
}

impl Entry {
    fn is_awake(&self, subject: &Subject, now: u64) -> bool {
        !subject.idles || now < self.used + IDLE
    }

    fn is_served(&self, subject: &Subject, now: u64) -> bool {
        let is_fresh = minutes(self.value).is_none_or(|life| now < self.stored + life);
        is_fresh && self.is_awake(subject, now)
    }

    fn is_kept(&self, subject: &Subject, now: u64) -> bool {
        let extra = if subject.keeps { STALE } else { 0 };
        let is_kept = minutes(self.value).is_none_or(|life| now < self.stored + life + extra);
        is_kept && self.is_awake(subject, now)
    }
}

/// One sequence of steps, and the map beside it.
struct Sequence<'s> {
    subject: &'s Subject,
    random: Random,
    model: BTreeMap<u8, Entry>,
    /// In minutes.
    now: u64,
    value: u32,
    stale: u64,
    steps: Vec<String>,
}

impl Sequence<'_> {
    fn next(&mut self) -> Outcome {
        self.value += 1;
        let outcome = if self.random.below(3) == 0 { Err(self.value) } else { Ok(self.value) };
        NEXT.set(outcome);
        outcome
    }

    /// A result takes the place of what there is; one that lives for no time leaves nothing.
    fn store(&mut self, key: u8, value: u32) {
        self.model.remove(&key);
        if minutes(value) != Some(0) {
            self.model.insert(key, Entry { value, stored: self.now, used: self.now });
        }
    }

    fn call(&mut self, key: u8) {
        let outcome = self.next();
        let (subject, now, runs) = (self.subject, self.now, RUNS.get());
        self.steps.push(format!("call {key}, which would be {outcome:?}"));
        let entry = self.model.get(&key).copied();
        let mut is_run = true;
        let expected = match (outcome, entry) {
            (_, Some(entry)) if entry.is_served(subject, now) => {
                is_run = false;
                Ok(entry.value)
            }
            (Err(_), Some(entry)) if subject.keeps && entry.is_kept(subject, now) => {
                self.stale += 1;
                Ok(entry.value)
            }
            _ => outcome,
        };
        assert_eq!((subject.call)(key), expected);
        assert_eq!(RUNS.get(), runs + u64::from(is_run));
        match (expected, outcome) {
            (Ok(value), Ok(new)) if is_run && value == new => self.store(key, value),
            (Ok(_), _) => {
                if let Some(entry) = self.model.get_mut(&key) {
                    entry.used = now;
                }
            }
            (Err(_), _) => {}
        }
    }

    fn refresh(&mut self, key: u8) {
        let outcome = self.next();
        self.steps.push(format!("refresh {key} to {outcome:?}"));
        assert_eq!((self.subject.refresh)(key), outcome);
        if let Ok(value) = outcome {
            self.store(key, value);
        }
    }

    fn insert(&mut self, key: u8) {
        self.value += 1;
        self.steps.push(format!("insert {} for {key}", self.value));
        (self.subject.insert)(key, Ok(self.value));
        self.store(key, self.value);
    }

    fn look(&mut self, key: u8) {
        self.steps.push(format!("look at {key}"));
        let (subject, now) = (self.subject, self.now);
        let served = self.model.get_mut(&key).filter(|entry| entry.is_served(subject, now));
        assert_eq!((subject.contains)(key), served.is_some());
        if self.random.below(2) == 0 {
            assert_eq!((subject.get)(key), served.as_ref().map(|entry| Ok(entry.value)));
            if let Some(entry) = served {
                entry.used = now;
            }
        }
    }

    fn remove(&mut self, key: u8) {
        self.steps.push(format!("remove {key}"));
        let entry = self.model.remove(&key);
        let is_served = entry.is_some_and(|entry| entry.is_served(self.subject, self.now));
        assert_eq!((self.subject.remove)(key), is_served);
    }

    fn retain(&mut self) {
        self.steps.push("retain what is even".to_owned());
        let (subject, now) = (self.subject, self.now);
        self.model.retain(|_, entry| entry.is_kept(subject, now));
        let before = self.model.len();
        self.model.retain(|_, entry| entry.value % 2 == 0);
        assert_eq!((subject.retain)(), before - self.model.len());
    }

    fn clear(&mut self) {
        self.steps.push("clear".to_owned());
        (self.subject.clear)();
        self.model.clear();
    }

    fn advance(&mut self) {
        let minutes = 5 * (1 + self.random.below(6) as u64);
        self.steps.push(format!("advance by {minutes} minutes"));
        memo::advance(MINUTE * minutes as u32);
        self.now += minutes;
    }

    fn step(&mut self) {
        let key = self.random.below(KEYS) as u8;
        match self.random.below(20) {
            0..=7 => self.call(key),
            8..=9 => self.look(key),
            10 => self.insert(key),
            11 => self.refresh(key),
            12 => self.remove(key),
            13 => self.retain(),
            14 if self.random.below(4) == 0 => self.clear(),
            _ => self.advance(),
        }
        let (subject, now) = (self.subject, self.now);
        let kept = self.model.values().filter(|entry| entry.is_kept(subject, now)).count();
        let stats = (subject.stats)();
        assert_eq!((stats.entries, stats.stale), (kept, self.stale));
    }
}

fn check(subject: &Subject) {
    let seeds = match variable("MEMO_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("MEMO_MODEL_SEQUENCES").unwrap_or(100),
    };
    for seed in seeds {
        memo::isolated(|| {
            let (random, model) = (Random::new(seed), BTreeMap::new());
            let (now, value, stale, steps) = (0, 0, 0, Vec::new());
            let mut sequence = Sequence { subject, random, model, now, value, stale, steps };
            let run = AssertUnwindSafe(|| (0..STEPS).for_each(|_| sequence.step()));
            if let Err(panic) = catch_unwind(run) {
                eprintln!("MEMO_MODEL_SEED={seed} reproduces it; its steps were:");
                sequence.steps.iter().for_each(|step| eprintln!("    {step}"));
                resume_unwind(panic);
            }
        });
    }
}

#[test]
fn each_result_lives_as_long_as_a_map_says() {
    check(&subject!(false, false,));
    check(&subject!(false, false, , clone));
}

#[test]
fn what_nobody_asks_for_is_given_up_as_a_map_says() {
    check(&subject!(true, false, , idle = "33m"));
}

#[test]
fn where_the_body_fails_what_a_map_says_answers() {
    check(&subject!(false, true, , stale_if_error = "42m"));
    check(&subject!(false, true, , stale_if_error = "42m", share_err));
    check(&subject!(true, true, , idle = "33m", stale_if_error = "42m"));
}
