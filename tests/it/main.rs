//! What `memo` promises, one sentence a test. Each test has functions of its own.

mod clearing;
mod companions;
mod flights;
mod keys;
mod singletons;
mod values;
