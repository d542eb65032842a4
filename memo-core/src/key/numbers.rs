//! Slices of numbers, which go as their bytes.

use std::any::TypeId;

use super::tag;

/// A slice or `Vec` of numbers, seen as its bytes.
pub(crate) struct Numbers<'a> {
    pub(crate) tag: u8,
    pub(crate) count: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn of<I>(collection: &'a I) -> Option<Self> {
        // SAFETY: it is the collection's own id.
        unsafe { Self::of_known(typeid::of::<I>(), std::ptr::from_ref(collection).cast()) }
    }

    /// # Safety
    /// The collection is one of the type of this id, and borrowed for `'a`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn of_known(id: TypeId, collection: *const ()) -> Option<Self> {
        macro_rules! look {
            ($($number:ty: $tag:ident),*) => {$(
                if id == TypeId::of::<&'static Vec<$number>>() {
                    // SAFETY: it is a `&Vec<$number>` with some lifetime, as its id says (lifetimes
                    // have no part in it), and the result is bounded by a borrow of that value.
                    let numbers = unsafe { &*collection.cast::<&'a Vec<$number>>() };
                    return Some(Self::new(tag::$tag, numbers.as_slice()));
                }
                if id == TypeId::of::<&'static [$number]>() {
                    // SAFETY: as above, with `&[$number]`.
                    let numbers = unsafe { &*collection.cast::<&'a [$number]>() };
                    return Some(Self::new(tag::$tag, numbers));
                }
            )*};
        }
        // On other machines the bytes in memory are not the little-endian ones.
        if cfg!(target_endian = "little") {
            look!(u8: U8, u16: U16, u32: U32, u64: U64, u128: U128, f32: F32, f64: F64);
            look!(i8: I8, i16: I16, i32: I32, i64: I64, i128: I128);
            // serde makes `u64` and `i64` of them.
            #[cfg(target_pointer_width = "64")]
            look!(usize: U64, isize: I64);
        }
        None
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new<N: Copy>(tag: u8, numbers: &'a [N]) -> Self {
        // SAFETY: `N` is a primitive number (see `look!`): no padding, so every byte of the slice
        // is initialized; the length is the slice's own.
        let bytes = unsafe {
            std::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size_of_val(numbers))
        };
        Self { tag, count: numbers.len(), bytes }
    }
}
