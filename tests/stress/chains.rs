//! Functions that are computed from functions, and are all cleared together.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use memo::{memo, singleton};

use crate::data::directory;
use crate::ledger::Ledger;
use crate::random::{self, below, one_in};
use crate::record::Record;
use crate::verdict::timed;

/// What all data here comes from, and all resources.
static DATA: Ledger = Ledger::new("a chain of data");
static RESOURCES: Ledger = Ledger::new("a chain of resources");

const KEYS: u64 = 30;

#[memo]
fn bottom(key: u64) -> Record {
    DATA.read(key)
}

#[memo(max_entries = 20)]
fn middle(key: u64) -> Record {
    bottom(key)
}

#[memo]
fn top(key: u64) -> Result<Record, String> {
    Ok(middle(key))
}

/// As `middle`, and on a disk.
#[memo(store = directory("chain"))]
fn stored_middle(key: u64) -> Record {
    bottom(key)
}

#[memo(ttl = "1h")]
fn stored_top(key: u64) -> Record {
    stored_middle(key)
}

/// As `stored_top`, in a task.
#[memo]
pub(crate) async fn awaited_top(key: u64) -> Record {
    awaited_middle(key).await
}

#[memo(store = directory("awaited chain"))]
async fn awaited_middle(key: u64) -> Record {
    awaited_bottom(key).await
}

#[memo]
async fn awaited_bottom(key: u64) -> Record {
    let record = DATA.read(key);
    crate::tasks::pause(below(3)).await;
    record
}

#[singleton]
fn resource(key: u64) -> Record {
    RESOURCES.read(key)
}

#[singleton(max_entries = 20)]
fn pool(key: u64) -> Arc<Record> {
    resource(key)
}

#[singleton]
fn session(key: u64) -> Record {
    Record::clone(&pool(key))
}

/// Calls something of it, or forgets part of it, which nothing is promised of.
pub(crate) fn step() {
    let key = random::key(KEYS);
    match below(100) {
        0..=24 => DATA.serves("top", key, || timed("top", || top(key).ok())),
        25..=34 => DATA.serves("middle", key, || timed("middle", || Some(middle(key)))),
        35..=39 => DATA.serves("bottom", key, || timed("bottom", || Some(bottom(key)))),
        40..=49 => DATA.serves("stored_top", key, || timed("stored_top", || Some(stored_top(key)))),
        50..=53 => DATA.serves("stored_middle", key, || Some(stored_middle(key))),
        54..=59 => DATA.serves("look", key, || stored_top::get(key)),
        60..=69 => RESOURCES.serves("session", key, || Some(Record::clone(&session(key)))),
        70..=79 => RESOURCES.serves("pool", key, || Some(Record::clone(&pool(key)))),
        80..=84 => RESOURCES.serves("resource", key, || Some(Record::clone(&resource(key)))),
        85..=89 => drop((middle::remove(key), session::remove(key))),
        90..=93 => drop((bottom::refresh(key), resource::refresh(key))),
        94 => bottom::clear(),
        95 => stored_middle::clear(),
        96 => pool::clear(),
        _ => drop((top::remove(key), stored_middle::remove(key), stored_top::remove(key))),
    }
}

pub(crate) async fn step_in_task() {
    let key = random::key(KEYS);
    let floor = DATA.floor(key);
    let record = awaited_top(key).await;
    DATA.check("awaited_top", key, floor, &record);
}

/// Clears all, and looks whether anything from before is left.
pub(crate) fn clear_all_again_and_again(is_over: &AtomicBool) {
    while !is_over.load(Relaxed) {
        DATA.forget_all(memo::clear_all);
        for key in 0..KEYS / 3 {
            DATA.serves("top after all were cleared", key, || top(key).ok());
        }
        if one_in(3) {
            RESOURCES.forget_all(memo::singleton::clear_all);
            for key in 0..KEYS / 3 {
                let serve = || Some(Record::clone(&session(key)));
                RESOURCES.serves("session after all were cleared", key, serve);
            }
        }
        thread::sleep(Duration::from_millis(1 + below(20)));
    }
}
