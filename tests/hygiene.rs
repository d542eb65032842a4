//! The expansion compiles in the strictest crate, whatever names that crate has taken.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(single_use_lifetimes, unused_lifetimes, unused_qualifications, unused_results)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

#[path = "hygiene/constants.rs"]
pub mod constants;
#[path = "hygiene/lints.rs"]
pub mod lints;
#[path = "hygiene/names.rs"]
pub mod names;
