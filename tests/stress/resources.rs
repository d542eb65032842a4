//! Resources: whole while anybody has them, dropped and released once when nobody does.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memo::singleton;

use crate::ledger::Ledger;
use crate::operations::caught;
use crate::random::{self, below, one_in, work};
use crate::record::Record;
use crate::verdict::{timed, wrong};

static MADE: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static RELEASED: AtomicU64 = AtomicU64::new(0);

const KEYS: u64 = 150;

pub(crate) struct Resource {
    record: Record,
    is_released: AtomicBool,
}

impl Resource {
    fn make(record: Record) -> Self {
        MADE.fetch_add(1, SeqCst);
        Self { record, is_released: AtomicBool::new(false) }
    }

    /// The value, which is not to be released while somebody has it.
    fn look(&self) -> Record {
        work();
        if self.is_released.load(SeqCst) {
            wrong("a resource was released that somebody has");
        }
        self.record.clone()
    }

    fn release(&self) {
        if self.is_released.swap(true, SeqCst) {
            wrong("a resource was released twice");
        }
        RELEASED.fetch_add(1, SeqCst);
        if one_in(64) {
            resume_unwind(Box::new("released"));
        }
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
        if !self.is_released.load(SeqCst) {
            wrong("a resource was dropped that was not released");
        }
    }
}

static CONNECTION: Ledger = Ledger::new("connection");

#[singleton(max_entries = 100, on_release = Resource::release, validate = |_: &Resource| !one_in(64))]
fn connection(key: u64) -> Resource {
    Resource::make(CONNECTION.read(key))
}

static FLEETING: Ledger = Ledger::new("fleeting");

#[singleton(ttl = "5ms", wait = Duration::from_micros(300), on_release = Resource::release)]
fn fleeting(key: u64) -> Result<Resource, String> {
    let record = FLEETING.read(key);
    match below(8) {
        0 => Err("not now".into()),
        1 => resume_unwind(Box::new("not now")),
        _ => Ok(Resource::make(record)),
    }
}

pub(crate) static MODEL: Ledger = Ledger::new("model");

/// Made by tasks.
#[singleton(on_release = Resource::release)]
pub(crate) async fn model(key: u64) -> Result<Resource, String> {
    let record = MODEL.read(key);
    crate::tasks::pause(below(4)).await;
    if one_in(8) {
        return Err("not now".into());
    }
    Ok(Resource::make(record))
}

pub(crate) fn step() {
    let key = random::key(KEYS);
    match below(400) {
        0 => CONNECTION.forget_all(connection::clear),
        1..=6 => CONNECTION.forget(key, || connection::remove(key)),
        7..=10 => CONNECTION.refresh(key, || Some(connection::refresh(key).look())),
        11 => FLEETING.forget_all(fleeting::clear),
        12..=14 => FLEETING.forget(key, || fleeting::remove(key)),
        15..=20 => FLEETING.refresh(key, || Some(caught(|| fleeting::refresh(key))?.ok()?.look())),
        21..=30 => CONNECTION.serves("get", key, || Some(connection::get(key)?.look())),
        31..=99 => FLEETING.serves("call", key, || {
            Some(timed("fleeting", || caught(|| fleeting(key)))?.ok()?.look())
        }),
        _ => CONNECTION.serves("call", key, || {
            let first = timed("connection", || connection(key));
            // Both are held at once, whether it is the same one or not.
            let second = connection::get(key);
            second.as_ref().map(|second| second.look());
            Some(first.look())
        }),
    }
}

pub(crate) async fn step_in_task() {
    let key = random::key(KEYS);
    let floor = MODEL.floor(key);
    let made: Result<Arc<Resource>, String> = model(key).await;
    if let Ok(model) = made {
        MODEL.check("call", key, floor, &model.look());
    }
}

/// Forgets something of what tasks make.
pub(crate) fn forget_model() {
    let key = random::key(KEYS);
    if one_in(20) {
        MODEL.forget_all(model::clear);
    } else {
        MODEL.forget(key, || model::remove(key));
    }
}

pub(crate) fn check_bounds() {
    let stats = connection::stats();
    if stats.entries > 100 {
        wrong(&format!("a bound is exceeded: {stats:?}"));
    }
}

/// What a slow reader may still have looked at ends soon after.
pub(crate) fn wait_for_all_to_end() {
    let start = Instant::now();
    let count = |counter: &AtomicU64| counter.load(SeqCst);
    while count(&MADE) != count(&DROPPED) && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn check_counts() {
    let counts = [&MADE, &DROPPED, &RELEASED].map(|counter| counter.load(SeqCst));
    println!("resources made, dropped, released: {counts:?}");
    if counts != [counts[0]; 3] {
        wrong(&format!("resources made, dropped and released: {counts:?}"));
    }
}
