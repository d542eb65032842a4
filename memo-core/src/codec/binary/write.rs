//! The format's writer: bincode's, piece by piece, beside what it does not look after.
//!
//! In one walk it writes the value and notes its [shape](crate::key::shape). It stops where the
//! value is nested too deep. It counts the parts of a sequence or map, whatever the value said of
//! their number before they came: the format has that number in front, and a wrong one would have
//! all that follows be read from the wrong place. A slice of numbers is copied.

mod parts;

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::super::Value;
use super::options;
use crate::key::depth::Depth;
use crate::key::numbers::Numbers;
use crate::key::shape::{call, kind, mix, type_of, Shape};
use crate::key::unsaid;
use crate::memory::entry::Builder;

use parts::Parts;

/// The format does not carry the value, or its `Serialize` returned an error. Which of them, the
/// other codec will say.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be encoded")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// # Errors
/// [`Refused`].
pub(super) fn encode(value: &dyn Value, into: &mut Builder) -> Result<Shape, Refused> {
    let mut out = Out { into, parts: Vec::new(), nothings: 0, is_refused: false };
    let made = value.write_binary(&mut out)?;
    // A `Serialize` may go on after an error, with less than the value.
    if out.is_refused {
        return Err(Refused);
    }
    Ok(Shape::of(value.ty(), made, out.parts))
}

/// What the walk has come to.
pub(crate) struct Out<'b> {
    into: &'b mut Builder,
    /// Shapes of the parts that the value may have.
    parts: Vec<u64>,
    /// How many parts of sequences were of no bytes.
    nothings: usize,
    is_refused: bool,
}

impl Out<'_> {
    /// Has bincode write a piece.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn write(
        &mut self,
        piece: impl FnOnce(&mut Bincode<'_>) -> bincode::Result<()>,
    ) -> Result<(), Refused> {
        piece(&mut Bincode::new(&mut *self.into, options())).map_err(|_| self.refuse())
    }

    #[cold]
    fn refuse(&mut self) -> Refused {
        self.is_refused = true;
        Refused
    }

    /// Notes a part that a value of such a type may have, once where many alike follow each other.
    fn note(&mut self, part: u64, ty: u64) {
        let part = mix(part, ty);
        if self.parts.last() != Some(&part) {
            self.parts.push(part);
        }
    }
}

type Bincode<'b> = bincode::Serializer<&'b mut Builder, super::Format>;

/// Writes one value; what it answers is the kind of call that the value made.
pub(in crate::codec) struct Writer<'w, 'b> {
    out: &'w mut Out<'b>,
    /// The type whose value is being written; its name alone would not tell two apart.
    ty: u64,
    depth: Depth,
    /// Its type may look like another of which serde says too little.
    may_hide: bool,
}

impl<'w, 'b> Writer<'w, 'b> {
    #[inline]
    pub(in crate::codec) fn write<T: ?Sized + Serialize>(
        out: &'w mut Out<'b>,
        depth: Depth,
        value: &T,
    ) -> Result<u64, Refused> {
        // The other codec may know what to do with it.
        if unsaid::of(value).is_some() {
            return Err(out.refuse());
        }
        value.serialize(Self { out, depth, ty: type_of::<T>(), may_hide: unsaid::may_hide::<T>() })
    }

    fn inside(self) -> Result<Self, Refused> {
        match self.depth.inside() {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.out.refuse()),
        }
    }

    fn around(self) -> Result<Self, Refused> {
        match self.depth.around() {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.out.refuse()),
        }
    }

    /// Writes a part of the value; what it is to the whole.
    fn made<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<u64, Refused> {
        let made = Writer::write(self.out, self.depth, part)?;
        Ok(mix(made, type_of::<T>()))
    }

    /// Writes a part, and notes it as one that a value may have.
    fn part<T: ?Sized + Serialize>(&mut self, of: u64, part: &T) -> Result<(), Refused> {
        let made = self.made(part)?;
        self.out.note(mix(of, made), self.ty);
        Ok(())
    }

    /// Parts as the type has them: their kinds make the whole's, unless it has an `answer`.
    fn fixed(self, of: u64, made: u64, answer: Option<u64>) -> Result<Parts<'w, 'b>, Refused> {
        Ok(Parts::new(self.inside()?, of, made, answer))
    }

    /// The parts of a sequence or map, behind their number, which is guessed.
    fn counted(self, of: u64, guess: Option<usize>) -> Result<Parts<'w, 'b>, Refused> {
        Parts::new(self.inside()?, of, of, Some(of)).counted(guess.unwrap_or(0))
    }

    fn variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'w, 'b>, Refused> {
        self.out.write(|to| to.serialize_unit_variant(name, index, variant))?;
        let of = mix(kind(call::VARIANT, variant, index as usize), len as u64);
        // A variant without fields is one all the same.
        self.fixed(of, mix(of, call::VARIANT), Some(kind(call::ENUM, name, 0)))
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) = $number:literal;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<u64, Refused> {
            self.out.write(|to| to.$method(value))?;
            Ok(call::SCALAR + $number)
        }
    )*};
}

impl<'w, 'b> Serializer for Writer<'w, 'b> {
    type Ok = u64;
    type Error = Refused;
    type SerializeSeq = Parts<'w, 'b>;
    type SerializeTuple = Parts<'w, 'b>;
    type SerializeTupleStruct = Parts<'w, 'b>;
    type SerializeTupleVariant = Parts<'w, 'b>;
    type SerializeMap = Parts<'w, 'b>;
    type SerializeStruct = Parts<'w, 'b>;
    type SerializeStructVariant = Parts<'w, 'b>;

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
        self.out.write(|to| to.serialize_none())?;
        Ok(call::OPTION)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<u64, Refused> {
        // The mark alone: a unit has no bytes.
        self.out.write(|to| to.serialize_some(&()))?;
        // That there is one is noted, too: a type may read it back as nothing.
        self.around()?.part(call::OPTION, value)?;
        Ok(call::OPTION)
    }

    fn serialize_unit(self) -> Result<u64, Refused> {
        Ok(call::UNIT)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<u64, Refused> {
        Ok(kind(call::UNIT, name, 0))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<u64, Refused> {
        self.out.write(|to| to.serialize_unit_variant(name, index, variant))?;
        let part = mix(kind(call::VARIANT, variant, index as usize), call::UNIT);
        self.out.note(part, self.ty);
        Ok(kind(call::ENUM, name, 0))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        let made = self.around()?.made(value)?;
        Ok(mix(kind(call::NEWTYPE, name, 0), made))
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        self.out.write(|to| to.serialize_unit_variant(name, index, variant))?;
        self.inside()?.part(kind(call::VARIANT, variant, index as usize), value)?;
        Ok(kind(call::ENUM, name, 0))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Parts<'w, 'b>, Refused> {
        self.counted(call::SEQ, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts<'w, 'b>, Refused> {
        let of = kind(call::TUPLE, "", len);
        self.fixed(of, of, None)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Parts<'w, 'b>, Refused> {
        let of = kind(call::TUPLE, name, len);
        self.fixed(of, of, None)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'w, 'b>, Refused> {
        self.variant(name, index, variant, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Parts<'w, 'b>, Refused> {
        self.counted(call::MAP, len)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Parts<'w, 'b>, Refused> {
        // Whether it is at its end the other codec sees.
        if self.may_hide && name == "RangeInclusive" {
            return Err(self.out.refuse());
        }
        let of = kind(call::STRUCT, name, len);
        self.fixed(of, of, None)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'w, 'b>, Refused> {
        self.variant(name, index, variant, len)
    }

    fn collect_seq<I>(self, elements: I) -> Result<u64, Refused>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(numbers) = Numbers::of(&elements) {
            self.out.write(|to| to.serialize_seq(Some(numbers.count)).map(drop))?;
            self.out.into.push(numbers.bytes);
            return Ok(call::SEQ);
        }
        let elements = elements.into_iter();
        let mut seq = self.serialize_seq(Some(elements.size_hint().0))?;
        for element in elements {
            ser::SerializeSeq::serialize_element(&mut seq, &element)?;
        }
        ser::SerializeSeq::end(seq)
    }

    // As the key encoder.
    fn is_human_readable(&self) -> bool {
        false
    }
}
