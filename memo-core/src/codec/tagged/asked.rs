//! What comes next, for a type that asks for something of one kind.
//!
//! Found out once for all types, as with [`Piece`]. What is of another kind is refused.

use serde::de;

use super::parts::{Left, Parts};
use super::piece::Piece;
use super::value::Value;
use super::Error;
use crate::key::tag;

pub(super) enum Bytes<'r, 'de> {
    Slice(&'de [u8]),
    Elements(Parts<'r, 'de>),
}

pub(super) enum Identifier<'de> {
    Name(&'de str),
    Bytes(&'de [u8]),
    Index(u64),
}

impl<'r, 'de> Value<'r, 'de> {
    /// The next piece, for a value of this size, and what the values in it are read from.
    pub(super) fn piece(self, size: usize) -> Result<(Piece<'de>, Self), Error> {
        self.reader.note_size(size);
        let (piece, depth) = self.reader.piece(self.depth)?;
        Ok((piece, Self { depth, ..self }))
    }

    /// The same of a value in as many newtypes as it is in, as with a `Deserialize` by hand.
    pub(super) fn scalar(self, size: usize) -> Result<Piece<'de>, Error> {
        Ok(self.within_newtypes()?.piece(size)?.0)
    }

    pub(super) fn bool(self, size: usize) -> Result<bool, Error> {
        match self.scalar(size)? {
            Piece::Bool(value) => Ok(value),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn char(self, size: usize) -> Result<char, Error> {
        match self.scalar(size)? {
            Piece::Char(value) => Ok(value),
            _ => Err(Error::another()),
        }
    }

    /// The bits of a number as one with this tag.
    pub(super) fn number(self, tag: u8, size: usize) -> Result<u128, Error> {
        match self.scalar(size)? {
            Piece::Number(number) => number.bits_as(tag),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn str(self, size: usize) -> Result<&'de str, Error> {
        match self.scalar(size)? {
            Piece::Str(text) => Ok(text),
            Piece::Bytes(bytes) => std::str::from_utf8(bytes).map_err(de::Error::custom),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn unit(self, size: usize) -> Result<(), Error> {
        match self.piece(size)?.0 {
            Piece::Unit => Ok(()),
            _ => Err(Error::another()),
        }
    }

    /// The value in a `Some`, if it is one.
    pub(super) fn option(self, size: usize) -> Result<Option<Self>, Error> {
        match self.piece(size)? {
            (Piece::Some, value) => Ok(Some(value)),
            (Piece::None | Piece::Unit, _) => Ok(None),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn bytes(self, size: usize) -> Result<Bytes<'r, 'de>, Error> {
        match self.within_newtypes()?.piece(size)? {
            (Piece::Bytes(bytes), _) => Ok(Bytes::Slice(bytes)),
            (Piece::Str(text), _) => Ok(Bytes::Slice(text.as_bytes())),
            (Piece::Seq(left, numbers), value) => Ok(Bytes::Elements(value.parts(left, numbers))),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn identifier(self, size: usize) -> Result<Identifier<'de>, Error> {
        match self.piece(size)?.0 {
            Piece::Str(name) => Ok(Identifier::Name(name)),
            Piece::Bytes(name) => Ok(Identifier::Bytes(name)),
            Piece::Number(number) => Ok(Identifier::Index(number.bits_as(tag::U64)? as u64)),
            _ => Err(Error::another()),
        }
    }

    /// What has parts: whether they are entries, and the parts.
    pub(super) fn composite(self, size: usize) -> Result<(bool, Parts<'r, 'de>), Error> {
        match self.piece(size)? {
            (Piece::Map(left), value) => Ok((true, value.parts(left, None))),
            (Piece::Seq(left, numbers), value) => Ok((false, value.parts(left, numbers))),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn entries(self, size: usize) -> Result<Parts<'r, 'de>, Error> {
        match self.composite(size)? {
            (true, parts) => Ok(parts),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn elements(self, size: usize) -> Result<Parts<'r, 'de>, Error> {
        match self.composite(size)? {
            (false, parts) => Ok(parts),
            _ => Err(Error::another()),
        }
    }

    pub(super) fn parts(self, left: Left<'de>, numbers: Option<u8>) -> Parts<'r, 'de> {
        Parts::new(self.reader, self.depth, left).of_numbers(numbers)
    }

    /// The elements of a tuple of so many, which has this tag and perhaps a name.
    pub(super) fn tuple(self, tag: u8, len: usize, size: usize) -> Result<Parts<'r, 'de>, Error> {
        if !self.reader.skip(tag) {
            return self.elements(size);
        }
        if tag == tag::TUPLE_STRUCT {
            self.reader.bytes()?;
        }
        Ok(self.until_end()?.of_tuple(len))
    }
}
