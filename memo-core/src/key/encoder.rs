//! The serializer that turns what serde says of a value into bytes, injectively.
//!
//! Everything starts with a [tag]; texts, names and counts carry their length; what has no length
//! up front ends with [`tag::END`]. So no encoding is a prefix of another, and two values have
//! the same encoding exactly if they make the same calls (a slice of numbers counts as one call).

use std::any::TypeId;

use serde::ser::{self, Serialize, Serializer};

use super::sink::{Sink, Stop, Unordered};
use super::tag;
use super::unordered::is_unordered;

pub(crate) struct Encoder<'s, S>(pub(crate) &'s mut S);

/// Numbers up to 64 bits: their little-endian bytes after the tag.
macro_rules! numbers {
    ($($method:ident $type:ty: $tag:ident = $bits:expr;)*) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<(), Stop> {
            #[allow(clippy::cast_sign_loss, reason = "the bits are what is wanted")]
            let bits = $bits(value);
            self.0.number(tag::$tag, bits, size_of::<$type>())
        }
    )*};
}

impl<'s, S: Sink> Serializer for Encoder<'s, S> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Compound<'s, S>;
    type SerializeTuple = Compound<'s, S>;
    type SerializeTupleStruct = Compound<'s, S>;
    type SerializeTupleVariant = Compound<'s, S>;
    type SerializeMap = Compound<'s, S>;
    type SerializeStruct = Compound<'s, S>;
    type SerializeStructVariant = Compound<'s, S>;

    numbers! {
        serialize_i8 i8: I8 = |v: i8| u64::from(v as u8);
        serialize_i16 i16: I16 = |v: i16| u64::from(v as u16);
        serialize_i32 i32: I32 = |v: i32| u64::from(v as u32);
        serialize_i64 i64: I64 = |v: i64| v as u64;
        serialize_u8 u8: U8 = u64::from;
        serialize_u16 u16: U16 = u64::from;
        serialize_u32 u32: U32 = u64::from;
        serialize_u64 u64: U64 = |v: u64| v;
        serialize_f32 f32: F32 = |v: f32| u64::from(v.to_bits());
        serialize_f64 f64: F64 = f64::to_bits;
        serialize_char char: CHAR = u64::from;
    }

    #[inline(always)]
    fn serialize_i128(self, value: i128) -> Result<(), Stop> {
        self.0.wide(tag::I128, value as u128)
    }

    #[inline(always)]
    fn serialize_u128(self, value: u128) -> Result<(), Stop> {
        self.0.wide(tag::U128, value)
    }

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), Stop> {
        self.0.choice(if value { tag::TRUE } else { tag::FALSE })
    }

    #[inline(always)]
    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.0.text(tag::STR, value.as_bytes())
    }

    #[inline(always)]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        self.0.text(tag::BYTES, value)
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), Stop> {
        self.0.choice(tag::NONE)
    }

    #[inline(always)]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Stop> {
        self.0.choice(tag::SOME)?;
        value.serialize(Encoder(self.0))
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), Stop> {
        self.0.tag(tag::UNIT)
    }

    #[inline(always)]
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Stop> {
        self.0.tag(tag::UNIT_STRUCT)?;
        self.0.name(name)
    }

    #[inline(always)]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.variant(name, index, variant)?.0.tag(tag::UNIT)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.0.tag(tag::NEWTYPE)?;
        self.0.name(name)?;
        value.serialize(Encoder(self.0))
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let Encoder(sink) = self.variant(name, index, variant)?;
        sink.tag(tag::NEWTYPE)?;
        value.serialize(Encoder(sink))
    }

    #[inline(always)]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'s, S>, Stop> {
        self.0.tag(tag::SEQ)?;
        Ok(Compound::new(self.0))
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Compound<'s, S>, Stop> {
        self.0.tag(tag::TUPLE)?;
        Ok(Compound::new(self.0))
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Compound<'s, S>, Stop> {
        self.0.tag(tag::TUPLE_STRUCT)?;
        self.0.name(name)?;
        Ok(Compound::new(self.0))
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'s, S>, Stop> {
        let Encoder(sink) = self.variant(name, index, variant)?;
        sink.tag(tag::TUPLE)?;
        Ok(Compound::new(sink))
    }

    #[inline(always)]
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'s, S>, Stop> {
        self.0.tag(tag::MAP)?;
        Ok(Compound::new(self.0))
    }

    #[inline(always)]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'s, S>, Stop> {
        self.0.tag(tag::STRUCT)?;
        self.0.name(name)?;
        Ok(Compound::new(self.0))
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'s, S>, Stop> {
        let Encoder(sink) = self.variant(name, index, variant)?;
        sink.tag(tag::FIELDS)?;
        Ok(Compound::new(sink))
    }

    #[inline(always)]
    fn collect_seq<I>(self, elements: I) -> Result<(), Stop>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&elements) {
            return self.0.numbers(numbers.tag, numbers.count, numbers.bytes);
        }
        if is_unordered::<I>() {
            let mut set = S::Unordered::open(self.0);
            for element in elements {
                set.entry(|sink| element.serialize(Encoder(sink)))?;
            }
            return set.close(tag::SET, self.0);
        }
        let mut seq = self.serialize_seq(None)?;
        for element in elements {
            ser::SerializeSeq::serialize_element(&mut seq, &element)?;
        }
        ser::SerializeSeq::end(seq)
    }

    #[inline(always)]
    fn collect_map<K, V, I>(self, entries: I) -> Result<(), Stop>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        if is_unordered::<I>() {
            let mut map = S::Unordered::open(self.0);
            for (key, value) in entries {
                map.entry(|sink| {
                    key.serialize(Encoder(sink))?;
                    value.serialize(Encoder(sink))
                })?;
            }
            return map.close(tag::BAG, self.0);
        }
        let mut map = self.serialize_map(None)?;
        for (key, value) in entries {
            ser::SerializeMap::serialize_entry(&mut map, &key, &value)?;
        }
        ser::SerializeMap::end(map)
    }

    // As bincode: the compact form is what the codecs store, and one walk must match the other.
    #[inline(always)]
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<S: Sink> Encoder<'_, S> {
    #[inline(always)]
    fn variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<Self, Stop> {
        self.0.tag(tag::VARIANT)?;
        self.0.name(name)?;
        self.0.variant(index, variant)?;
        Ok(self)
    }
}

/// A composite under way: its parts, then [`tag::END`].
pub(crate) struct Compound<'s, S> {
    sink: &'s mut S,
    parts: u32,
}

impl<'s, S: Sink> Compound<'s, S> {
    #[inline(always)]
    fn new(sink: &'s mut S) -> Self {
        Self { sink, parts: 0 }
    }

    #[inline(always)]
    fn part<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Stop> {
        part.serialize(Encoder(self.sink))
    }

    /// One of any number of parts.
    #[inline(always)]
    fn one_of_many<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Stop> {
        self.parts = self.parts.wrapping_add(1);
        self.sink.part()?;
        self.part(part)
    }

    #[inline(always)]
    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, field: &T) -> Result<(), Stop> {
        self.sink.field(name)?;
        self.part(field)
    }
}

macro_rules! compound {
    ($($trait:ident: $method:ident($($name:ident)?) $part:ident;)*) => {$(
        impl<S: Sink> ser::$trait for Compound<'_, S> {
            type Ok = ();
            type Error = Stop;

            #[inline(always)]
            fn $method<T: ?Sized + Serialize>(
                &mut self,
                $($name: &'static str,)?
                part: &T,
            ) -> Result<(), Stop> {
                self.$part($($name,)? part)
            }

            #[inline(always)]
            fn end(self) -> Result<(), Stop> {
                self.sink.tag(tag::END)
            }
        }
    )*};
}

compound! {
    SerializeTuple: serialize_element() part;
    SerializeTupleStruct: serialize_field() part;
    SerializeTupleVariant: serialize_field() part;
    SerializeStruct: serialize_field(name) field;
    SerializeStructVariant: serialize_field(name) field;
}

impl<S: Sink> ser::SerializeSeq for Compound<'_, S> {
    type Ok = ();
    type Error = Stop;

    #[inline(always)]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Stop> {
        self.one_of_many(element)
    }

    #[inline(always)]
    fn end(self) -> Result<(), Stop> {
        self.sink.end(self.parts)
    }
}

impl<S: Sink> ser::SerializeMap for Compound<'_, S> {
    type Ok = ();
    type Error = Stop;

    #[inline(always)]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Stop> {
        self.one_of_many(key)
    }

    #[inline(always)]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        self.part(value)
    }

    #[inline(always)]
    fn end(self) -> Result<(), Stop> {
        self.sink.end(self.parts)
    }
}

/// A slice or `Vec` of numbers, seen as its bytes.
struct Numbers<'a> {
    tag: u8,
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    #[inline(always)]
    fn of<I>(collection: &'a I) -> Option<Self> {
        macro_rules! look {
            ($($number:ty: $tag:ident),*) => {$(
                if typeid::of::<I>() == TypeId::of::<&'static Vec<$number>>() {
                    // SAFETY: `I` is `&Vec<$number>` with some lifetime, as its id says (lifetimes
                    // have no part in it), and the result is bounded by a borrow of that value.
                    let numbers = unsafe { &*std::ptr::from_ref(collection).cast::<&'a Vec<$number>>() };
                    return Some(Self::new(tag::$tag, numbers.as_slice()));
                }
                if typeid::of::<I>() == TypeId::of::<&'static [$number]>() {
                    // SAFETY: as above, with `&[$number]`.
                    let numbers = unsafe { &*std::ptr::from_ref(collection).cast::<&'a [$number]>() };
                    return Some(Self::new(tag::$tag, numbers));
                }
            )*};
        }
        // On other machines the bytes in memory are not the little-endian ones.
        if cfg!(target_endian = "little") {
            look!(u8: U8, u16: U16, u32: U32, u64: U64, u128: U128, f32: F32, f64: F64);
            look!(i8: I8, i16: I16, i32: I32, i64: I64, i128: I128);
        }
        None
    }

    #[inline(always)]
    fn new<N: Copy>(tag: u8, numbers: &'a [N]) -> Self {
        // SAFETY: `N` is a primitive number (see `look!`): no padding, so every byte of the slice
        // is initialized; the length is the slice's own.
        let bytes = unsafe {
            std::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size_of_val(numbers))
        };
        Self { tag, count: numbers.len(), bytes }
    }
}
