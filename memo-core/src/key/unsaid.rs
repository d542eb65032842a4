//! Types of the standard library that are more than they tell serde.
//!
//! Told that a format is not for people, a `SocketAddrV6` says its address and port, and leaves out
//! its scope and flow; a `RangeInclusive` that was iterated to its end says the same as one that
//! was not. Where such a type is known, the encoding has what serde was not told in front of the
//! value. Where it is not (behind `#[serde(transparent)]`, say, serde hands over the inner value as
//! if it were the outer one) it is known by the calls it makes, and refused where they may be of
//! two values.

use std::any::{type_name, TypeId};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// What serde is not told of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// Of a socket's address: neither of them 0, or one.
    Socket { flowinfo: u32, scope: u32 },
    /// A range is at its end.
    Exhausted,
}

impl Unsaid {
    /// How it is encoded. A socket has not two zeros.
    pub(crate) fn words(self) -> [u32; 2] {
        match self {
            Self::Socket { flowinfo, scope } => [flowinfo, scope],
            Self::Exhausted => [0, 0],
        }
    }
}

/// Why a value is refused that may be one of two.
pub(crate) const HIDDEN_SOCKET: &str =
    "it holds a `SocketAddrV6` behind another type, of which serde does not tell the scope";
pub(crate) const HIDDEN_RANGE: &str =
    "it holds a `RangeInclusive` behind another type, of which serde does not tell whether it is at its end";

/// What a type is known to tell serde, or not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socket,
    Range,
    /// A tuple tells its elements, whatever they look like.
    Tuple,
    /// Whatever another type's `Serialize` says.
    Other,
}

/// Decided when the program is built: what is none of these costs nothing.
#[cfg_attr(not(debug_assertions), inline(always))]
fn kind<T: ?Sized>() -> Kind {
    kind_of(type_name::<T>())
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn kind_of(name: &'static str) -> Kind {
    let name = past_pointers(name);
    if name.starts_with("core::net::socket_addr::SocketAddrV6") {
        Kind::Socket
    } else if name.starts_with("core::ops::range::RangeInclusive<") {
        Kind::Range
    } else if name.starts_with('(') {
        Kind::Tuple
    } else {
        Kind::Other
    }
}

/// A type's name, less the pointers that [`find`] looks through.
#[cfg_attr(not(debug_assertions), inline(always))]
fn past_pointers(name: &'static str) -> &'static str {
    let name = name.strip_prefix('&').unwrap_or(name);
    let name = name.strip_prefix('&').unwrap_or(name);
    let name = name.strip_prefix("alloc::boxed::Box<").unwrap_or(name);
    let name = name.strip_prefix("alloc::sync::Arc<").unwrap_or(name);
    name.strip_prefix("alloc::rc::Rc<").unwrap_or(name)
}

/// What serde is not told of a value, if there is anything.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn of<T: ?Sized>(value: &T) -> Option<Unsaid> {
    match kind::<T>() {
        // SAFETY: it is a value of the type of this id, borrowed for as long as the call takes.
        kind @ (Kind::Socket | Kind::Range) => unsafe {
            of_known(kind, typeid::of::<T>(), std::ptr::from_ref(value).cast())
        },
        Kind::Tuple | Kind::Other => None,
    }
}

/// Once for all types, as few are any of these.
///
/// # Safety
/// The value is one of the type of this id, and borrowed.
#[inline(never)]
unsafe fn of_known(kind: Kind, id: TypeId, value: *const ()) -> Option<Unsaid> {
    match kind {
        // SAFETY: as the caller says.
        Kind::Socket => of_socket(unsafe { find(id, value) }?),
        // SAFETY: as the caller says.
        Kind::Range => unsafe { of_range(id, value) },
        Kind::Tuple | Kind::Other => None,
    }
}

/// Whether one of those may be in a value of the type, where it is not known.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn may_hide<T: ?Sized>() -> bool {
    kind::<T>() == Kind::Other
}

/// Whether an element of a pair is what a `SocketAddrV6` has there: nobody else says it by reference.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_address<T: ?Sized>() -> bool {
    typeid::of::<T>() == TypeId::of::<&'static Ipv6Addr>()
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_port<T: ?Sized>() -> bool {
    typeid::of::<T>() == TypeId::of::<u16>()
}

fn of_socket(socket: &SocketAddrV6) -> Option<Unsaid> {
    let (flowinfo, scope) = (socket.flowinfo(), socket.scope_id());
    (flowinfo != 0 || scope != 0).then_some(Unsaid::Socket { flowinfo, scope })
}

/// The ranges that can be iterated, and so come to their end, are of these types: others of a
/// program's own cannot be, without what the language does not yet offer.
///
/// # Safety
/// As for [`of_known`].
unsafe fn of_range(id: TypeId, value: *const ()) -> Option<Unsaid> {
    macro_rules! look {
        ($($index:ty)*) => {$(
            // SAFETY: as the caller says.
            if let Some(range) = unsafe { find::<RangeInclusive<$index>>(id, value) } {
                let is_exhausted = range.is_empty() && range.start() <= range.end();
                return is_exhausted.then_some(Unsaid::Exhausted);
            }
        )*};
    }
    look! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize char Ipv4Addr Ipv6Addr }
    None
}

/// The value, or what it points at, if it is an `X`.
///
/// # Safety
/// The value is one of the type of this id, and borrowed for `'v`.
unsafe fn find<'v, X: 'static>(id: TypeId, value: *const ()) -> Option<&'v X> {
    if id == TypeId::of::<X>() {
        // SAFETY: it is an `X`, as its id says; borrowed as the value is.
        return Some(unsafe { &*value.cast::<X>() });
    }
    macro_rules! pointers {
        ($($static:ty, $here:ty;)*) => {$(
            if id == TypeId::of::<$static>() {
                // SAFETY: it is this pointer with some lifetime, as its id says (lifetimes have no
                // part in it); it lives for as long as it is borrowed, and so does what it points at.
                return Some(unsafe { &*value.cast::<$here>() });
            }
        )*};
    }
    pointers! {
        &'static X, &'v X;
        &'static &'static X, &'v &'v X;
        Box<X>, Box<X>;
        Arc<X>, Arc<X>;
        Rc<X>, Rc<X>;
        &'static Box<X>, &'v Box<X>;
        &'static Arc<X>, &'v Arc<X>;
        &'static Rc<X>, &'v Rc<X>;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_as_they_are_looked_for() {
        type Socket = SocketAddrV6;
        for kind in [kind::<Socket>(), kind::<&&Socket>(), kind::<&Box<Socket>>()] {
            assert_eq!(kind, Kind::Socket);
        }
        for kind in [kind::<RangeInclusive<u8>>(), kind::<&Rc<RangeInclusive<char>>>()] {
            assert_eq!(kind, Kind::Range);
        }
        assert_eq!((kind::<(Socket,)>(), kind::<&(u8, u8)>()), (Kind::Tuple, Kind::Tuple));
        assert_eq!(kind::<std::sync::Mutex<Socket>>(), Kind::Other);
        assert_eq!(kind::<std::ops::Range<u8>>(), Kind::Other);
    }

    #[test]
    fn what_serde_is_not_told_is_found_through_pointers() {
        let socket = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 2, 3);
        let unsaid = Some(Unsaid::Socket { flowinfo: 2, scope: 3 });
        assert_eq!((of(&socket), of(&&socket), of(&&&socket)), (unsaid, unsaid, unsaid));
        assert_eq!((of(&Box::new(socket)), of(&&Arc::new(socket))), (unsaid, unsaid));
        assert_eq!(of(&SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 0, 0)), None);
        let mut range = 5..=5_u64;
        assert_eq!(of(&range), None);
        range.next();
        for unsaid in [of(&range), of(&&&range), of(&Rc::new(range))] {
            assert_eq!(unsaid, Some(Unsaid::Exhausted));
        }
        #[allow(clippy::reversed_empty_ranges, reason = "it is empty, and was never iterated")]
        let empty = 5..=4;
        assert_eq!((of(&empty), of(&(1.0..=1.0)), of("text")), (None, None, None));
    }
}
