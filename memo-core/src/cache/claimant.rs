//! A call that found nothing, from its claim to its end, in one place of memory.
//!
//! That is a box, as its place would be on the stack, or in a future, for as long as the body runs.
//! When the call has ended, the box and the flight in it are kept for the thread's next miss.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::tiered::stamps::Moment;
use crate::flight::{Entered, Flight, Key, Of};
use crate::memory::entry::{Builder, Ref};
use crate::platform::sync::thread_local;
use crate::store::Lease;

/// A call that is to be computed, or to wait for who computes it.
#[derive(Debug)]
pub(crate) struct Claimant(Option<Box<Call>>);

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) flight: Arc<Flight>,
    /// The entry to be, its key written, until it is taken.
    key: Option<Builder>,
    /// The flight that this call leads as well, for whose end others wait; if none, they wait for
    /// the call's own.
    pub(super) awaited: Option<Arc<Flight>>,
    /// This thread is inside the flight.
    pub(super) entered: Option<Entered>,
    /// What the end of it has to tell the store; in a box, as most functions have none.
    pub(super) for_store: Option<Box<ForStore>>,
    /// What was found, and is to be verified.
    pub(crate) doubted: Option<Ref>,
    /// It computes whatever is stored.
    pub(crate) is_forced: bool,
    pub(super) is_over: bool,
    /// How long the body took, in nanoseconds, once it is done.
    pub(super) took: Option<u64>,
}

/// What a computation has to tell its function's store.
#[derive(Debug, Default)]
pub(crate) struct ForStore {
    /// When the store was asked, and had nothing.
    pub(crate) moment: Option<Moment>,
    /// The right to compute it for all processes.
    pub(crate) lease: Option<Lease>,
    /// What the store has is to be replaced, for all.
    pub(crate) is_replacing: bool,
}

/// As many are kept for a thread: calls in calls need one each.
const SPARES: usize = 128;

thread_local! {
    #[expect(clippy::vec_box, reason = "a call takes its box with it")]
    static SPARE: RefCell<Vec<Box<Call>>> = const { RefCell::new(Vec::new()) };
}

impl Claimant {
    /// Of a call in a session, which is not to lend its doubles to others before it ends.
    pub(super) fn new(key: Key, mut of: Of) -> Self {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        if let Ok(Some(mut call)) = spare {
            match call.flight.reuse(&key, of) {
                Ok(()) => {
                    call.key = Some(key.entry);
                    return Self(Some(call));
                }
                Err(back) => of = back,
            }
        }
        Self(Some(Box::new(Call {
            flight: Flight::new(&key, of),
            key: Some(key.entry),
            awaited: None,
            entered: None,
            for_store: None,
            doubted: None,
            is_forced: false,
            is_over: false,
            took: None,
        })))
    }

    /// The key, which is there until the call ends.
    pub(crate) fn key(&self) -> &Builder {
        match &self.key {
            Some(key) => key,
            None => unreachable!("a call ends once"),
        }
    }

    /// The entry to be, its key written.
    pub(crate) fn take_key(&mut self) -> Builder {
        match self.key.take() {
            Some(key) => key,
            None => unreachable!("a call ends once"),
        }
    }

    /// The flight for whose end others wait.
    pub(super) fn awaited(&self) -> &Arc<Flight> {
        self.awaited.as_ref().unwrap_or(&self.flight)
    }

    /// What was found, of a call that is to be verified.
    pub(crate) fn found(&self) -> Ref {
        match &self.doubted {
            Some(found) => found.view().share(),
            None => unreachable!("only what was found is verified"),
        }
    }

    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// This thread is inside the flight from here on, until the call ends.
    pub(super) fn enter(&mut self) {
        self.entered = Some(Entered::new(&self.flight));
    }
}

impl Deref for Claimant {
    type Target = Call;

    fn deref(&self) -> &Call {
        match &self.0 {
            Some(call) => call,
            None => unreachable!("it is there until this is dropped"),
        }
    }
}

impl DerefMut for Claimant {
    fn deref_mut(&mut self) -> &mut Call {
        match &mut self.0 {
            Some(call) => call,
            None => unreachable!("it is there until this is dropped"),
        }
    }
}

impl Drop for Claimant {
    fn drop(&mut self) {
        let Some(mut call) = self.0.take() else { return };
        call.entered = None;
        if !call.flight.can_be_reused() {
            return;
        }
        // By name, so that nothing that is added is forgotten.
        let Call {
            flight: _,
            key,
            awaited,
            entered: _,
            for_store,
            doubted,
            is_forced,
            is_over,
            took,
        } = &mut *call;
        (*key, *awaited, *for_store, *doubted, *took) = (None, None, None, None, None);
        (*is_forced, *is_over) = (false, false);
        // A thread whose locals are gone keeps nothing.
        let _ = SPARE.try_with(move |spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(call);
            }
        });
    }
}
