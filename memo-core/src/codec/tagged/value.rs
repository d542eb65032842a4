//! One value, to be read as its type asks.

use std::any::TypeId;
use std::marker::PhantomData;
use std::net::SocketAddrV6;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::super::numbers;
use super::asked::{Bytes, Identifier};
use super::parts::{Left, Parts};
use super::piece::Piece;
use super::skip::inside;
use super::variant::{Payload, Variant};
use super::{Error, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

pub(super) struct Value<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    pub(super) depth: Depth,
}

impl<'r, 'de> Value<'r, 'de> {
    /// The value within a `Some` or a newtype, which are read by now.
    pub(super) fn around(self) -> Result<Self, Error> {
        Ok(Self { depth: self.depth.around().ok_or_else(Error::too_deep)?, ..self })
    }

    /// The value within a newtype, which some leave out.
    fn within_newtype(self) -> Result<Self, Error> {
        if self.reader.skip(tag::NEWTYPE) {
            self.reader.bytes()?;
        }
        self.around()
    }

    /// The value in as many newtypes as it is in.
    pub(super) fn within_newtypes(mut self) -> Result<Self, Error> {
        while self.reader.skip(tag::NEWTYPE) {
            self.reader.bytes()?;
            self = self.around()?;
        }
        Ok(self)
    }

    /// The value of a type that may be known.
    pub(super) fn of<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        // Decides most cases before code is made of the rest: no type of another size is told anything.
        if const { size_of::<T::Value>() != size_of::<SocketAddrV6>() } {
            seed.deserialize(self)
        } else {
            self.of_address(seed)
        }
    }

    /// The value of a type that serde may not be told all of.
    fn of_address<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let unsaid = self.reader.unsaid()?;
        let mut value = seed.deserialize(self)?;
        if let Some(unsaid) = unsaid {
            let types = (typeid::of::<T>(), typeid::of::<T::Value>());
            // SAFETY: it is its own id, and the value is borrowed alone.
            unsafe { tell(unsaid, types, std::ptr::from_mut(&mut value).cast()) }?;
        }
        Ok(value)
    }

    pub(super) fn until_end(self) -> Result<Parts<'r, 'de>, Error> {
        Ok(Parts::new(self.reader, inside(self.depth)?, Left::UntilEnd))
    }

    /// A variant, its tag taken.
    fn variant(self) -> Result<Variant<'r, 'de>, Error> {
        let name = self.reader.variant()?;
        Ok(Variant { name, payload: Payload { reader: self.reader, depth: self.depth } })
    }

    /// Whether a struct of this name is what follows.
    fn is_struct(&self, name: &str) -> bool {
        let mut ahead = Reader::new(self.reader.rest);
        self.reader.ahead.is_none()
            && ahead.skip(tag::STRUCT)
            && ahead.bytes().is_ok_and(|found| found == name.as_bytes())
    }
}

/// Tells a value what serde was not told of it.
///
/// # Safety
/// The value is of the type of the second id, and borrowed alone.
unsafe fn tell(
    [flowinfo, scope]: [u32; 2],
    (seed, value_type): (TypeId, TypeId),
    value: *mut (),
) -> Result<(), Error> {
    let is_plain = seed == TypeId::of::<PhantomData<SocketAddrV6>>();
    if !is_plain || value_type != TypeId::of::<SocketAddrV6>() {
        return Err(Error::told());
    }
    // SAFETY: the value is a `SocketAddrV6`, as its id says, and borrowed alone.
    let socket = unsafe { &mut *value.cast::<SocketAddrV6>() };
    socket.set_flowinfo(flowinfo);
    socket.set_scope_id(scope);
    Ok(())
}

/// A number is read as the one that is asked for, whichever it is, if that has room for it.
macro_rules! numbers {
    ($($method:ident $visit:ident $tag:ident |$bits:ident| $number:expr;)*) => {$(
        #[allow(clippy::cast_possible_truncation, reason = "it is no wider than its type")]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let $bits = self.number(tag::$tag, size_of::<V::Value>())?;
            visitor.$visit($number)
        }
    )*};
}

// A type is shown what it asks for and nothing else, so that no visitor is compiled for all that
// another type may have written: what is not of that kind is refused.
impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (piece, value) = self.piece(size_of::<V::Value>())?;
        match piece {
            Piece::Unit => visitor.visit_unit(),
            Piece::Bool(value) => visitor.visit_bool(value),
            Piece::Char(value) => visitor.visit_char(value),
            Piece::Number(number) => number.show(visitor),
            Piece::Str(text) => visitor.visit_borrowed_str(text),
            Piece::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Piece::None => visitor.visit_none(),
            Piece::Some => visitor.visit_some(value),
            Piece::Newtype => visitor.visit_newtype_struct(value),
            Piece::Seq(left, numbers) => value.parts(left, numbers).visit_seq(visitor),
            Piece::Map(left) => value.parts(left, None).visit_map(visitor),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 I8 |bits| bits as i8;
        deserialize_i16 visit_i16 I16 |bits| bits as i16;
        deserialize_i32 visit_i32 I32 |bits| bits as i32;
        deserialize_i64 visit_i64 I64 |bits| bits as i64;
        deserialize_i128 visit_i128 I128 |bits| bits as i128;
        deserialize_u8 visit_u8 U8 |bits| bits as u8;
        deserialize_u16 visit_u16 U16 |bits| bits as u16;
        deserialize_u32 visit_u32 U32 |bits| bits as u32;
        deserialize_u64 visit_u64 U64 |bits| bits as u64;
        deserialize_u128 visit_u128 U128 |bits| bits;
        deserialize_f32 visit_f32 F32 |bits| f32::from_bits(bits as u32);
        deserialize_f64 visit_f64 F64 |bits| f64::from_bits(bits as u64);
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.bool(size_of::<V::Value>())?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char(self.char(size_of::<V::Value>())?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.str(size_of::<V::Value>())?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.bytes(size_of::<V::Value>())? {
            Bytes::Slice(bytes) => visitor.visit_borrowed_bytes(bytes),
            Bytes::Elements(parts) => parts.visit_seq(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.unit(size_of::<V::Value>())?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.option(size_of::<V::Value>())? {
            Some(value) => visitor.visit_some(value),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.identifier(size_of::<V::Value>())? {
            Identifier::Name(name) => visitor.visit_borrowed_str(name),
            Identifier::Bytes(name) => visitor.visit_borrowed_bytes(name),
            Identifier::Index(index) => visitor.visit_u64(index),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        // `serde_json::RawValue` asks for a newtype where it wrote a struct.
        if self.is_struct(name) {
            return self.entries(size_of::<V::Value>())?.visit_map(visitor);
        }
        visitor.visit_newtype_struct(self.within_newtype()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let this = self.within_newtypes()?;
        let reader = &mut *this.reader;
        if let Some(numbers) = numbers::read::<V, Error>(|tag, width| reader.numbers(tag, width))? {
            return Ok(numbers);
        }
        this.elements(size_of::<V::Value>())?.visit_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.within_newtypes()?.entries(size_of::<V::Value>())?.visit_map(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.tuple(tag::TUPLE, len, size_of::<V::Value>())?.visit_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.tuple(tag::TUPLE_STRUCT, len, size_of::<V::Value>())?.visit_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader.note_fields(fields);
        match self.composite(size_of::<V::Value>())? {
            (true, parts) => parts.visit_map(visitor),
            (false, parts) => parts.visit_seq(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !self.reader.skip(tag::VARIANT) {
            return Err(Error::new("not a variant of an enum"));
        }
        self.variant()?.visit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.skip_piece(self.depth)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
