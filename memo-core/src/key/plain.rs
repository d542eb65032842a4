//! Types that are no more than they seem: what serde does with them is known, and takes no time.

use std::any::TypeId;

/// Whether all values of the type make one and the same call.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_scalar<T: ?Sized>() -> bool {
    is_scalar_id(typeid::of::<T>())
}

/// Where nothing is optimized, it is compiled once and asked; else it is answered when the program
/// is built.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_scalar_id(id: TypeId) -> bool {
    macro_rules! any {
        ($($scalar:ty),*) => {
            $(id == TypeId::of::<$scalar>() || id == TypeId::of::<&'static $scalar>())||*
        };
    }
    any!(
        u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char,
        String
    )
}

/// Whether to walk a value of the type into a key runs no code of the user's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn is_plain<T: ?Sized>() -> bool {
    let id = typeid::of::<T>();
    is_scalar::<T>() || id == TypeId::of::<str>() || id == TypeId::of::<&'static str>()
}
