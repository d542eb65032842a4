//! Calls in schedules that are chosen: see `platform/sync/scheduled.rs`, and CONTRIBUTING.md for how
//! to run them.
//!
//! Each scenario has a few threads with a few steps, and begins with nothing that another has left.
//! When it ends, no flight, no wait and no memory may be left.

mod clearing;
mod cycles;
mod depends;
mod detached;
mod flights;
mod freed;
mod memory;
mod sessions;
mod storms;

use std::cell::RefCell;
use std::env;
use std::ptr::NonNull;
use std::sync::PoisonError;

use shuttle::scheduler::UncontrolledNondeterminismCheckScheduler as Twice;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use super::*;
use crate::cache::Cache;
use crate::call::Scoped;
use crate::codec::Trust;
use crate::flight::nobody_waits;
use crate::function::enabled;
use crate::function::name::Name;
use crate::function::registry::{Registry, NEXT_NUMBER};
use crate::function::session;
use crate::memory::budget;
use crate::platform::sync::thread::spawn;
use crate::platform::sync::{self, point};
use crate::reclaim;

/// How many scenarios there are: they share the schedules that are asked for.
const SCENARIOS: usize = 68;
/// How many schedules all scenarios together are run in.
const SCHEDULES: usize = 10_000;
/// Of the scheduler that changes threads where priorities change: so many times in a schedule.
const DEPTH: usize = 3;
/// Nothing here takes nearly as many steps, unless it goes round in circles.
const MAX_STEPS: usize = 50_000;

/// The functions of one schedule.
struct Functions {
    registry: NonNull<Registry>,
    memos: RefCell<Vec<NonNull<Static>>>,
}

impl Functions {
    fn new() -> Self {
        sync::forget_all();
        reclaim::tests::forget_all();
        session::forget_all();
        NEXT_NUMBER.store(0, Ordering::Relaxed);
        Self { registry: leak(Registry::new()), memos: RefCell::default() }
    }

    /// A function that is forgotten when the schedule ends.
    fn function(&self, is_resource: bool, options: impl FnOnce(Memo) -> Memo) -> &'static Static {
        let name = Name { text: "scheduled", is_method: false };
        let cache = Cache::new(name, self.registry(), is_resource);
        let memo = leak(Static::new(options(Memo { cache, trust: Trust::new(), is_async: false })));
        self.memos.borrow_mut().push(memo);
        // SAFETY: it is freed in `end`, after all threads of the schedule have ended.
        unsafe { memo.as_ref() }
    }

    fn data(&self) -> &'static Static {
        self.function(false, |memo| memo)
    }

    /// A function of sessions, which is leaked, as its doubles are.
    fn scoped(&self) -> &'static Scoped {
        let cache = Cache::new(Name { text: "scoped", is_method: false }, self.registry(), false);
        Box::leak(Box::new(Scoped::new(Memo { cache, trust: Trust::new(), is_async: false })))
    }

    fn registry(&self) -> &'static Registry {
        // SAFETY: as above.
        unsafe { self.registry.as_ref() }
    }

    /// Looks that nothing is left.
    fn end(self) {
        let memos = self.memos.take();
        for memo in &memos {
            // SAFETY: it is freed below.
            assert!(!unsafe { memo.as_ref() }.cache.has_flights(), "a flight is left");
        }
        assert!(nobody_waits(), "a wait is left");
        self.registry().clear_all();
        for memo in memos {
            // SAFETY: leaked above; its threads have ended, and the registry is asked no more.
            let memo = unsafe { Box::from_raw(memo.as_ptr()) };
            assert!(memo.cache.is_clean(), "memory is left");
        }
        budget::OLDEST.forget_all();
        // SAFETY: leaked above, and its functions are gone.
        drop(unsafe { Box::from_raw(self.registry.as_ptr()) });
        assert_eq!(budget::used(), 0, "bytes are counted that nothing has");
    }
}

fn leak<T>(it: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(it)))
}

/// Runs a scenario in many schedules, or once more in the one that is asked for.
fn check(scenario: impl Fn(&Functions) + Send + Sync + 'static) {
    // The statics that the schedules share are not for two of them at once, nor as a failure leaves
    // them.
    static TURN: std::sync::Mutex<bool> = std::sync::Mutex::new(true);
    let mut turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(*turn, "another scenario has failed, and left its locks locked");
    *turn = false;
    // Known before the first call, which would go another way than all others.
    assert!(enabled::is_on());
    let scenario = Arc::new(move || {
        let functions = Functions::new();
        scenario(&functions);
        functions.end();
    });
    if let Ok(schedule) = env::var("MEMO_SCHEDULE") {
        run_in(ReplayScheduler::new_from_encoded(schedule.trim()), &scenario);
    } else {
        let schedules = env::var("MEMO_SCHEDULES")
            .map_or(SCHEDULES, |number| number.parse().expect("MEMO_SCHEDULES is a number"));
        let each = schedules.div_ceil(SCENARIOS).div_ceil(2);
        // What cannot be done again in the same way, cannot be looked into.
        run_in(Twice::new(RandomScheduler::new(2)), &scenario);
        run_in(RandomScheduler::new(each), &scenario);
        run_in(PctScheduler::new(DEPTH, each), &scenario);
    }
    *turn = true;
}

fn run_in(scheduler: impl Scheduler + 'static, scenario: &Arc<impl Fn() + Send + Sync + 'static>) {
    let scenario = Arc::clone(scenario);
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    Runner::new(scheduler, config).run(move || scenario());
}

/// Runs all of these at once, and waits for them.
fn at_once(threads: impl IntoIterator<Item = Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = threads.into_iter().map(spawn).collect();
    for thread in threads {
        thread.join().expect("what panics is caught");
    }
}

/// A thread of [`at_once`].
fn boxed(thread: impl FnOnce() + Send + 'static) -> Box<dyn FnOnce() + Send> {
    Box::new(thread)
}
