//! Sequences of everything that can be done to functions, to their stores and to what is between them,
//! against a model that says what may come of it: for memory, the disk and a server, with memory in
//! front and without.
//!
//! A sequence is made of its seed alone, which a failure prints, and then fewer of its steps that fail
//! as well: `MEMO_MODEL_SEED=17 cargo test -p memo-tests --test model` runs that one, and
//! `MEMO_MODEL_STEPS='[…]'` those steps. `MEMO_MODEL_SEQUENCES` says how many are run, or how often. The
//! server is the one of the tests of Redis, or `$MEMO_TEST_SERVER`.

mod actor;
mod belief;
// Some of it is of servers alone.
#[cfg_attr(not(all(unix, feature = "redis")), allow(dead_code))]
mod command;
#[cfg_attr(not(all(unix, feature = "redis")), allow(dead_code, unused_imports))]
mod common;
mod counts;
mod events;
mod functions;
mod knowledge;
mod lives;
mod model;
mod play;
mod process;
#[allow(dead_code)]
#[path = "../support/processes.rs"]
mod processes;
#[cfg(all(unix, feature = "redis"))]
#[allow(dead_code)]
#[path = "../redis/proxy.rs"]
mod proxy;
mod random;
#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;
#[cfg(all(unix, feature = "redis"))]
mod served;
#[cfg(all(unix, feature = "redis"))]
#[allow(dead_code)]
#[path = "../redis/server.rs"]
mod server;
mod stage;
#[cfg_attr(not(all(unix, feature = "redis")), allow(dead_code))]
#[path = "../support/waiting.rs"]
mod waiting;

use std::time::Duration;

use command::Kind;
use play::Subject;
use stage::Place;

const MINUTE: Duration = Duration::from_secs(60);

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn memory(kind: Kind, place: Place) -> Subject {
    Subject { kind, place, has_memory: true, bound: Duration::ZERO }
}

fn disk(suite: &'static str, has_memory: bool) -> Subject {
    let bound = Duration::from_millis(100);
    Subject { kind: Kind::Disk, place: Place::Processes(suite), has_memory, bound }
}

#[test]
#[ignore = "the process that the other tests start and talk to; by itself it does nothing"]
fn child() {
    processes::play(&[("model", stage::role)]);
}

#[test]
fn whatever_is_done_to_functions_in_memory_they_answer_as_the_model_may() {
    memory(Kind::Memory, Place::Memory(functions::plain)).check(200);
}

#[test]
fn whatever_is_done_to_functions_that_keep_their_results_they_answer_as_the_model_may() {
    memory(Kind::Memory, Place::Memory(functions::kept)).check(200);
}

#[test]
fn whatever_is_done_to_processes_without_a_store_they_answer_as_the_model_may() {
    memory(Kind::Process, Place::Processes("plain")).check(10);
}

#[test]
fn whatever_is_done_to_a_disk_behind_memory_functions_answer_as_the_model_may() {
    disk("disk", true).check(20);
}

#[test]
fn whatever_is_done_to_a_disk_alone_functions_answer_as_the_model_may() {
    disk("disk_alone", false).check(20);
}

#[cfg(all(unix, feature = "redis"))]
fn server(suite: &'static str, has_memory: bool) -> Subject {
    let place = Place::Server(suite, served::Served::new());
    Subject { kind: Kind::Server, place, has_memory, bound: Duration::from_millis(1100) }
}

#[cfg(all(unix, feature = "redis"))]
#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test model -- --include-ignored"]
fn whatever_is_done_to_a_server_behind_memory_functions_answer_as_the_model_may() {
    server("redis", true).check(20);
}

#[cfg(all(unix, feature = "redis"))]
#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test model -- --include-ignored"]
fn whatever_is_done_to_a_server_alone_functions_answer_as_the_model_may() {
    server("redis_alone", false).check(20);
}
