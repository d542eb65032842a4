//! One sequence of steps, and the map beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{poll_fn, Future};
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::task::Poll;

use crate::random::Random;
use crate::schedule::{block_on, End, Runs, Task};
use crate::subjects::{Outcome, Subject};

const KEYS: usize = 4;
/// So many computations are under way at the most.
const FLIGHTS: usize = 3;

pub(crate) struct Sequence<S> {
    random: Random,
    /// The bodies' runs.
    runs: &'static Runs,
    /// What the function has computed or was told, and nobody took back.
    model: BTreeMap<u8, u32>,
    flights: Vec<Flight>,
    /// Each value is another one, so that an older result is told from a newer one.
    value: u32,
    steps: Vec<String>,
    subject: PhantomData<S>,
}

/// A computation that the sequence holds in its body.
struct Flight {
    task: Task<Outcome>,
    key: u8,
    run: usize,
    /// Something newer was said of the key since it began: its result is its caller's alone.
    is_fenced: bool,
}

impl<S: Subject> Sequence<S> {
    pub(crate) fn new(seed: u64) -> Self {
        S::clear();
        Self {
            random: Random::new(seed),
            // The futures are `'static`.
            runs: Box::leak(Box::new(Runs::new())),
            model: BTreeMap::new(),
            flights: Vec::new(),
            value: 0,
            steps: Vec::new(),
            subject: PhantomData,
        }
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.steps
    }

    fn note(&mut self, step: fmt::Arguments<'_>) {
        self.steps.push(step.to_string());
    }

    fn next(&mut self) -> u32 {
        self.value += 1;
        self.value
    }

    pub(crate) fn step(&mut self) {
        let key = self.random.below(KEYS) as u8;
        match self.random.below(32) {
            0..=9 => self.call(key),
            10..=12 => self.refresh(key),
            13..=15 => self.insert(key),
            16..=17 => self.remove(key),
            18 => self.clear(),
            19 => self.clear_all(),
            20..=26 => self.end_one(),
            27..=28 => self.drop_one(),
            _ => self.look(key),
        }
        self.look(key);
    }

    fn call(&mut self, key: u8) {
        self.note(format_args!("call {key}"));
        // It would wait for the one that is under way, which only a later step ends.
        let waits = self.flights.iter().any(|flight| flight.key == key && !flight.is_fenced);
        if let Some(value) = self.model.get(&key) {
            let before = self.runs.count();
            assert_eq!(block_on(S::call(key, self.runs)), Ok(*value));
            assert_eq!(self.runs.count(), before, "a hit runs no body");
        } else if !waits && self.flights.len() < FLIGHTS {
            let task = Task::new(S::call(key, self.runs));
            self.begin(key, task);
        }
    }

    fn refresh(&mut self, key: u8) {
        if self.flights.len() < FLIGHTS {
            self.note(format_args!("refresh {key}"));
            let task = Task::new(S::refresh(key, self.runs));
            self.begin(key, task);
        }
    }

    /// Goes on with a call until it is in its body.
    fn begin(&mut self, key: u8, mut task: Task<Outcome>) {
        let run = self.runs.count();
        block_on(poll_fn(|context| {
            let polled = Pin::new(&mut task).poll(context);
            assert!(polled.is_pending(), "the body has not ended");
            if self.runs.count() > run {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        self.flights.push(Flight { task, key, run, is_fenced: false });
    }

    fn end_one(&mut self) {
        let Some(mut flight) = self.take() else { return };
        let end = match self.random.below(4) {
            0 => End::Fails,
            1 => End::Panics,
            _ => End::Returns(self.next()),
        };
        self.note(format_args!("run {} of {} {end:?}", flight.run, flight.key));
        self.runs.end(flight.run, end);
        let result = catch_unwind(AssertUnwindSafe(|| block_on(&mut flight.task)));
        match end {
            End::Returns(value) => {
                assert_eq!(result.expect("it does not panic"), Ok(value));
                if !flight.is_fenced {
                    self.model.insert(flight.key, value);
                    // What began earlier and is under way is older, also where this is a refresh.
                    self.fence(flight.key, |other| other.run < flight.run);
                }
            }
            End::Fails => assert!(result.expect("it does not panic").is_err()),
            End::Panics => assert!(result.is_err(), "the panic is its caller's"),
        }
    }

    fn drop_one(&mut self) {
        if let Some(flight) = self.take() {
            self.note(format_args!("drop run {} of {}", flight.run, flight.key));
        }
    }

    fn take(&mut self) -> Option<Flight> {
        let some = self.random.below(self.flights.len().max(1));
        (some < self.flights.len()).then(|| self.flights.swap_remove(some))
    }

    fn insert(&mut self, key: u8) {
        let value = self.next();
        self.note(format_args!("insert {key} {value}"));
        S::insert(key, value);
        self.fence(key, |_| true);
        self.model.insert(key, value);
    }

    fn remove(&mut self, key: u8) {
        self.note(format_args!("remove {key}"));
        self.fence(key, |_| true);
        assert_eq!(S::remove(key), self.model.remove(&key).is_some());
    }

    fn clear(&mut self) {
        self.note(format_args!("clear"));
        S::clear();
        self.forget_all();
    }

    fn clear_all(&mut self) {
        self.note(format_args!("clear_all"));
        memo::clear_all();
        self.forget_all();
    }

    fn forget_all(&mut self) {
        self.model.clear();
        self.flights.iter_mut().for_each(|flight| flight.is_fenced = true);
    }

    fn fence(&mut self, key: u8, is_older: impl Fn(&Flight) -> bool) {
        for flight in self.flights.iter_mut().filter(|flight| flight.key == key) {
            flight.is_fenced |= is_older(flight);
        }
    }

    fn look(&self, key: u8) {
        let expected = self.model.get(&key).copied();
        assert_eq!(S::get(key), expected.map(Ok), "get {key}");
        assert_eq!(S::contains(key), expected.is_some(), "contains {key}");
    }
}
