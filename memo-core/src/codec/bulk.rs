//! Columns of numbers, copied at once instead of one by one.
//!
//! A `Vec` of primitive numbers takes such a path by itself, wherever it is in a result. With
//! `#[serde(with = "memo::bulk")]` a column of a [`Number`] of one's own takes it, too, and any column
//! takes it in other formats that carry bytes: decoding goes as fast as a plain copy, which is about
//! six times as fast as serde's sequences of `f64`.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, Serialize)]
//! struct Series {
//!     name: String,
//!     #[serde(with = "memo::bulk")]
//!     times: Vec<u64>,
//!     #[serde(with = "memo::bulk")]
//!     values: Vec<f64>,
//! }
//!
//! #[memo::memo]
//! fn series(name: &str) -> Series {
//!     Series { name: name.into(), times: vec![1, 2], values: vec![0.5, 1.5] }
//! }
//! assert_eq!(series("a").values, series("a").values);
//! ```
//!
//! Human-readable formats, JSON say, see an ordinary sequence.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A number that can be copied as its bytes: the integers up to 128 bits, `f32` and `f64`.
///
/// A type of no size has no bytes to be copied: its columns are ordinary sequences.
///
/// # Safety
/// The type has no padding, and any bytes of its size are one of its values.
pub unsafe trait Number: Copy + Serialize + for<'de> Deserialize<'de> {
    /// What its columns are called, so that those of one type are not taken for those of another.
    #[doc(hidden)]
    const COLUMN: &'static str;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        // SAFETY: a primitive number.
        unsafe impl Number for $number {
            const COLUMN: &'static str = concat!("memo::bulk::", stringify!($number));
        }
    )*};
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

/// The numbers' bytes, as they lie in memory.
pub(crate) fn bytes_of<N: Number>(numbers: &[N]) -> &[u8] {
    // SAFETY: a number has no padding, so that all bytes of the slice are initialized; the length
    // is the slice's own.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// The numbers that have these bytes; nothing where they are not a whole number of them, or do not
/// say how many they are.
pub(crate) fn numbers_of<N: Number>(bytes: &[u8]) -> Option<Vec<N>> {
    let count = bytes.len().checked_div(size_of::<N>())?;
    if count * size_of::<N>() != bytes.len() {
        return None;
    }
    let mut numbers = Vec::<N>::with_capacity(count);
    // SAFETY: there is room for `count` numbers, which are as many bytes as `bytes` has; a new
    // allocation does not overlap it.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), numbers.as_mut_ptr().cast(), bytes.len());
    }
    // SAFETY: they are initialized, and any bytes are numbers.
    unsafe { numbers.set_len(count) };
    Some(numbers)
}

/// Whether numbers may go as their bytes, which are to say how many numbers they are, and to be the
/// same everywhere.
fn is_bulk<N: Number>(is_human_readable: bool) -> bool {
    !is_human_readable && size_of::<N>() > 0 && cfg!(target_endian = "little")
}

/// Serializes numbers as one piece of bytes.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<N: Number, S: Serializer>(
    numbers: &[N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if is_bulk::<N>(serializer.is_human_readable()) {
        serializer.serialize_newtype_struct(N::COLUMN, &Bytes(bytes_of(numbers)))
    } else {
        serializer.collect_seq(numbers)
    }
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// Those of the deserializer, and bytes that are not a whole number of numbers.
pub fn deserialize<'de, N: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<N>, D::Error> {
    if is_bulk::<N>(deserializer.is_human_readable()) {
        deserializer.deserialize_newtype_struct(N::COLUMN, Numbers(PhantomData))
    } else {
        deserializer.deserialize_seq(Numbers(PhantomData))
    }
}

struct Bytes<'b>(&'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Numbers<N>(PhantomData<N>);

impl<'de, N: Number> Visitor<'de> for Numbers<N> {
    type Value = Vec<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Vec<N>, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<N>, E> {
        numbers_of(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<N>, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = seq.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No number, but what its author says it is.
    #[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Nothing;

    // SAFETY: it has no bytes, so no padding, and no bytes that are none of its values.
    unsafe impl Number for Nothing {
        const COLUMN: &'static str = "Nothing";
    }

    #[derive(serde::Deserialize, serde::Serialize)]
    struct Columns {
        #[serde(with = "crate::bulk")]
        nothings: Vec<Nothing>,
        #[serde(with = "crate::bulk")]
        numbers: Vec<u16>,
    }

    #[test]
    fn columns_come_back_though_what_is_in_them_has_no_size() {
        let columns = Columns { nothings: vec![Nothing; 3], numbers: vec![1, 2] };
        let bytes = bincode::serialize(&columns).unwrap();
        let copy: Columns = bincode::deserialize(&bytes).unwrap();
        assert_eq!((copy.nothings.len(), copy.numbers), (3, vec![1, 2]));
    }

    #[test]
    fn bytes_that_are_not_a_whole_number_of_numbers_are_none() {
        assert_eq!(numbers_of::<u16>(&[1, 0, 2, 0]), Some(vec![1_u16.to_le(), 2_u16.to_le()]));
        assert_eq!(numbers_of::<u16>(&[1, 0, 2]), None);
        assert_eq!(numbers_of::<Nothing>(&[]), None);
    }
}
