//! The sink that compares.

use super::super::sink::{Sink, Stop};
use super::super::tag;
use super::super::unordered::Sorted;

/// Compares an encoding with a stored one, piece by piece.
pub(crate) struct Compare<'a> {
    rest: &'a [u8],
}

impl<'a> Compare<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(encoding: &'a [u8]) -> Self {
        Self { rest: encoding }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Compare<'_> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        match self.rest.split_first_chunk::<N>() {
            Some((start, rest)) => {
                self.rest = rest;
                Ok(*start)
            }
            None => Err(Stop::Differs),
        }
    }

    /// Compares a head of known length and what follows it, asking once whether there is enough.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn pieces_are<const N: usize>(&mut self, head: [u8; N], body: &[u8]) -> Result<(), Stop> {
        match self.rest.split_at_checked(N + body.len()) {
            Some((start, rest)) if start[..N] == head && start[N..] == *body => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Stop::Differs),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number_is<const N: usize>(&mut self, tag: u8, number: [u8; N]) -> Result<(), Stop> {
        let found = self.take()?;
        if found == [tag] && self.take()? == number {
            Ok(())
        } else {
            Err(Stop::Differs)
        }
    }
}

impl Sink for Compare<'_> {
    type Unordered = Sorted;

    // From registers: a number put together with its tag in memory first, and compared there,
    // waits for the store to come through.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        match width {
            1 => self.number_is(tag, (number as u8).to_le_bytes()),
            2 => self.number_is(tag, (number as u16).to_le_bytes()),
            4 => self.number_is(tag, (number as u32).to_le_bytes()),
            _ => self.number_is(tag, number.to_le_bytes()),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field(&mut self, name: &'static str) -> Result<(), Stop> {
        match u8::try_from(name.len()) {
            Ok(len) if len < u8::MAX => self.pieces_are([tag::FIELD, len], name.as_bytes()),
            _ => {
                self.tag(tag::FIELD)?;
                self.name(name)
            }
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        match u8::try_from(bytes.len()) {
            Ok(len) if len < u8::MAX => self.pieces_are([tag, len], bytes),
            _ => {
                self.tag(tag)?;
                self.len(bytes.len())?;
                self.put(bytes)
            }
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match self.rest.split_at_checked(bytes.len()) {
            Some((start, rest)) if start == bytes => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Stop::Differs),
        }
    }
}
