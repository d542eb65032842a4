//! Which flight's body runs on this thread right now.

use std::cell::Cell;
use std::sync::Arc;

use super::Flight;
use crate::platform::sync::thread_local;

thread_local! {
    static CURRENT: Cell<Option<Arc<Flight>>> = const { Cell::new(None) };
}

/// This thread is in the body of a flight, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered {
    outer: Option<Arc<Flight>>,
}

impl Entered {
    pub(crate) fn new(flight: &Arc<Flight>) -> Self {
        let inner = Some(Arc::clone(flight));
        Self { outer: CURRENT.try_with(|current| current.replace(inner)).unwrap_or_default() }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let inner = CURRENT.try_with(|current| current.replace(outer));
        drop(inner);
    }
}

pub(crate) fn current() -> Option<Arc<Flight>> {
    CURRENT
        .try_with(|cell| {
            let current = cell.take();
            cell.set(current.clone());
            current
        })
        .unwrap_or_default()
}
