//! The key encoding, read back: the codec for what bincode cannot represent.
//!
//! Each piece says what it is, so whatever serde was told can be told again: struct and field names
//! for `flatten` and tagged enums, `Some(None)`, 128-bit numbers. Where a type asks for whatever
//! comes ([`Deserializer::deserialize_any`](serde::Deserializer::deserialize_any)), an enum's variant
//! is shown as self-describing formats show it, as its name or a map from its name, because that is
//! what serde's buffers can hold. A type that asks for something of one kind is shown that alone, and
//! refused where it wrote something of another.

mod asked;
mod parts;
mod piece;
mod skip;
mod value;
mod variant;

use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, Visitor};

use crate::codec::unreadable::Unreadable as Error;
use crate::key::depth::Depth;
use crate::key::encoding_of;
use crate::key::sink::take_refusal;
use crate::key::structure::{asks_fields, asks_nothing, asks_size};
use crate::key::tag;
use crate::memory::entry::Builder;

use value::Value;

/// Writes a value as the key encoder does.
///
/// # Errors
/// Why the value cannot be encoded.
pub(super) fn encode(value: &dyn super::Value, into: &mut Builder) -> Result<(), String> {
    // Not into the entry itself: the walk is the one that makes keys, too.
    let encoding = encoding_of(0, &mut |sink| value.write(sink));
    into.push(&encoding.map_err(|_| take_refusal())?);
    Ok(())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    Reader::new(bytes).whole()
}

/// Decodes a value, and says what its type asked for: the names of all fields that its structs have,
/// there or not, and the sizes of what does not say its fields, as with `flatten` or `untagged`.
pub(super) fn decode_asked<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, u64), Error> {
    let mut reader = Reader { asked: Some(asks_nothing(size_of::<T>())), ..Reader::new(bytes) };
    let value = reader.whole()?;
    Ok((value, reader.asked.unwrap_or_default()))
}

/// The rest of an encoding.
pub(super) struct Reader<'de> {
    pub(super) rest: &'de [u8],
    /// The tag of the next piece, where it does not stand before it: a number of a slice.
    ahead: Option<u8>,
    /// What was asked for, where that is noted.
    asked: Option<u64>,
}

impl<'de> Reader<'de> {
    pub(super) fn new(encoding: &'de [u8]) -> Self {
        Self { rest: encoding, ahead: None, asked: None }
    }

    fn whole<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let value = Value { reader: &mut *self, depth: Depth::FULL }.of(PhantomData::<T>)?;
        if self.rest.is_empty() {
            Ok(value)
        } else {
            Err(de::Error::custom("there is more than the value"))
        }
    }

    fn note_fields(&mut self, fields: &[&str]) {
        self.asked = self.asked.map(|asked| asks_fields(asked, fields));
    }

    fn note_size(&mut self, size: usize) {
        self.asked = self.asked.map(|asked| asks_size(asked, size));
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], Error> {
        let ended = || Error::new("the bytes end early");
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

    /// The tag of a piece.
    fn tag(&mut self) -> Result<u8, Error> {
        match self.ahead.take() {
            Some(tag) => Ok(tag),
            None => self.byte(),
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.ahead.or_else(|| self.rest.first().copied())
    }

    /// Takes the next byte if it is this tag.
    pub(super) fn skip(&mut self, tag: u8) -> bool {
        let is_next = self.peek() == Some(tag);
        if is_next && self.ahead.take().is_none() {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    pub(super) fn len(&mut self) -> Result<usize, Error> {
        match self.byte()? {
            u8::MAX => usize::try_from(u64::from_le_bytes(self.array()?))
                .map_err(|_| Error::new("a length is larger than memory")),
            len => Ok(len.into()),
        }
    }

    /// A piece of bytes behind its length.
    fn bytes(&mut self) -> Result<&'de [u8], Error> {
        let len = self.len()?;
        self.take(len)
    }

    /// The bytes of a slice of numbers, each so wide, if such a slice is what follows.
    fn numbers(&mut self, tag: u8, width: usize) -> Result<Option<&'de [u8]>, Error> {
        if self.ahead.is_some() || !self.rest.starts_with(&[tag::NUMBERS, tag]) {
            return Ok(None);
        }
        self.rest = &self.rest[2..];
        let count = self.len()?;
        self.take(count.saturating_mul(width)).map(Some)
    }

    fn str(&mut self) -> Result<&'de str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(de::Error::custom)
    }

    fn char(&mut self) -> Result<char, Error> {
        let scalar = u32::from_le_bytes(self.array()?);
        char::from_u32(scalar).ok_or_else(|| Error::new("not a character"))
    }

    /// The words of what serde was not told, if there are any before the next piece.
    fn unsaid(&mut self) -> Result<Option<[u32; 2]>, Error> {
        if self.skip(tag::UNSAID) {
            self.words().map(Some)
        } else {
            Ok(None)
        }
    }

    fn words(&mut self) -> Result<[u32; 2], Error> {
        let words = [u32::from_le_bytes(self.array()?), u32::from_le_bytes(self.array()?)];
        if words == [0, 0] {
            // Nothing makes a range that is at its end, but to go there.
            return Err(Error::new("it holds a `RangeInclusive` that is at its end"));
        }
        Ok(words)
    }

    /// The name of a variant; the enum's and the index are passed over.
    fn variant(&mut self) -> Result<&'de str, Error> {
        self.bytes()?;
        self.array::<4>()?;
        self.str()
    }

    /// A number of the kind that a tag says. Once for all visitors, which then only take it.
    pub(super) fn number(&mut self, tag: u8) -> Result<Number, Error> {
        // Wider than they are, as little-endian bytes are the same number in more of them.
        let width = width(tag)?;
        let mut bytes = [0; 16];
        bytes[..width].copy_from_slice(self.take(width)?);
        Ok(Number { tag, bits: u128::from_le_bytes(bytes) })
    }
}

/// A number, and the tag of its type.
#[derive(Clone, Copy)]
pub(super) struct Number {
    tag: u8,
    bits: u128,
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number is as wide as its tag says, and a float is as near as it comes"
)]
impl Number {
    /// The bits of the same number as one with this tag, if that has room for it; of floats, as near
    /// as it comes.
    fn bits_as(self, tag: u8) -> Result<u128, Error> {
        if tag == self.tag {
            return Ok(self.bits);
        }
        let bits = match (self.tag, tag) {
            (tag::CHAR, _) | (tag::F32 | tag::F64, tag::I8..=tag::U128) => None,
            (_, tag::F32) => Some(u128::from((self.float() as f32).to_bits())),
            (_, tag::F64) => Some(u128::from(self.float().to_bits())),
            _ => self.integer_as(tag),
        };
        bits.ok_or_else(Error::another)
    }
    /// The bits of an integer in another type, if that has room for it.
    fn integer_as(self, tag: u8) -> Option<u128> {
        let bits = 8 * width(tag).ok()?;
        let room = match tag {
            tag::I8..=tag::I128 => u128::MAX >> (129 - bits),
            _ => u128::MAX >> (128 - bits),
        };
        let is_signed = matches!(tag, tag::I8..=tag::I128);
        match self.signed() {
            Some(number) if number < 0 => {
                (is_signed && number.unsigned_abs() - 1 <= room).then_some(number as u128)
            }
            _ => (self.bits <= room).then_some(self.bits),
        }
    }

    /// The number of a signed type.
    fn signed(self) -> Option<i128> {
        let (bits, wide) = (self.bits as u64, self.bits);
        match self.tag {
            tag::I8 => Some((bits as i8).into()),
            tag::I16 => Some((bits as i16).into()),
            tag::I32 => Some((bits as i32).into()),
            tag::I64 => Some((bits as i64).into()),
            tag::I128 => Some(wide as i128),
            _ => None,
        }
    }

    fn float(self) -> f64 {
        match (self.tag, self.signed()) {
            (tag::F32, _) => f32::from_bits(self.bits as u32).into(),
            (tag::F64, _) => f64::from_bits(self.bits as u64),
            (_, Some(number)) => number as f64,
            _ => self.bits as f64,
        }
    }

    fn show<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (bits, wide) = (self.bits as u64, self.bits);
        match self.tag {
            tag::U8 => visitor.visit_u8(bits as u8),
            tag::U16 => visitor.visit_u16(bits as u16),
            tag::U32 => visitor.visit_u32(bits as u32),
            tag::U64 => visitor.visit_u64(bits),
            tag::U128 => visitor.visit_u128(wide),
            tag::I8 => visitor.visit_i8(bits as i8),
            tag::I16 => visitor.visit_i16(bits as i16),
            tag::I32 => visitor.visit_i32(bits as i32),
            tag::I64 => visitor.visit_i64(bits as i64),
            tag::I128 => visitor.visit_i128(wide as i128),
            tag::F32 => visitor.visit_f32(f32::from_bits(bits as u32)),
            tag::F64 => visitor.visit_f64(f64::from_bits(bits)),
            tag => Err(Error::no_number(tag)),
        }
    }
}

/// How many bytes a number has behind its tag.
pub(super) fn width(tag: u8) -> Result<usize, Error> {
    match tag {
        tag::I8 | tag::U8 => Ok(1),
        tag::I16 | tag::U16 => Ok(2),
        tag::I32 | tag::U32 | tag::F32 | tag::CHAR => Ok(4),
        tag::I64 | tag::U64 | tag::F64 => Ok(8),
        tag::I128 | tag::U128 => Ok(16),
        _ => Err(Error::no_number(tag)),
    }
}
