//! What goes with what it was computed from: functions with `depends`.

mod bounds;
mod chains;
mod graphs;
mod late_stores;
mod races;
mod shapes;
mod shelf;
mod stores;

#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;
