//! What `memo` promises, one sentence a test. Each test has functions of its own.

mod bounds;
mod clearing;
mod companions;
mod flights;
mod keys;
mod resources;
mod singletons;
mod values;
