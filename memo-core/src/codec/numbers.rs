//! A `Vec` of numbers, wherever it is in a value: read at once, by a copy.
//!
//! Both formats have such numbers one behind the other, little-endian and as wide as their type.
//! serde asks for them one by one, which takes forty times as long for a `Vec<u8>`. Who asks is told
//! by types alone, so that where anything else is read the compiler leaves nothing of this.

use std::any::TypeId;
use std::fmt;
use std::mem::MaybeUninit;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::codec::bulk::{self, Number};
use crate::key::tag;

/// Calls a macro with each number that goes as its bytes on this machine, and its tag.
macro_rules! for_each_number {
    ($look:ident) => {
        // On other machines the bytes in memory are not the little-endian ones.
        if cfg!(target_endian = "little") {
            $look!(u8: U8, u16: U16, u32: U32, u64: U64, u128: U128, f32: F32, f64: F64);
            $look!(i8: I8, i16: I16, i32: I32, i64: I64, i128: I128);
            // serde makes `u64` and `i64` of them.
            #[cfg(target_pointer_width = "64")]
            $look!(usize: U64, isize: I64);
        }
    };
}

/// The numbers as the visitor would read them; nothing if it is not serde's own visitor of a `Vec`
/// of numbers, as any other may do with them what it likes.
///
/// `take` gets the tag and the width of such a number, and gives the bytes of all of them; or
/// nothing, if they are to be read one by one.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn read<'de, V: Visitor<'de>, E>(
    take: impl FnOnce(u8, usize) -> Result<Option<&'de [u8]>, E>,
) -> Result<Option<V::Value>, E> {
    // Decides most cases before code is made of the rest.
    if const { size_of::<V::Value>() != size_of::<Vec<u8>>() } {
        Ok(None)
    } else {
        read_column::<V, E>(take)
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn read_column<'de, V: Visitor<'de>, E>(
    take: impl FnOnce(u8, usize) -> Result<Option<&'de [u8]>, E>,
) -> Result<Option<V::Value>, E> {
    let Some(column) = column_of(typeid::of::<V::Value>(), typeid::of::<V>()) else {
        return Ok(None);
    };
    let Some(bytes) = take(column.tag, column.width)? else { return Ok(None) };
    let mut numbers = MaybeUninit::<V::Value>::uninit();
    // SAFETY: `V::Value` is the `Vec` that the column reads, as the ids say: an id leaves out
    // lifetimes, of which such a `Vec` has none. There is room for one. What it gains: `Visitor` has
    // no other way to make a value of one type one of another, and they are the same.
    let is_read = unsafe { (column.read)(bytes, numbers.as_mut_ptr().cast()) };
    // SAFETY: it was written if it was read.
    Ok(is_read.then(|| unsafe { numbers.assume_init() }))
}

/// How a `Vec` of some numbers is read.
struct Column {
    tag: u8,
    width: usize,
    read: unsafe fn(&[u8], *mut ()) -> bool,
}

/// The one that a visitor reads, if it is serde's own. In an optimized program nothing is left of
/// the question.
#[cfg_attr(not(debug_assertions), inline(always))]
fn column_of(value: TypeId, visitor: TypeId) -> Option<Column> {
    macro_rules! look {
        ($($number:ty: $tag:ident),*) => {$(
            if value == TypeId::of::<Vec<$number>>() {
                return is_visitor_of::<$number>(visitor).then_some(Column {
                    tag: tag::$tag,
                    width: size_of::<$number>(),
                    read: write_numbers::<$number>,
                });
            }
        )*};
    }
    for_each_number!(look);
    None
}

/// Writes the numbers of these bytes to `to`; false where the bytes are not a whole number of them.
///
/// # Safety
/// There is room for a `Vec<N>`.
#[inline]
unsafe fn write_numbers<N: Number>(bytes: &[u8], to: *mut ()) -> bool {
    let Some(numbers) = bulk::numbers_of::<N>(bytes) else { return false };
    // SAFETY: as the caller says.
    unsafe { to.cast::<Vec<N>>().write(numbers) };
    true
}

/// Whether a type is a `Vec` of numbers, of which any bytes are a value.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn is_vec<T>() -> bool {
    is_vec_id(typeid::of::<T>())
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn is_vec_id(id: TypeId) -> bool {
    macro_rules! look {
        ($($number:ty: $tag:ident),*) => {$(
            if id == TypeId::of::<Vec<$number>>() {
                return true;
            }
        )*};
    }
    for_each_number!(look);
    false
}

/// Whether it is with this visitor that serde reads a `Vec` of such numbers: the type has no name
/// outside of serde, but comes to whoever such a `Vec` is read from.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_visitor_of<N: Number>(visitor: TypeId) -> bool {
    matches!(Vec::<N>::deserialize(Probe(visitor)), Err(Asked { by_visitor: true }))
}

/// Reads nothing, and says whether this visitor would have.
struct Probe(TypeId);

#[derive(Debug)]
struct Asked {
    by_visitor: bool,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to be read")
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { by_visitor: false }
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked { by_visitor: false })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked { by_visitor: typeid::of::<V>() == self.0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    /// The bytes that a reader of `T` takes as a whole.
    fn taken<T: for<'de> Deserialize<'de>>() -> Option<(u8, usize)> {
        struct Reader<'t>(&'t mut Option<(u8, usize)>);
        impl<'de> Deserializer<'de> for Reader<'_> {
            type Error = de::value::Error;
            fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
                Err(de::Error::custom("something else was asked for"))
            }
            fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
                let numbers = read::<V, Self::Error>(|tag, width| {
                    *self.0 = Some((tag, width));
                    Ok(Some(&[]))
                })?;
                numbers.ok_or_else(|| de::Error::custom("one by one"))
            }
            forward_to_deserialize_any! {
                bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
                option unit unit_struct newtype_struct tuple tuple_struct map struct enum
                identifier ignored_any
            }
        }
        let mut taken = None;
        let read = T::deserialize(Reader(&mut taken));
        assert_eq!(read.is_ok(), taken.is_some());
        taken
    }

    #[test]
    fn serdes_own_readers_of_numbers_and_no_others_are_known() {
        assert_eq!(taken::<Vec<u8>>(), Some((tag::U8, 1)));
        assert_eq!(taken::<Vec<i16>>(), Some((tag::I16, 2)));
        assert_eq!(taken::<Vec<f64>>(), Some((tag::F64, 8)));
        #[cfg(target_pointer_width = "64")]
        assert_eq!(taken::<Vec<usize>>(), Some((tag::U64, 8)));
        assert_eq!(taken::<Box<[u128]>>(), Some((tag::U128, 16)));
        assert_eq!(taken::<Vec<bool>>(), None);
        assert_eq!(taken::<Vec<char>>(), None);
        assert_eq!(taken::<Vec<String>>(), None);
        assert_eq!(taken::<IgnoredAny>(), None);

        /// Reads every number as its double.
        #[derive(Debug)]
        struct Doubled;
        impl<'de> Deserialize<'de> for Doubled {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_seq(DoublingVisitor).map(|_| Self)
            }
        }
        struct DoublingVisitor;
        impl<'de> Visitor<'de> for DoublingVisitor {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("numbers")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut doubled = Vec::new();
                while let Some(number) = seq.next_element::<u8>()? {
                    doubled.push(number * 2);
                }
                Ok(doubled)
            }
        }
        assert_eq!(taken::<Doubled>(), None);
    }
}
