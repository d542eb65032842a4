//! What goes with what it was computed from: functions with `depends`.

mod bounds;
mod chains;
mod graphs;
mod races;
mod shapes;
mod stores;

#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;
