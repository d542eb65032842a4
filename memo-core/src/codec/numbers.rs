//! A `Vec` of numbers as the whole value: its bytes.

use std::any::TypeId;

use crate::codec::bulk;

macro_rules! for_each_number {
    ($look:ident) => {
        $look! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }
    };
}

/// The value's bytes, if it is a `Vec` of numbers.
#[inline(always)]
pub(super) fn encode<T>(value: &T) -> Option<&[u8]> {
    macro_rules! look {
        ($($number:ty)*) => {$(
            if typeid::of::<T>() == TypeId::of::<Vec<$number>>() {
                // SAFETY: `T` is `Vec<$number>`, as its id says.
                let numbers = unsafe { &*std::ptr::from_ref(value).cast::<Vec<$number>>() };
                return Some(bulk::bytes_of(numbers));
            }
        )*};
    }
    for_each_number!(look);
    None
}

/// The value that [`encode`] gave these bytes.
#[inline(always)]
pub(super) fn decode<T>(bytes: &[u8]) -> Option<T> {
    macro_rules! look {
        ($($number:ty)*) => {$(
            if typeid::of::<T>() == TypeId::of::<Vec<$number>>() {
                let numbers = std::mem::ManuallyDrop::new(bulk::numbers_of::<$number>(bytes)?);
                // SAFETY: `T` is `Vec<$number>`, as its id says; the original is not dropped, so
                // the copy is its only owner.
                return Some(unsafe { std::mem::transmute_copy::<Vec<$number>, T>(&numbers) });
            }
        )*};
    }
    for_each_number!(look);
    None
}
