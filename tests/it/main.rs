//! What `memo` promises, one sentence a test. Each test has functions of its own.

mod bounds;
mod clearing;
mod companions;
mod flights;
mod hard_flights;
mod hard_resources;
mod hard_stores;
mod hard_values;
mod keys;
mod nesting;
mod resources;
mod singletons;
mod values;
