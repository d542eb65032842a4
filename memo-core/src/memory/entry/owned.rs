//! Entries that own a value of the user's, in place: what the option `clone` keeps.

use std::any::TypeId;
use std::mem::{needs_drop, size_of};
use std::ptr::{self, NonNull};

use super::{Builder, Entry, Ref, Times, View, ALIGN, HEADER};
use crate::function::session;
use crate::key;
use crate::platform::unwind::catch;

/// The codec of an entry whose value is a [`Prefix`], and behind it one of a type of the user's.
pub(super) const OWNED: u8 = u8::MAX - 1;

/// What precedes a value, so that it is read as what it is and ends as what it is.
#[repr(C)]
struct Prefix {
    type_id: [u8; 16],
    /// Nothing, if its end runs no code.
    drop: Option<Drop>,
}

/// Drops the value that follows a prefix, which ends there.
///
/// # Safety
/// It is of this function's type, and nobody's any more.
type Drop = unsafe fn(*mut u8);

const PREFIX: usize = size_of::<Prefix>();

/// The bytes of an entry's value that is one of the type, with room to align it wherever the key ends.
pub(crate) const fn owned_len<T>() -> usize {
    if is_boxed::<T>() {
        return owned_len::<Box<()>>();
    }
    PREFIX + align_of::<T>() - 1 + size_of::<T>()
}

/// Whether a value has to lie elsewhere, as entries are not aligned enough for it.
const fn is_boxed<T>() -> bool {
    align_of::<T>() > ALIGN
}

/// Where a value lies whose prefix ends there.
#[cfg_attr(not(debug_assertions), inline(always))]
fn aligned<T>(end: *mut u8) -> *mut T {
    end.map_addr(|addr| addr.next_multiple_of(align_of::<T>())).cast()
}

impl Builder {
    /// An entry that owns a value instead of bytes.
    pub(crate) fn finish_owned<T: Send + Sync + 'static>(
        self,
        value: T,
        times: impl Into<Times>,
    ) -> Ref {
        let times = times.into();
        if is_boxed::<T>() {
            self.finish_in_place(Box::new(value), times)
        } else {
            self.finish_in_place(value, times)
        }
    }

    fn finish_in_place<T: Send + Sync + 'static>(mut self, value: T, times: Times) -> Ref {
        self.reset_value();
        let place = self.reserve(owned_len::<T>());
        let drop: Option<Drop> = if needs_drop::<T>() {
            // SAFETY: as the caller of the pointer says, whom `Drop` tells.
            Some(|end| unsafe { ptr::drop_in_place(aligned::<T>(end)) })
        } else {
            None
        };
        let prefix = Prefix { type_id: key::bytes_of_id(TypeId::of::<T>()), drop };
        // SAFETY: there is room for the prefix, for what aligns the value behind it, and for the value;
        // a builder's allocation is nobody else's. Whatever moves it until it is an entry moves the
        // value, and keeps its alignment, which is no more than the allocation's.
        unsafe {
            place.cast::<Prefix>().write_unaligned(prefix);
            aligned::<T>(place.add(PREFIX)).write(value);
        }
        self.finish(OWNED, times)
    }
}

impl<'a> View<'a> {
    /// The value of an entry made by [`Builder::finish_owned`], if it is of this type.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn owned<T: 'static>(self) -> Option<&'a T> {
        if is_boxed::<T>() {
            self.in_place::<Box<T>>().map(|value| &**value)
        } else {
            self.in_place()
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn in_place<T: 'static>(self) -> Option<&'a T> {
        if self.entry.codec() != OWNED {
            return None;
        }
        let place = self.value_start();
        // SAFETY: the codec says that a prefix is there; an id has no alignment.
        let type_id = unsafe { place.cast::<[u8; 16]>().read() };
        if type_id != key::bytes_of_id(TypeId::of::<T>()) {
            return None;
        }
        // SAFETY: the id says that a `T` follows the prefix; it lives as long as the entry, and is only
        // read while that is shared.
        Some(unsafe { &*aligned::<T>(place.add(PREFIX)) })
    }

    fn value_start(self) -> *mut u8 {
        // SAFETY: the key's bytes follow the header in the same allocation.
        unsafe { self.start.as_ptr().add(HEADER + self.entry.key_len()) }
    }

    /// Whether it owns what its bytes say nothing of.
    pub(crate) fn owns_more(self) -> bool {
        self.drop_of_owned().is_some()
    }

    fn drop_of_owned(self) -> Option<Drop> {
        if self.entry.codec() != OWNED {
            return None;
        }
        // SAFETY: the codec says that a prefix is there.
        unsafe { self.value_start().cast::<Prefix>().read_unaligned() }.drop
    }
}

/// Drops what an entry owns, before the entry is freed; the user's drop, whose panic must not keep
/// others from theirs.
///
/// # Safety
/// Nobody can reach the entry any more.
pub(super) unsafe fn drop_owned(entry: NonNull<Entry>) {
    // SAFETY: it is not freed before this returns.
    let view = unsafe { View::new(entry) };
    if let Some(drop) = view.drop_of_owned() {
        let _nowhere = session::nowhere();
        // SAFETY: the function is that of the value's type, and nobody drops it twice, as the caller
        // says.
        let _ = catch(|| unsafe { drop(view.value_start().add(PREFIX)) });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::SAMPLED;
    use super::*;
    use crate::clock::Tick;
    use crate::key::Hashes;

    fn builder(key: &[u8], value: usize) -> Builder {
        Builder::new(key, false, Hashes { quick: 1, thorough: 2 }, value)
    }

    #[test]
    fn the_last_owner_drops_the_value() {
        let probe = Arc::new(());
        let entry = builder(b"key", owned_len::<Arc<()>>()).finish_owned(probe.clone(), None);
        let other = entry.view().share();
        drop(entry);
        assert!(Arc::ptr_eq(other.view().owned::<Arc<()>>().unwrap(), &probe));
        assert!(other.view().owned::<Arc<u8>>().is_none() && other.view().owns_more());
        drop(other);
        assert_eq!(Arc::strong_count(&probe), 1);
    }

    #[test]
    fn a_value_is_aligned_behind_whatever_key_and_before_whatever_follows() {
        #[derive(Clone, PartialEq, Debug)]
        #[repr(align(64))]
        struct Wide(String);

        for len in (0..20).chain(SAMPLED - 2..SAMPLED + 18) {
            for expiry in [None, Some(Tick::from_nanos(9))] {
                let key = vec![7; len];
                let number = builder(&key, 0).finish_owned(7_u128, expiry);
                assert_eq!(number.view().owned::<u128>(), Some(&7));
                assert!(!number.view().owns_more());
                let wide =
                    builder(&key, owned_len::<Wide>()).finish_owned(Wide("a".into()), expiry);
                assert_eq!(wide.view().owned(), Some(&Wide("a".into())));
                assert_eq!((wide.view().key(), wide.view().expiry()), (&*key, expiry));
                let nothing = builder(&key, 1).finish_owned((), expiry);
                assert_eq!((nothing.view().owned(), nothing.view().hashes().quick), (Some(&()), 1));
            }
        }
    }

    #[test]
    fn a_value_that_panics_when_it_is_dropped_is_freed_all_the_same() {
        struct Stubborn;
        impl std::ops::Drop for Stubborn {
            fn drop(&mut self) {
                panic!("not so soon");
            }
        }
        drop(builder(b"", 0).finish_owned((Stubborn, String::from("a")), None));
    }
}
