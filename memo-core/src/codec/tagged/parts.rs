//! The parts of a sequence, map, tuple or struct.
//!
//! A visitor takes as many as it likes: one that knows its only entry asks for no end (so do the
//! numbers of `serde_json` with `arbitrary_precision`), one that has seen enough leaves the rest.
//! What is left is passed over, so that what follows is found.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::value::Value;
use super::{width, Error, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

pub(super) struct Parts<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Of each part.
    depth: Depth,
    left: Left,
    /// The parts of a slice of numbers have one tag for all.
    numbers: Option<u8>,
    /// A key was taken, and its value is not.
    owes_value: bool,
    taken: usize,
}

enum Left {
    /// Whatever is there up to [`tag::END`]; a struct's fields are entries whose keys are names.
    UntilEnd,
    Counted(usize),
}

impl<'r, 'de> Parts<'r, 'de> {
    pub(super) fn until_end(reader: &'r mut Reader<'de>, depth: Depth) -> Self {
        Self { reader, depth, left: Left::UntilEnd, numbers: None, owes_value: false, taken: 0 }
    }

    pub(super) fn counted(reader: &'r mut Reader<'de>, depth: Depth, count: usize) -> Self {
        Self { left: Left::Counted(count), ..Self::until_end(reader, depth) }
    }

    pub(super) fn of_numbers(self, tag: u8) -> Self {
        Self { numbers: Some(tag), ..self }
    }

    pub(super) fn visit_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(&mut self)?;
        self.pass_over(1)?;
        Ok(value)
    }

    pub(super) fn visit_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(&mut self)?;
        self.pass_over(2)?;
        Ok(value)
    }

    /// The elements of a tuple, which must be as many as its type has: which of them a
    /// `skip_serializing_if` left out, nothing says, and `default` would fill in the last ones.
    pub(super) fn visit_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(&mut self)?;
        if self.taken + self.pass_over(1)? == len {
            Ok(value)
        } else {
            Err(Error("a tuple has other elements than its type".into()))
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
        };
        self.taken += usize::from(is_there);
        is_there
    }

    fn part<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        match self.numbers {
            None => Value { reader: &mut *self.reader, depth: self.depth }.of(seed),
            Some(tag) => seed.deserialize(Number { reader: &mut *self.reader, tag }),
        }
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
        if std::mem::take(&mut self.owes_value) {
            self.reader.skip_piece(self.depth)?;
        }
        if !self.next() {
            return Ok(None);
        }
        self.owes_value = true;
        if self.reader.skip(tag::FIELD) {
            let name = self.reader.str()?;
            seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
        } else {
            self.part(seed).map(Some)
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.owes_value = false;
        self.part(seed)
    }
}

/// A number whose tag stood before all of them.
struct Number<'r, 'de> {
    reader: &'r mut Reader<'de>,
    tag: u8,
}

impl<'de> Deserializer<'de> for Number<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.number(self.tag, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
