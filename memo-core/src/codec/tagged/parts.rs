//! The parts of a sequence, map, tuple or struct.
//!
//! A visitor takes as many as it likes: one that knows its only entry asks for no end (so do the
//! numbers of `serde_json` with `arbitrary_precision`), one that has seen enough leaves the rest.
//! What is left is passed over, so that what follows is found.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::value::Value;
use super::variant::Payload;
use super::{width, Error, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

pub(super) struct Parts<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Of each part.
    depth: Depth,
    left: Left<'de>,
    /// The parts of a slice of numbers have one tag for all.
    numbers: Option<u8>,
    /// A key was taken, and its value is not.
    owes_value: bool,
    taken: usize,
    /// How many there must be, of a tuple.
    len: Option<usize>,
}

/// One type for whatever has parts, so that a visitor is compiled for one.
pub(super) enum Left<'de> {
    /// Whatever is there up to [`tag::END`]; a struct's fields are entries whose keys are names.
    UntilEnd,
    Counted(usize),
    /// A variant with content, shown as a map of one entry.
    Variant {
        name: Option<&'de str>,
        is_payload_left: bool,
    },
}

impl<'r, 'de> Parts<'r, 'de> {
    pub(super) fn new(reader: &'r mut Reader<'de>, depth: Depth, left: Left<'de>) -> Self {
        Self { reader, depth, left, numbers: None, owes_value: false, taken: 0, len: None }
    }

    pub(super) fn of_numbers(self, numbers: Option<u8>) -> Self {
        Self { numbers, ..self }
    }

    /// The elements of a tuple, which must be as many as its type has: which of them a
    /// `skip_serializing_if` left out, nothing says, and `default` would fill in the last ones.
    pub(super) fn of_tuple(self, len: usize) -> Self {
        Self { len: Some(len), ..self }
    }

    pub(super) fn visit_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(&mut self);
        if value.is_ok() && self.end(1).is_err() {
            return Err(Error);
        }
        value
    }

    pub(super) fn visit_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(&mut self);
        if value.is_ok() && self.end(2).is_err() {
            return Err(Error);
        }
        value
    }

    /// The end of the visit, of so many pieces for each part.
    fn end(&mut self, pieces: usize) -> Result<(), Error> {
        let passed = self.pass_over(pieces)?;
        match self.len {
            Some(len) if self.taken + passed != len => {
                Err(Error::new("a tuple has other elements than its type"))
            }
            _ => Ok(()),
        }
    }

    /// Passes over what the visitor left, of so many pieces each; how many pieces it was.
    fn pass_over(&mut self, pieces: usize) -> Result<usize, Error> {
        match self.left {
            Left::UntilEnd => self.reader.skip_to_end(self.depth),
            Left::Counted(count) => {
                let count = count.saturating_mul(pieces) + usize::from(self.owes_value);
                match self.numbers {
                    None => self.reader.skip_pieces(count, self.depth)?,
                    Some(tag) => drop(self.reader.take(count.saturating_mul(width(tag)?))?),
                }
                Ok(count)
            }
            Left::Variant { is_payload_left, .. } => {
                if is_payload_left {
                    self.reader.skip_payload(self.depth)?;
                }
                Ok(0)
            }
        }
    }

    /// Whether there is one more, which is taken by whoever asks.
    fn next(&mut self) -> bool {
        let is_there = match &mut self.left {
            // The end is left where it is, for whoever asks again.
            Left::UntilEnd => self.reader.peek() != Some(tag::END),
            Left::Counted(count) => match count.checked_sub(1) {
                None => false,
                Some(left) => {
                    *count = left;
                    true
                }
            },
            Left::Variant { name, .. } => name.is_some(),
        };
        self.taken += usize::from(is_there);
        is_there
    }

    fn part<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        self.reader.ahead = self.numbers;
        let part = Value { reader: &mut *self.reader, depth: self.depth }.of(seed);
        self.reader.ahead = None;
        part
    }

    /// Whether there is one more entry; its key, where that is a name.
    fn next_name(&mut self) -> Result<Option<Option<&'de str>>, Error> {
        if std::mem::take(&mut self.owes_value) {
            self.reader.skip_piece(self.depth)?;
        }
        if !self.next() {
            return Ok(None);
        }
        if let Left::Variant { name, .. } = &mut self.left {
            return Ok(Some(name.take()));
        }
        self.owes_value = true;
        if self.reader.skip(tag::FIELD) {
            return self.reader.str().map(|name| Some(Some(name)));
        }
        Ok(Some(None))
    }

    /// What the value of an entry is read from.
    fn value(&mut self) -> Result<Value<'_, 'de>, Error> {
        self.owes_value = false;
        if let Left::Variant { is_payload_left, .. } = &mut self.left {
            if !std::mem::take(is_payload_left) {
                return Err(Error::new("a variant has one content"));
            }
            return Payload { reader: &mut *self.reader, depth: self.depth }.content();
        }
        Ok(Value { reader: &mut *self.reader, depth: self.depth })
    }
}

impl<'de> SeqAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.next() {
            self.part(seed).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'de> MapAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.next_name()? {
            None => Ok(None),
            Some(Some(name)) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Some(None) => self.part(seed).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.value()?.of(seed)
    }
}
