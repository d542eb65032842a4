//! The format's reader. Where it may not be sure that what a visitor left unread is nothing, the
//! bytes are unreadable: they do not say what they are, so nothing in them can be passed over.

mod parts;

use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use super::super::numbers;
use super::super::unreadable::Unreadable;
use crate::key::depth::Depth;

use parts::{AllEntries, AllParts, Parts};

/// So many parts of sequences may be of no bytes at all, like those of a `Vec<()>`: their number is
/// all that there is of them, and it may be made up.
pub(super) const NOTHINGS: usize = 64 * 1024;

/// What is left to read.
pub(in crate::codec) struct Rest<'de> {
    bytes: &'de [u8],
    /// How many more parts may be of no bytes.
    nothings: usize,
}

impl<'de> Rest<'de> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, nothings: NOTHINGS }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The whole of it as one value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn value(&mut self) -> Value<'_, 'de> {
        Value { rest: self, depth: Depth::FULL }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(&mut self, len: usize) -> Result<&'de [u8], Unreadable> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(Unreadable)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Unreadable)?;
        self.bytes = rest;
        Ok(*taken)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn byte(&mut self) -> Result<u8, Unreadable> {
        Ok(self.array::<1>()?[0])
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn len(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| Unreadable)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn str(&mut self) -> Result<&'de str, Unreadable> {
        let len = self.len()?;
        text(self.take(len)?)
    }

    /// The bytes of all numbers of a sequence, each so wide.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn numbers(&mut self, width: usize) -> Result<&'de [u8], Unreadable> {
        let len = self.len()?.checked_mul(width).ok_or(Unreadable)?;
        self.take(len)
    }

    /// A character is its UTF-8 bytes, as many as the first says.
    fn char(&mut self) -> Result<char, Unreadable> {
        let width = match self.bytes.first().ok_or(Unreadable)?.leading_ones() {
            0 => 1,
            width @ 2..=4 => width as usize,
            _ => return Err(Unreadable),
        };
        let bytes = self.take(width)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
        text.chars().next().ok_or(Unreadable)
    }
}

/// The text that bytes are. Most are short and ASCII, which a few words tell that may overlap; std's own
/// check goes byte by byte where bytes are not aligned, and in an entry nothing is.
#[cfg_attr(not(debug_assertions), inline(always))]
fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    if is_short_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).map_err(|_| Unreadable)
}

#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const SHORT: usize = 64;
    let (Some(_), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return bytes.iter().fold(0, |all, byte| all | byte) & 0x80 == 0;
    };
    if bytes.len() > SHORT {
        return false;
    }
    let words = bytes.chunks_exact(8).filter_map(|chunk| chunk.first_chunk::<8>());
    let all = words.fold(u64::from_ne_bytes(*last), |all, word| all | u64::from_ne_bytes(*word));
    all & HIGH == 0
}

/// The next value, of whatever type is asked for.
pub(in crate::codec) struct Value<'r, 'de> {
    rest: &'r mut Rest<'de>,
    depth: Depth,
}

impl<'r, 'de> Value<'r, 'de> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn inside(self) -> Result<Self, Unreadable> {
        Ok(Self { depth: self.depth.inside().ok_or(Unreadable)?, ..self })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn around(self) -> Result<Self, Unreadable> {
        Ok(Self { depth: self.depth.around().ok_or(Unreadable)?, ..self })
    }

    /// So many parts, all of which are the value's own.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn parts(self, count: usize) -> Result<Parts<'r, 'de>, Unreadable> {
        let Self { rest, depth } = self.inside()?;
        Ok(Parts { rest, depth, left: count })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {$(
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(<$number>::from_le_bytes(self.rest.array()?))
        }
    )*};
}

/// What the format does not say: types that ask for it are the tagged codec's.
macro_rules! unsaid {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
            Err(Unreadable)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Unreadable;

    numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    unsaid! { deserialize_any deserialize_identifier deserialize_ignored_any }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.rest.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_char(self.rest.char()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.rest.str()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.rest.str()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let len = self.rest.len()?;
        visitor.visit_borrowed_bytes(self.rest.take(len)?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_bytes(visitor)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.rest.byte()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self.around()?),
            _ => Err(Unreadable),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self.around()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let rest = &mut *self.rest;
        let numbers = numbers::read::<V, Unreadable>(|_, width| rest.numbers(width).map(Some))?;
        if let Some(numbers) = numbers {
            return Ok(numbers);
        }
        let count = self.rest.len()?;
        self.parts(count)?.all(|parts| visitor.visit_seq(AllParts(parts)))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let count = self.rest.len()?;
        self.parts(count)?.all(|parts| {
            let mut owes_value = false;
            let value = visitor.visit_map(AllEntries { parts, owes_value: &mut owes_value })?;
            if owes_value {
                return Err(Unreadable);
            }
            Ok(value)
        })
    }

    // As many as the type has, which a visitor of that type knows.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.parts(len)?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(len, visitor)
    }

    // Less than all of them may be there: among the names are those that fields had before.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> de::EnumAccess<'de> for Value<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant_seed<V: de::DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), Unreadable> {
        let index = u32::from_le_bytes(self.rest.array()?);
        let index: de::value::U32Deserializer<Unreadable> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Value<'_, 'de> {
    type Error = Unreadable;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, Unreadable> {
        seed.deserialize(self.inside()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(len, visitor)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
