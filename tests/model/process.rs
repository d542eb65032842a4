//! What the model knows of a process, and of what is tested.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::belief::{Belief, Cell, Span, Time, Void};
use crate::command::Function;

/// What is under test, as far as the model has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) has_store: bool,
    /// Memory keeps what the store has.
    pub(crate) has_memory: bool,
    pub(crate) time: Time,
    /// How long a process may not have heard of what another one did.
    pub(crate) bound: Duration,
    /// What is known to be otherwise than promised is not left out.
    pub(crate) is_strict: bool,
}

/// So many computations of a process are under way at the most.
pub(super) const FLIGHTS: usize = 3;

/// A computation of `Held` that is under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) key: u8,
    /// In which order they began.
    pub(super) number: usize,
    pub(super) is_refresh: bool,
    /// Its process made it void: its result is its caller's alone.
    pub(super) is_fenced: bool,
    /// Another process did; until then this one's memory may have the result.
    pub(super) until: Option<Duration>,
    /// Whether its result is stored is not known.
    pub(super) is_unsure: bool,
}

impl Flight {
    pub(super) fn cell(&self) -> Cell {
        Cell { function: Function::Held, session: None, key: self.key }
    }
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) memory: BTreeMap<Cell, Belief>,
    pub(super) flights: Vec<Flight>,
    pub(super) begun: usize,
    pub(super) entered: Vec<usize>,
    pub(super) is_enabled: bool,
    /// What it could not make void in the store, and when it tried.
    pub(super) pending: Vec<(Void, Span)>,
    /// What it may still hear of, until when. It takes that to be of now, and fences what began since.
    pub(super) unheard: Vec<(Void, Duration)>,
}

impl Process {
    pub(super) fn new() -> Self {
        let (memory, flights, begun) = (BTreeMap::new(), Vec::new(), 0);
        let (entered, is_enabled) = (Vec::new(), true);
        let (pending, unheard) = (Vec::new(), Vec::new());
        Self { memory, flights, begun, entered, is_enabled, pending, unheard }
    }
}
