//! What a function is known by, and what is counted and reported of it.
//!
//! The [`registry`] has every function that has been called, as a trait object: so the rooms below
//! the cache can speak of all functions without knowing what a cache is. Start reading there.

pub(crate) mod registry;
pub(crate) mod isolation;
pub(crate) mod session;
mod wrapped;
pub(crate) mod dependents;
pub(crate) mod name;
pub(crate) mod identity;
pub(crate) mod enabled;
pub(crate) mod error;
pub(crate) mod why;
pub(crate) mod event;
pub(crate) mod computed;
pub(crate) mod stats;
pub(crate) mod report;
pub(crate) mod verify;
pub(crate) mod explanation;
pub(crate) mod causes;
pub(crate) mod series;
pub(crate) mod openmetrics;
#[cfg(feature = "metrics")]
pub(crate) mod facade;
