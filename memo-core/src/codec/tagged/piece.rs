//! What comes next, for a type that asks for whatever comes.
//!
//! Found out once for all types: all that is left to a visitor is to take it.

use super::parts::Left;
use super::skip::inside;
use super::{width, Error, Number, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

/// A piece of an encoding, read up to where the values in it begin.
pub(super) enum Piece<'de> {
    Unit,
    Bool(bool),
    Char(char),
    Number(Number),
    Str(&'de str),
    Bytes(&'de [u8]),
    None,
    Some,
    Newtype,
    /// With the tag of all parts, where they are numbers.
    Seq(Left<'de>, Option<u8>),
    Map(Left<'de>),
}

impl<'de> Reader<'de> {
    /// The next piece, which lies so deep, and how deep the values in it do.
    pub(super) fn piece(&mut self, depth: Depth) -> Result<(Piece<'de>, Depth), Error> {
        let piece = match self.tag()? {
            tag::UNIT => Piece::Unit,
            tag::FALSE => Piece::Bool(false),
            tag::TRUE => Piece::Bool(true),
            tag::NONE => Piece::None,
            tag::CHAR => Piece::Char(self.char()?),
            tag::STR => Piece::Str(self.str()?),
            tag::BYTES => Piece::Bytes(self.bytes()?),
            tag::UNIT_STRUCT => {
                self.bytes()?;
                Piece::Unit
            }
            tag::SOME => return Ok((Piece::Some, around(depth)?)),
            tag::NEWTYPE => {
                self.bytes()?;
                return Ok((Piece::Newtype, around(depth)?));
            }
            tag::VARIANT => {
                let name = self.variant()?;
                if self.skip(tag::UNIT) {
                    Piece::Str(name)
                } else {
                    Piece::Map(Left::Variant { name: Some(name), is_payload_left: true })
                }
            }
            tag @ (tag::SEQ
            | tag::TUPLE
            | tag::MAP
            | tag::FIELDS
            | tag::TUPLE_STRUCT
            | tag::STRUCT
            | tag::NUMBERS
            | tag::SET
            | tag::BAG) => return Ok((self.composite(tag)?, inside(depth)?)),
            tag::UNSAID => {
                self.words()?;
                return Err(Error::told());
            }
            tag => Piece::Number(self.number(tag)?),
        };
        Ok((piece, depth))
    }

    fn composite(&mut self, tag: u8) -> Result<Piece<'de>, Error> {
        if matches!(tag, tag::TUPLE_STRUCT | tag::STRUCT) {
            self.bytes()?;
        }
        Ok(match tag {
            tag::MAP | tag::FIELDS | tag::STRUCT => Piece::Map(Left::UntilEnd),
            tag::NUMBERS => {
                let tag = self.byte()?;
                // What is no number may have no bytes, and any count of them would be there.
                width(tag)?;
                Piece::Seq(Left::Counted(self.len()?), Some(tag))
            }
            tag::SET => Piece::Seq(Left::Counted(self.len()?), None),
            tag::BAG => Piece::Map(Left::Counted(self.len()?)),
            _ => Piece::Seq(Left::UntilEnd, None),
        })
    }
}

fn around(depth: Depth) -> Result<Depth, Error> {
    depth.around().ok_or_else(Error::too_deep)
}
