//! What is measured, and what it is measured against.
//!
//! The benchmark and the report both read it here: a group of the one is a row of the other.

mod case;
mod counting;
mod home;
mod system;

pub use case::{case, Against, Case, Group, Mark, CASES};
pub use counting::{held, Counting};
pub use home::{criterion_home, STARTED};
pub use system::{columns, is_peer, BASELINES, SHARING};
