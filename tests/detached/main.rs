//! What becomes of computations that are tasks of their own. They are a program of their own, as the
//! spawner belongs to the whole process.

mod ends;
mod nested;
mod options;
mod refreshes;
mod shapes;
mod spawner;
mod spawners;

#[path = "../support/removing.rs"]
mod removing;
#[path = "../schedule/mod.rs"]
mod schedule;
