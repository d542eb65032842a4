//! What differs between platforms, or between the standard library and what is needed here: locks,
//! `fork`, panics. It uses nothing of memo.

pub(crate) mod sync;
pub(crate) mod process;
pub(crate) mod unwind;
