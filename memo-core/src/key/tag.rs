//! The first byte of everything in an encoding: what serde was told.

#![allow(missing_docs, reason = "each tag is named after the serializer call it stands for")]

pub(crate) const END: u8 = 0;
pub(crate) const FIELD: u8 = 1;
pub(crate) const UNIT: u8 = 2;
pub(crate) const FALSE: u8 = 3;
pub(crate) const TRUE: u8 = 4;
pub(crate) const NONE: u8 = 5;
pub(crate) const SOME: u8 = 6;
pub(crate) const CHAR: u8 = 7;
pub(crate) const STR: u8 = 8;
pub(crate) const BYTES: u8 = 9;
pub(crate) const I8: u8 = 16;
pub(crate) const I16: u8 = 17;
pub(crate) const I32: u8 = 18;
pub(crate) const I64: u8 = 19;
pub(crate) const I128: u8 = 20;
pub(crate) const U8: u8 = 21;
pub(crate) const U16: u8 = 22;
pub(crate) const U32: u8 = 23;
pub(crate) const U64: u8 = 24;
pub(crate) const U128: u8 = 25;
pub(crate) const F32: u8 = 26;
pub(crate) const F64: u8 = 27;
pub(crate) const UNIT_STRUCT: u8 = 32;
pub(crate) const NEWTYPE: u8 = 33;
pub(crate) const VARIANT: u8 = 34;
pub(crate) const SEQ: u8 = 35;
pub(crate) const TUPLE: u8 = 36;
pub(crate) const TUPLE_STRUCT: u8 = 37;
pub(crate) const MAP: u8 = 38;
pub(crate) const STRUCT: u8 = 39;
/// A slice of numbers: the number's tag, a count, the numbers in little-endian order.
pub(crate) const NUMBERS: u8 = 40;
/// As `NUMBERS`, with the BLAKE3 digest of the numbers in their place.
pub(crate) const NUMBERS_DIGEST: u8 = 41;
/// A set without an order: a count, the sorted encodings of its elements.
pub(crate) const SET: u8 = 42;
/// A map without an order: a count, the sorted encodings of its pairs.
pub(crate) const BAG: u8 = 43;
/// The named fields of an enum's variant.
pub(crate) const FIELDS: u8 = 44;
/// What serde is not told of the value that follows: two words of 32 bits.
pub(crate) const UNSAID: u8 = 45;
