//! One value, to be read as its type asks.

use std::any::TypeId;
use std::marker::PhantomData;
use std::net::SocketAddrV6;

use serde::de::{DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::super::numbers;
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
    fn around(self) -> Result<Self, Error> {
        Ok(Self { depth: self.depth.around().ok_or_else(Error::too_deep)?, ..self })
    }

    /// The value in as many newtypes as it is in.
    fn within_newtypes(mut self) -> Result<Self, Error> {
        while self.reader.skip(tag::NEWTYPE) {
            self.reader.bytes()?;
            self = self.around()?;
        }
        Ok(self)
    }

    /// The value of a type that may be known.
    pub(super) fn of<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let unsaid = self.reader.unsaid()?;
        let mut value = seed.deserialize(self)?;
        if let Some(unsaid) = unsaid {
            let types = (typeid::of::<T>(), typeid::of::<T::Value>());
            // SAFETY: it is its own id, and the value is borrowed alone.
            unsafe { tell(unsaid, types, std::ptr::from_mut(&mut value).cast()) }?;
        }
        Ok(value)
    }

    fn until_end(self) -> Result<Parts<'r, 'de>, Error> {
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
        return Err(Error("nothing of this type is more than serde is told".into()));
    }
    // SAFETY: the value is a `SocketAddrV6`, as its id says, and borrowed alone.
    let socket = unsafe { &mut *value.cast::<SocketAddrV6>() };
    socket.set_flowinfo(flowinfo);
    socket.set_scope_id(scope);
    Ok(())
}

/// What a type asks for by what a newtype of it has inside, as with a `Deserialize` by hand.
macro_rules! within_newtypes {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.within_newtypes()?.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.note_size(size_of::<V::Value>());
        let (piece, depth) = self.reader.piece(self.depth)?;
        let reader = self.reader;
        match piece {
            Piece::Unit => visitor.visit_unit(),
            Piece::Bool(value) => visitor.visit_bool(value),
            Piece::Char(value) => visitor.visit_char(value),
            Piece::Number(number) => number.show(visitor),
            Piece::Str(text) => visitor.visit_borrowed_str(text),
            Piece::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Piece::None => visitor.visit_none(),
            Piece::Some => visitor.visit_some(Value { reader, depth }),
            Piece::Newtype => visitor.visit_newtype_struct(Value { reader, depth }),
            Piece::Seq(left, numbers) => {
                Parts::new(reader, depth, left).of_numbers(numbers).visit_seq(visitor)
            }
            Piece::Map(left) => Parts::new(reader, depth, left).visit_map(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        // `serde_json::RawValue` asks for a newtype where it wrote a struct.
        if self.is_struct(name) {
            return self.deserialize_any(visitor);
        }
        if self.reader.skip(tag::NEWTYPE) {
            self.reader.bytes()?;
        }
        visitor.visit_newtype_struct(self.around()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let this = self.within_newtypes()?;
        let reader = &mut *this.reader;
        if let Some(numbers) = numbers::read::<V, Error>(|tag, width| reader.numbers(tag, width))? {
            return Ok(numbers);
        }
        this.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        if self.reader.skip(tag::TUPLE) {
            self.until_end()?.visit_tuple(len, visitor)
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
        if self.reader.skip(tag::TUPLE_STRUCT) {
            self.reader.bytes()?;
            self.until_end()?.visit_tuple(len, visitor)
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader.note_fields(fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !self.reader.skip(tag::VARIANT) {
            return Err(Error("not a variant of an enum".into()));
        }
        self.variant()?.visit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.skip_piece(self.depth)?;
        visitor.visit_unit()
    }

    within_newtypes! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_map
    }

    forward_to_deserialize_any! { option unit unit_struct identifier }

    fn is_human_readable(&self) -> bool {
        false
    }
}
