//! What `memo` promises, one sentence a test. Each test has functions of its own.

mod asked;
mod bounds;
mod clearing;
mod clones;
mod companions;
mod cycles;
mod detached;
mod errors;
mod explain;
mod enabled;
mod flights;
mod futures;
mod hard_flights;
mod hard_resources;
mod hard_stores;
mod hard_values;
mod idle;
mod isolated;
mod keys;
mod late_answers;
mod lives;
mod one_instance;
mod openmetrics;
mod private;
mod refreshes;
mod nesting;
mod resources;
mod retain;
mod sessions;
mod singletons;
mod stale;
mod statistics;
mod tagged_stores;
mod tags;
mod stalls;
mod stored_lives;
mod task_waits;
mod values;
mod waits;

#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;
