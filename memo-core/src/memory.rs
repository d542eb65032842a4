//! Entries in a table, within bounds.
//!
//! An [`entry`] is one allocation that holds a key and a value. [`bounded`] keeps the entries of a
//! function in its [`table`], and says which of them is next to go: for room ([`eviction`],
//! [`budget`]), for its age ([`ages`], [`expiry`]), by a tag ([`tagged`]), or with what
//! it was computed from ([`depending`]). Readers take no lock; whoever writes holds the cache's.
//! The room knows keys and bytes, no type of the user's and no flight.

pub(crate) mod entry;
pub(crate) mod table;
mod chunks;
pub(crate) mod list;
pub(crate) mod eviction;
mod ages;
mod tagged;
mod depending;
pub(crate) mod gone;
pub(crate) mod agenda;
pub(crate) mod budget;
pub(crate) mod expiry;
pub(crate) mod bounded;
