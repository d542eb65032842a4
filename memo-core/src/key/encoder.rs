//! The serializer that turns what serde says of a value into bytes, injectively.
//!
//! Everything starts with a [tag]; texts, names and counts carry their length; what has no length
//! up front ends with [`tag::END`]. So no encoding is a prefix of another, and two values have
//! the same encoding exactly if they make the same calls (a slice of numbers counts as one call).

mod compound;

use serde::ser::{self, Serialize, Serializer};

pub(crate) use compound::Compound;
use compound::Hidden;

use super::depth::{Depth, TOO_DEEP};
use super::numbers::Numbers;
use super::sink::{refuse, Sink, Stop, Unordered};
use super::tag;
use super::unordered::is_unordered;
use super::unsaid;

pub(crate) struct Encoder<'s, S> {
    sink: &'s mut S,
    place: Place,
}

/// How much deeper the value may nest, and whether its type may look like another of which serde
/// says too little: composites ask, scalars never do.
///
/// In one word, so that an encoder is handed on in two registers.
#[derive(Clone, Copy)]
struct Place(u32);

impl Place {
    const MAY_HIDE: u32 = 1 << 31;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new(depth: Depth, may_hide: bool) -> Self {
        Self(depth.0 | if may_hide { Self::MAY_HIDE } else { 0 })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn depth(self) -> Depth {
        Depth(self.0 & !Self::MAY_HIDE)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn may_hide(self) -> bool {
        self.0 & Self::MAY_HIDE != 0
    }
}

impl<'s, S: Sink> Encoder<'s, S> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(sink: &'s mut S) -> Self {
        Self::at(sink, Depth::FULL)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn at(sink: &'s mut S, depth: Depth) -> Self {
        Self { sink, place: Place::new(depth, false) }
    }

    /// Encodes a value whose type is known, which it need not be where a `Serialize` hands another
    /// value on.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn value<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Stop> {
        if let Some(unsaid) = unsaid::of(value) {
            self.sink.unsaid(unsaid)?;
        }
        let place = Place::new(self.place.depth(), unsaid::may_hide::<T>());
        value.serialize(Self { place, ..self })
    }

    /// What encodes the content of a level.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn inside(self) -> Result<Self, Stop> {
        match self.place.depth().inside() {
            Some(depth) => Ok(Self::at(self.sink, depth)),
            None => Err(refuse(TOO_DEEP)),
        }
    }

    /// What encodes the one value in a `Some` or a newtype.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn around(self) -> Result<Self, Stop> {
        match self.place.depth().around() {
            Some(depth) => Ok(Self::at(self.sink, depth)),
            None => Err(refuse(TOO_DEEP)),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn compound(self) -> Result<Compound<'s, S>, Stop> {
        let Self { sink, place } = self.inside()?;
        Ok(Compound { sink, depth: place.depth(), parts: 0, hidden: Hidden::Nothing })
    }
}

/// Numbers up to 64 bits: their little-endian bytes after the tag.
macro_rules! numbers {
    ($($method:ident $type:ty: $tag:ident = $bits:expr;)*) => {$(
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn $method(self, value: $type) -> Result<(), Stop> {
            #[allow(clippy::cast_sign_loss, reason = "the bits are what is wanted")]
            let bits = $bits(value);
            self.sink.number(tag::$tag, bits, size_of::<$type>())
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

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_i128(self, value: i128) -> Result<(), Stop> {
        self.sink.wide(tag::I128, value as u128)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_u128(self, value: u128) -> Result<(), Stop> {
        self.sink.wide(tag::U128, value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_bool(self, value: bool) -> Result<(), Stop> {
        self.sink.tag(if value { tag::TRUE } else { tag::FALSE })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.sink.text(tag::STR, value.as_bytes())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        self.sink.text(tag::BYTES, value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_none(self) -> Result<(), Stop> {
        self.sink.tag(tag::NONE)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Stop> {
        self.sink.tag(tag::SOME)?;
        self.around()?.value(value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_unit(self) -> Result<(), Stop> {
        self.sink.tag(tag::UNIT)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Stop> {
        self.sink.named(tag::UNIT_STRUCT, name)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.sink.variant(name, index, variant, tag::UNIT)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.sink.named(tag::NEWTYPE, name)?;
        self.around()?.value(value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.sink.variant(name, index, variant, tag::NEWTYPE)?;
        self.inside()?.value(value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'s, S>, Stop> {
        self.sink.tag(tag::SEQ)?;
        self.compound()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple(self, len: usize) -> Result<Compound<'s, S>, Stop> {
        self.sink.tag(tag::TUPLE)?;
        let hidden = if self.place.may_hide() && len == 2 { Hidden::Pair } else { Hidden::Nothing };
        Ok(Compound { hidden, ..self.compound()? })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Compound<'s, S>, Stop> {
        self.sink.named(tag::TUPLE_STRUCT, name)?;
        self.compound()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'s, S>, Stop> {
        self.sink.variant(name, index, variant, tag::TUPLE)?;
        self.compound()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'s, S>, Stop> {
        self.sink.tag(tag::MAP)?;
        self.compound()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'s, S>, Stop> {
        self.sink.named(tag::STRUCT, name)?;
        let is_range = self.place.may_hide() && name == "RangeInclusive";
        let hidden = if is_range { Hidden::Range(None) } else { Hidden::Nothing };
        Ok(Compound { hidden, ..self.compound()? })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'s, S>, Stop> {
        self.sink.variant(name, index, variant, tag::FIELDS)?;
        self.compound()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn collect_seq<I>(self, elements: I) -> Result<(), Stop>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&elements) {
            return self.sink.numbers(numbers.tag, numbers.count, numbers.bytes);
        }
        if is_unordered::<I>() {
            let Self { sink, place } = self.inside()?;
            let mut set = S::Unordered::open(sink);
            for element in elements {
                set.entry(|sink| Encoder::at(sink, place.depth()).value(&element))?;
            }
            return set.close(tag::SET, sink);
        }
        let mut seq = self.serialize_seq(None)?;
        for element in elements {
            ser::SerializeSeq::serialize_element(&mut seq, &element)?;
        }
        ser::SerializeSeq::end(seq)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn collect_map<K, V, I>(self, entries: I) -> Result<(), Stop>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        if is_unordered::<I>() {
            let Self { sink, place } = self.inside()?;
            let mut map = S::Unordered::open(sink);
            for (key, value) in entries {
                map.entry(|sink| {
                    Encoder::at(&mut *sink, place.depth()).value(&key)?;
                    Encoder::at(sink, place.depth()).value(&value)
                })?;
            }
            return map.close(tag::BAG, sink);
        }
        let mut map = self.serialize_map(None)?;
        for (key, value) in entries {
            ser::SerializeMap::serialize_entry(&mut map, &key, &value)?;
        }
        ser::SerializeMap::end(map)
    }

    // As bincode: the compact form is what the codecs store, and one walk must match the other.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_human_readable(&self) -> bool {
        false
    }
}
