//! An enum's variant.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};

use super::skip::inside;
use super::value::Value;
use super::{Error, Reader};
use crate::key::depth::Depth;
use crate::key::tag;

pub(super) struct Variant<'r, 'de> {
    pub(super) name: &'de str,
    pub(super) payload: Payload<'r, 'de>,
}

/// What a variant has behind its name.
pub(super) struct Payload<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    pub(super) depth: Depth,
}

impl<'de> Variant<'_, 'de> {
    pub(super) fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Payload { reader, depth } = self.payload;
        let mut is_left = true;
        let payload = Payload { reader: &mut *reader, depth };
        let value =
            visitor.visit_enum(Access { name: self.name, payload, is_left: &mut is_left })?;
        // A visitor to whom the name says everything asks for no more.
        if is_left {
            reader.skip_payload(depth)?;
        }
        Ok(value)
    }
}

struct Access<'r, 'de> {
    name: &'de str,
    payload: Payload<'r, 'de>,
    /// Set to false by whoever takes the payload.
    is_left: &'r mut bool,
}

impl<'r, 'de> EnumAccess<'de> for Access<'r, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'r, 'de> Access<'r, 'de> {
    fn take(self) -> Payload<'r, 'de> {
        *self.is_left = false;
        self.payload
    }
}

impl<'de> VariantAccess<'de> for Access<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.take().reader.skip(tag::UNIT) {
            Ok(())
        } else {
            Err(Error::new("a variant has content that its type has not"))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.take().content()?.of(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let Payload { reader, depth } = self.take();
        Value { reader, depth }.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Payload { reader, depth } = self.take();
        Value { reader, depth }.deserialize_struct("", fields, visitor)
    }
}

impl<'r, 'de> Payload<'r, 'de> {
    /// What the variant holds, as a value of its own.
    pub(super) fn content(self) -> Result<Value<'r, 'de>, Error> {
        let Self { reader, depth } = self;
        let depth = if reader.skip(tag::NEWTYPE) { inside(depth)? } else { depth };
        Ok(Value { reader, depth })
    }
}
