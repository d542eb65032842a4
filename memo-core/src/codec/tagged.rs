//! The key encoding, read back: the codec for what bincode cannot represent.
//!
//! Each piece says what it is, so whatever serde was told can be told again: struct and field names
//! for `flatten` and tagged enums, `Some(None)`, 128-bit numbers. Where a type asks for whatever
//! comes ([`Deserializer::deserialize_any`]), an enum's variant is shown as self-describing formats
//! show it, as its name or a map from its name, because that is what serde's buffers can hold.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::key::tag;

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(de::Error::custom("there is more than the value"))
    }
}

#[derive(Debug)]
pub(super) struct Error(String);

impl Error {
    pub(super) fn no_number(tag: u8) -> Self {
        Self(format!("there is no number with tag {tag}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The rest of an encoding.
pub(super) struct Reader<'de> {
    pub(super) rest: &'de [u8],
}

impl<'de> Reader<'de> {
    pub(super) fn new(encoding: &'de [u8]) -> Self {
        Self { rest: encoding }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], Error> {
        let ended = || Error("the bytes end early".into());
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(ended)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were asked for"))
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the next byte if it is this tag.
    pub(super) fn skip(&mut self, tag: u8) -> bool {
        let is_next = self.peek() == Some(tag);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    pub(super) fn len(&mut self) -> Result<usize, Error> {
        match self.byte()? {
            u8::MAX => usize::try_from(u64::from_le_bytes(self.array()?))
                .map_err(|_| Error("a length is larger than memory".into())),
            len => Ok(len.into()),
        }
    }

    fn str(&mut self) -> Result<&'de str, Error> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(de::Error::custom)
    }

    fn number<V: Visitor<'de>>(&mut self, tag: u8, visitor: V) -> Result<V::Value, Error> {
        match tag {
            tag::U8 => visitor.visit_u8(u8::from_le_bytes(self.array()?)),
            tag::U16 => visitor.visit_u16(u16::from_le_bytes(self.array()?)),
            tag::U32 => visitor.visit_u32(u32::from_le_bytes(self.array()?)),
            tag::U64 => visitor.visit_u64(u64::from_le_bytes(self.array()?)),
            tag::U128 => visitor.visit_u128(u128::from_le_bytes(self.array()?)),
            tag::I8 => visitor.visit_i8(i8::from_le_bytes(self.array()?)),
            tag::I16 => visitor.visit_i16(i16::from_le_bytes(self.array()?)),
            tag::I32 => visitor.visit_i32(i32::from_le_bytes(self.array()?)),
            tag::I64 => visitor.visit_i64(i64::from_le_bytes(self.array()?)),
            tag::I128 => visitor.visit_i128(i128::from_le_bytes(self.array()?)),
            tag::F32 => visitor.visit_f32(f32::from_le_bytes(self.array()?)),
            tag::F64 => visitor.visit_f64(f64::from_le_bytes(self.array()?)),
            _ => Err(Error::no_number(tag)),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            tag::UNIT => visitor.visit_unit(),
            tag::FALSE => visitor.visit_bool(false),
            tag::TRUE => visitor.visit_bool(true),
            tag::NONE => visitor.visit_none(),
            tag::SOME => visitor.visit_some(self),
            tag::CHAR => {
                let scalar = u32::from_le_bytes(self.array()?);
                let not_one = || Error("not a character".into());
                visitor.visit_char(char::from_u32(scalar).ok_or_else(not_one)?)
            }
            tag::STR => visitor.visit_borrowed_str(self.str()?),
            tag::BYTES => {
                let len = self.len()?;
                visitor.visit_borrowed_bytes(self.take(len)?)
            }
            tag::UNIT_STRUCT => {
                self.str()?;
                visitor.visit_unit()
            }
            tag::NEWTYPE => {
                self.str()?;
                visitor.visit_newtype_struct(self)
            }
            tag::VARIANT => {
                let name = self.variant()?;
                if self.skip(tag::UNIT) {
                    visitor.visit_borrowed_str(name)
                } else {
                    visitor.visit_map(VariantAsMap { name: Some(name), reader: self })
                }
            }
            tag::SEQ | tag::TUPLE => visitor.visit_seq(UntilEnd(self)),
            tag::TUPLE_STRUCT => {
                self.str()?;
                visitor.visit_seq(UntilEnd(self))
            }
            tag::MAP | tag::FIELDS => visitor.visit_map(UntilEnd(self)),
            tag::STRUCT => {
                self.str()?;
                visitor.visit_map(UntilEnd(self))
            }
            tag::NUMBERS => {
                let tag = self.byte()?;
                let left = self.len()?;
                visitor.visit_seq(Numbers { reader: self, tag, left })
            }
            tag::SET => {
                let left = self.len()?;
                visitor.visit_seq(Counted { reader: self, left })
            }
            tag::BAG => {
                let left = self.len()?;
                visitor.visit_map(Counted { reader: self, left })
            }
            tag => self.number(tag, visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.skip(tag::NEWTYPE) {
            self.str()?;
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        if self.skip(tag::TUPLE) {
            self.exactly(len, visitor)
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.skip(tag::TUPLE_STRUCT) {
            self.str()?;
            self.exactly(len, visitor)
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !self.skip(tag::VARIANT) {
            return Err(Error("not a variant of an enum".into()));
        }
        let name = self.variant()?;
        visitor.visit_enum(Variant { name, reader: self })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq map struct identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> Reader<'de> {
    /// The name of a variant; the enum's and the index are passed over.
    fn variant(&mut self) -> Result<&'de str, Error> {
        self.str()?;
        self.array::<4>()?;
        self.str()
    }

    /// The elements of a tuple, which must be as many as its type has: which of them a
    /// `skip_serializing_if` left out, nothing says, and `default` would fill in the last ones.
    fn exactly<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let mut elements = Exactly { reader: self, left: len };
        let value = visitor.visit_seq(&mut elements)?;
        if elements.left == 0 && elements.reader.skip(tag::END) {
            Ok(value)
        } else {
            Err(Error("a tuple has other elements than its type".into()))
        }
    }
}

struct Exactly<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for &mut Exactly<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.reader.peek() == Some(tag::END) {
            return Ok(None);
        }
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// Elements or entries up to [`tag::END`]; a struct's fields are entries whose keys are names.
struct UntilEnd<'r, 'de>(&'r mut Reader<'de>);

impl<'de> de::SeqAccess<'de> for UntilEnd<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.0.skip(tag::END) {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl<'de> de::MapAccess<'de> for UntilEnd<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.0.skip(tag::END) {
            Ok(None)
        } else if self.0.skip(tag::FIELD) {
            let name = self.0.str()?;
            seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
        } else {
            seed.deserialize(&mut *self.0).map(Some)
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

/// The entries of a set or map without an order.
struct Counted<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Counted<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> de::MapAccess<'de> for Counted<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

struct Numbers<'r, 'de> {
    reader: &'r mut Reader<'de>,
    tag: u8,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Numbers<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(Number { reader: &mut *self.reader, tag: self.tag }).map(Some)
    }
}

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

struct Variant<'r, 'de> {
    name: &'de str,
    reader: &'r mut Reader<'de>,
}

impl<'r, 'de> de::EnumAccess<'de> for Variant<'r, 'de> {
    type Error = Error;
    type Variant = &'r mut Reader<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Error> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self.reader))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.skip(tag::UNIT) {
            Ok(())
        } else {
            Err(Error("a variant has content that its type has not".into()))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.skip(tag::NEWTYPE);
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }
}

/// A variant with content, shown as a map of one entry.
struct VariantAsMap<'r, 'de> {
    name: Option<&'de str>,
    reader: &'r mut Reader<'de>,
}

impl<'de> de::MapAccess<'de> for VariantAsMap<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(name) = self.name.take() else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.reader.skip(tag::NEWTYPE);
        seed.deserialize(&mut *self.reader)
    }
}
