//! The systems that keep results on a Redis server, each as its own documentation advises.

pub mod cached;
pub mod memo;
