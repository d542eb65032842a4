//! Passing over pieces that nobody wants.

use super::{width, Error, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

impl Reader<'_> {
    /// Passes over one piece, which lies so deep.
    pub(super) fn skip_piece(&mut self, depth: Depth) -> Result<(), Error> {
        match self.tag()? {
            tag::UNIT | tag::FALSE | tag::TRUE | tag::NONE => Ok(()),
            tag::STR | tag::BYTES | tag::UNIT_STRUCT => self.bytes().map(drop),
            tag::UNSAID => {
                self.take(8)?;
                self.skip_around(depth)
            }
            tag::SOME => self.skip_around(depth),
            tag::NEWTYPE => {
                self.bytes()?;
                self.skip_around(depth)
            }
            tag::VARIANT => {
                self.variant()?;
                self.skip_payload(depth)
            }
            tag::SEQ | tag::TUPLE | tag::MAP | tag::FIELDS => self.skip_inside(depth),
            tag::TUPLE_STRUCT | tag::STRUCT => {
                self.bytes()?;
                self.skip_inside(depth)
            }
            tag::NUMBERS => {
                let width = width(self.byte()?)?;
                let count = self.len()?;
                self.take(count.saturating_mul(width)).map(drop)
            }
            tag::SET => {
                let count = self.len()?;
                self.skip_pieces(count, inside(depth)?)
            }
            tag::BAG => {
                let count = self.len()?.saturating_mul(2);
                self.skip_pieces(count, inside(depth)?)
            }
            number => self.take(width(number)?).map(drop),
        }
    }

    pub(super) fn skip_pieces(&mut self, count: usize, depth: Depth) -> Result<(), Error> {
        // Each is a byte at least: the bytes end before a count that was made up.
        (0..count).try_for_each(|_| self.skip_piece(depth))
    }

    /// Passes over what a variant has behind its name.
    pub(super) fn skip_payload(&mut self, depth: Depth) -> Result<(), Error> {
        match self.byte()? {
            tag::UNIT => Ok(()),
            tag::NEWTYPE => self.skip_piece(inside(depth)?),
            _ => self.skip_inside(depth),
        }
    }

    /// Passes over the pieces up to the next end, and counts them; a field's name is part of it.
    pub(super) fn skip_to_end(&mut self, depth: Depth) -> Result<usize, Error> {
        let mut count = 0;
        while !self.skip(tag::END) {
            if self.skip(tag::FIELD) {
                self.bytes()?;
            }
            self.skip_piece(depth)?;
            count += 1;
        }
        Ok(count)
    }

    fn skip_inside(&mut self, depth: Depth) -> Result<(), Error> {
        self.skip_to_end(inside(depth)?).map(drop)
    }

    fn skip_around(&mut self, depth: Depth) -> Result<(), Error> {
        self.skip_piece(depth.around().ok_or_else(Error::too_deep)?)
    }
}

pub(super) fn inside(depth: Depth) -> Result<Depth, Error> {
    depth.inside().ok_or_else(Error::too_deep)
}
