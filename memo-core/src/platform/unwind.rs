//! Where the user's code is called and must not unwind into this crate's.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::task::Waker;

/// What the user's code returns; nothing if it panics.
///
/// It is called where nothing is halfway changed, so that there is nothing to be unwind-safe.
#[inline]
pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Option<R> {
    let (mut code, mut returned) = (Some(code), None);
    catch_any(&mut || {
        if let Some(code) = code.take() {
            returned = Some(code());
        }
    });
    returned
}

/// Compiled once, whatever is called.
#[inline(never)]
fn catch_any(code: &mut dyn FnMut()) {
    let _ = catch_unwind(AssertUnwindSafe(code)).map_err(discard);
}

/// Drops what a panic was called with. That is foreign code as well: where it panics in its turn,
/// what that was called with is forgotten, as nobody could say when to stop.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

/// Drops a waker, which is foreign code and may end the user's task: to be done outside locks, and
/// without unwinding into a drop.
pub(crate) fn discard_waker(waker: Option<Waker>) {
    let _ = catch(|| drop(waker));
}

/// Wakes; a waker is foreign code, and its panic must not keep others asleep.
pub(crate) fn wake(waker: Waker) {
    let _ = catch(|| waker.wake());
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_a_panic_was_called_with_is_dropped() {
        let probe = Arc::new(());
        let payload = Arc::clone(&probe);
        assert_eq!(catch(|| panic_any(payload)), None::<()>);
        assert_eq!(Arc::strong_count(&probe), 1);
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_goes_no_further() {
        struct Stubborn;
        impl Drop for Stubborn {
            fn drop(&mut self) {
                panic_any(Stubborn);
            }
        }
        assert_eq!(catch(|| panic_any(Stubborn)), None::<()>);
    }
}
