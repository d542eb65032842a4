//! What a value told serde, less the data: which structs with how many fields, which variants.
//!
//! A codec that lost part of a value did so because of such calls, so values of a shape that was
//! checked need no check. A composite's shape is its name, its length, and for each part its type
//! and the kind of call it made. Where a value decides how many parts there are (sequences, maps,
//! options, variants), the parts' shapes are noted apart, so that few shapes cover many values.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::ser::{self, Serialize, Serializer};

use crate::key::plain::is_scalar;

/// The shapes in a value: of the whole, and of the parts that it may have.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) root: u64,
    pub(super) parts: Vec<u64>,
}

/// # Errors
/// The value's `Serialize` returned one.
pub(super) fn of<T: Serialize>(value: &T) -> Result<Shape, Refused> {
    let mut shape = Shape::default();
    let kind = value.serialize(Shaper::of::<T>(&mut shape.parts))?;
    // One function may have results of many types: the instances of a generic one share their
    // trust. 0 stands for no shape at all.
    shape.root = mix(kind, type_of::<T>()).max(1);
    shape.parts.sort_unstable();
    shape.parts.dedup();
    Ok(shape)
}

#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a `Serialize` implementation returned an error")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// One number for a kind of call and what it says beside data.
fn kind(call: u64, name: &str, number: usize) -> u64 {
    let mut mixed = mix(call, number as u64);
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mixed = mix(mixed, u64::from_le_bytes(word));
    }
    mix(mixed, name.len() as u64)
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD6E8_FEB8_6659_FD93 | 1);
    (wide >> 64) as u64 ^ wide as u64
}

/// Tells apart two types of one name.
#[inline]
fn type_of<T: ?Sized>() -> u64 {
    struct Word(u64);
    impl Hasher for Word {
        fn write(&mut self, bytes: &[u8]) {
            bytes.iter().for_each(|&byte| self.0 = mix(self.0, byte.into()));
        }
        fn write_u64(&mut self, word: u64) {
            self.0 ^= word;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut word = Word(0);
    typeid::of::<T>().hash(&mut word);
    word.finish()
}

/// The kind of each call, by number.
mod call {
    pub(super) const SCALAR: u64 = 1;
    pub(super) const UNIT: u64 = 20;
    pub(super) const OPTION: u64 = 21;
    pub(super) const NEWTYPE: u64 = 22;
    pub(super) const ENUM: u64 = 23;
    pub(super) const VARIANT: u64 = 24;
    pub(super) const SEQ: u64 = 25;
    pub(super) const TUPLE: u64 = 26;
    pub(super) const MAP: u64 = 27;
    pub(super) const STRUCT: u64 = 28;
    pub(super) const FIELD: u64 = 29;
}

struct Shaper<'s> {
    parts: &'s mut Vec<u64>,
    /// The type whose value is being serialized; its name alone would not tell two apart.
    ty: u64,
}

impl<'s> Shaper<'s> {
    #[inline]
    fn of<T: ?Sized>(parts: &'s mut Vec<u64>) -> Self {
        Self { parts, ty: type_of::<T>() }
    }

    /// Notes a part that a value may have, once where many alike follow each other.
    fn note(&mut self, part: u64) {
        let part = mix(part, self.ty);
        if self.parts.last() != Some(&part) {
            self.parts.push(part);
        }
    }

    /// What a part of a type is to the one around it.
    fn made<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<u64, Refused> {
        Ok(mix(part.serialize(Shaper::of::<T>(self.parts))?, type_of::<T>()))
    }

    /// Notes a part of a type.
    fn part<T: ?Sized + Serialize>(&mut self, of: u64, part: &T) -> Result<(), Refused> {
        let made = self.made(part)?;
        self.note(mix(of, made));
        Ok(())
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) = $number:literal;)*) => {$(
        #[inline]
        fn $method(self, _: $type) -> Result<u64, Refused> {
            Ok(call::SCALAR + $number)
        }
    )*};
}

impl<'s> Serializer for Shaper<'s> {
    type Ok = u64;
    type Error = Refused;
    type SerializeSeq = Parts<'s>;
    type SerializeTuple = Parts<'s>;
    type SerializeTupleStruct = Parts<'s>;
    type SerializeTupleVariant = Parts<'s>;
    type SerializeMap = Parts<'s>;
    type SerializeStruct = Parts<'s>;
    type SerializeStructVariant = Parts<'s>;

    scalars! {
        serialize_bool(bool) = 0;
        serialize_i8(i8) = 1;
        serialize_i16(i16) = 2;
        serialize_i32(i32) = 3;
        serialize_i64(i64) = 4;
        serialize_i128(i128) = 5;
        serialize_u8(u8) = 6;
        serialize_u16(u16) = 7;
        serialize_u32(u32) = 8;
        serialize_u64(u64) = 9;
        serialize_u128(u128) = 10;
        serialize_f32(f32) = 11;
        serialize_f64(f64) = 12;
        serialize_char(char) = 13;
        serialize_str(&str) = 14;
        serialize_bytes(&[u8]) = 15;
    }

    fn serialize_none(self) -> Result<u64, Refused> {
        Ok(call::OPTION)
    }

    fn serialize_some<T: ?Sized + Serialize>(mut self, value: &T) -> Result<u64, Refused> {
        if !is_scalar::<T>() {
            self.part(call::OPTION, value)?;
        }
        Ok(call::OPTION)
    }

    fn serialize_unit(self) -> Result<u64, Refused> {
        Ok(call::UNIT)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<u64, Refused> {
        Ok(kind(call::UNIT, name, 0))
    }

    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<u64, Refused> {
        self.note(mix(kind(call::VARIANT, variant, index as usize), call::UNIT));
        Ok(kind(call::ENUM, name, 0))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        let made = self.made(value)?;
        Ok(mix(kind(call::NEWTYPE, name, 0), made))
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        self.part(kind(call::VARIANT, variant, index as usize), value)?;
        Ok(kind(call::ENUM, name, 0))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'s>, Refused> {
        Ok(Parts { shaper: self, of: call::SEQ, made: call::SEQ, answer: Some(call::SEQ) })
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts<'s>, Refused> {
        Ok(self.composite(kind(call::TUPLE, "", len)))
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Parts<'s>, Refused> {
        Ok(self.composite(kind(call::TUPLE, name, len)))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'s>, Refused> {
        Ok(self.variant(name, index, variant, len))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'s>, Refused> {
        Ok(Parts { shaper: self, of: call::MAP, made: call::MAP, answer: Some(call::MAP) })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Parts<'s>, Refused> {
        Ok(self.composite(kind(call::STRUCT, name, len)))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'s>, Refused> {
        Ok(self.variant(name, index, variant, len))
    }

    fn collect_seq<I>(mut self, elements: I) -> Result<u64, Refused>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if !is_scalar::<I::Item>() {
            for element in elements {
                self.part(call::SEQ, &element)?;
            }
        }
        Ok(call::SEQ)
    }

    // As the codecs.
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'s> Shaper<'s> {
    fn composite(self, of: u64) -> Parts<'s> {
        Parts { shaper: self, of, made: of, answer: None }
    }

    fn variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Parts<'s> {
        let of = mix(kind(call::VARIANT, variant, index as usize), len as u64);
        // A variant without fields is one all the same.
        let made = mix(of, call::VARIANT);
        Parts { shaper: self, of, made, answer: Some(kind(call::ENUM, name, 0)) }
    }
}

/// A composite under way.
struct Parts<'s> {
    shaper: Shaper<'s>,
    of: u64,
    /// The calls of the parts so far, in their order.
    made: u64,
    /// What the composite is to the one around it, where its parts do not decide that.
    answer: Option<u64>,
}

impl Parts<'_> {
    /// One of any number of parts.
    fn one_of_many<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Refused> {
        if is_scalar::<T>() {
            return Ok(());
        }
        self.shaper.part(self.of, part)
    }

    fn next<T: ?Sized + Serialize>(&mut self, name: &str, part: &T) -> Result<(), Refused> {
        let made = self.shaper.made(part)?;
        self.made = mix(self.made, mix(kind(call::FIELD, name, 0), made));
        Ok(())
    }

    fn end(mut self) -> Result<u64, Refused> {
        match self.answer {
            None => Ok(self.made),
            Some(answer) => {
                if self.made != self.of {
                    self.shaper.note(self.made);
                }
                Ok(answer)
            }
        }
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?) = |$this:ident, $part:ident| $do:expr;)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = u64;
            type Error = Refused;

            fn $method<T: ?Sized + Serialize>(
                &mut self,
                $($name: &'static str,)?
                $part: &T,
            ) -> Result<(), Refused> {
                let $this = self;
                $do
            }

            fn end(self) -> Result<u64, Refused> {
                Parts::end(self)
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element() = |this, part| this.one_of_many(part);
    SerializeTuple: serialize_element() = |this, part| this.next("", part);
    SerializeTupleStruct: serialize_field() = |this, part| this.next("", part);
    SerializeTupleVariant: serialize_field() = |this, part| this.next("", part);
    SerializeStruct: serialize_field(name) = |this, part| this.next(name, part);
    SerializeStructVariant: serialize_field(name) = |this, part| this.next(name, part);
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = u64;
    type Error = Refused;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Refused> {
        self.one_of_many(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refused> {
        self.one_of_many(value)
    }

    fn end(self) -> Result<u64, Refused> {
        Parts::end(self)
    }
}
