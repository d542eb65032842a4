//! The nth request of this thread fails, as it would on a full disk.

use std::cell::Cell;
use std::io;

thread_local! {
    static LEFT: Cell<Option<(u32, io::ErrorKind)>> = const { Cell::new(None) };
}

/// Has the request after `count` more fail; none does, if nothing.
pub(super) fn fail_after(fault: Option<(u32, io::ErrorKind)>) {
    LEFT.set(fault);
}

/// Whether the fault has come.
pub(super) fn is_over() -> bool {
    LEFT.get().is_none()
}

pub(super) fn step() -> io::Result<()> {
    match LEFT.get() {
        Some((0, kind)) => {
            LEFT.set(None);
            Err(kind.into())
        }
        Some((left, kind)) => {
            LEFT.set(Some((left - 1, kind)));
            Ok(())
        }
        None => Ok(()),
    }
}
