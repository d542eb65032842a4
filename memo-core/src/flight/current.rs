//! Which flight's body runs on this thread right now.

use std::cell::Cell;
use std::sync::Arc;

use super::span::Inside;
use super::Flight;
use crate::function::dependents::Dependent;
use crate::function::isolation;
use crate::platform::sync::thread_local;
use crate::reclaim::{self, Aside};

thread_local! {
    static CURRENT: Cell<Option<Arc<Flight>>> = const { Cell::new(None) };
}

/// This thread is in the body of a flight, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered {
    outer: Outer,
    /// Left before the thread is where it was.
    span: Inside,
    /// In a body of which is noted what it calls, hits take the way on which they are.
    _aside: Option<Aside>,
}

/// Where the thread was before.
#[derive(Debug)]
enum Outer {
    /// In the body of another flight, or of none.
    Elsewhere(Option<Arc<Flight>>),
    /// In that of the same.
    Same,
}

impl Entered {
    pub(crate) fn new(flight: &Arc<Flight>) -> Self {
        let outer = CURRENT.try_with(|cell| {
            let current = cell.take();
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, flight)) {
                cell.set(current);
                return Outer::Same;
            }
            cell.set(Some(Arc::clone(flight)));
            Outer::Elsewhere(current)
        });
        // A thread whose locals are gone is nowhere.
        let outer = outer.unwrap_or(Outer::Same);
        let span = match outer {
            Outer::Elsewhere(_) => flight.span.enter(),
            Outer::Same => Inside::nothing(),
        };
        let is_elsewhere = matches!(outer, Outer::Elsewhere(_));
        let _aside = (is_elsewhere && flight.recorder.is_some()).then(Aside::new);
        Self { outer, span, _aside }
    }

    /// The span of the flight that the thread is in has begun since.
    pub(crate) fn enter_span(&mut self, flight: &Flight) {
        self.span = flight.span.enter();
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(std::mem::replace(&mut self.span, Inside::nothing()));
        if let Outer::Elsewhere(outer) = &mut self.outer {
            let outer = outer.take();
            let inner = CURRENT.try_with(|current| current.replace(outer));
            drop(inner);
        }
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

/// The computation that notes what this thread calls.
#[inline]
pub(crate) fn recording() -> Option<Arc<Dependent>> {
    if !reclaim::is_aside() {
        return None;
    }
    current()?.recorder_in(isolation::current()).cloned()
}
