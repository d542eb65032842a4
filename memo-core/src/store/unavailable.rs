//! The store of a function whose own cannot be opened.

use std::time::Duration;

use super::{Changes, Failure, FunctionId, Key, Lookup, Stamp, Store, Tag, Ticket};

/// A store that cannot be reached, and why.
pub(crate) struct Unavailable(pub(crate) &'static str);

impl Unavailable {
    fn fail<T>(&self) -> Result<T, Failure> {
        Err(self.0.into())
    }
}

impl Store for Unavailable {
    fn get(&self, _: &FunctionId<'_>, _: &Key) -> Result<Lookup, Failure> {
        self.fail()
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        _: &Key,
        _: Ticket,
        _: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        self.fail()
    }

    fn remove(&self, _: &FunctionId<'_>, _: &Key) -> Result<(bool, Ticket), Failure> {
        self.fail()
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.fail()
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.fail()
    }

    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        self.fail()
    }
    // It may have: what it says is why it cannot be asked.
    fn has_tags(&self) -> bool {
        true
    }

    fn stamps(&self, _: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        self.fail()
    }

    // Nothing is in it.
    fn clear_tag(&self, _: &Tag) -> Result<Ticket, Failure> {
        Ok(Ticket::new(0, 0))
    }

    fn tag_changes(&self, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        self.fail()
    }
}
