//! What may be known of one result: which values a look may find, and whether it must find one.

use std::time::Duration;

use crate::command::Function;
use crate::functions::{tags, units};

/// Between which moments something was, since the sequence began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) early: Duration,
    pub(crate) late: Duration,
}

/// How time is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) unit: Duration,
    /// By how much clocks may differ.
    pub(crate) margin: Duration,
}

/// Whose result of which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) function: Function,
    pub(crate) session: Option<usize>,
    pub(crate) key: u8,
}

/// What is made void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Void {
    Call(Cell),
    Function(Function),
    /// What a function has in a session.
    Within(Function, usize),
    Session(usize),
    Tag(usize),
    All,
}

impl Void {
    pub(crate) fn reaches(self, cell: Cell) -> bool {
        match self {
            Self::Call(call) => call == cell,
            Self::Function(function) => cell.function == function,
            Self::Within(function, session) => {
                cell.function == function && cell.session == Some(session)
            }
            Self::Session(session) => cell.session == Some(session),
            Self::Tag(tag) => tags(cell.key).any(|other| other == tag),
            Self::All => true,
        }
    }
}

/// A value that may be found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) value: u32,
    pub(crate) stored: Span,
    /// Until when a process may not have heard that it is void.
    pub(crate) until: Option<Duration>,
}

impl Held {
    pub(crate) fn new(value: u32, stored: Span) -> Self {
        Self { value, stored, until: None }
    }
    fn life(&self, time: Time) -> Option<Duration> {
        units(self.value).map(|units| time.unit * units)
    }

    pub(crate) fn may_be_found(&self, look: Span, time: Time) -> bool {
        let is_heard_of = self.until.is_some_and(|until| until < look.early);
        let end = self.life(time).map(|life| self.stored.late + life + time.margin);
        !is_heard_of && end.is_none_or(|end| look.early < end)
    }

    fn must_be_found(&self, look: Span, time: Time) -> bool {
        let end = self.life(time).map(|life| self.stored.early + life);
        self.until.is_none() && end.is_none_or(|end| look.late + time.margin < end)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Belief {
    pub(crate) may: Vec<Held>,
    /// One of them is there, if it has not expired.
    pub(crate) must: bool,
}

impl Belief {
    /// It is there, if it lives for any time at all.
    pub(crate) fn sure(held: Held) -> Self {
        let lives = units(held.value) != Some(0);
        Self { may: lives.then_some(held).into_iter().collect(), must: lives }
    }

    pub(crate) fn must_be_found(&self, look: Span, time: Time) -> bool {
        self.must && !self.may.is_empty() && self.may.iter().all(|it| it.must_be_found(look, time))
    }

    /// One that another process made void may be found until then.
    pub(crate) fn void_from(&mut self, until: Duration) {
        self.must = false;
        for held in &mut self.may {
            held.until = Some(held.until.map_or(until, |sooner| sooner.min(until)));
        }
    }
}
