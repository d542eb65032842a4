//! One argument in a key, and what is said where it cannot be.

use serde::Serialize;

use super::encoder::Encoder;
use super::plain::is_plain;
use super::sink::{Sink, Stop};
use super::Args;

/// A type that can be part of a key: anything `Serialize`.
#[diagnostic::on_unimplemented(
    message = "an argument of type `{Self}` cannot be part of the key: it is not `serde::Serialize`",
    label = "not `Serialize`, so it cannot be part of the key",
    note = "check whether the crate that defines it has a `serde` feature; a type of your own derives it: `#[derive(serde::Serialize)]`",
    note = "`Rc` and `Arc` take serde's feature `rc`; an array `[T; N]` or of more than 32 takes `key = &x[..]`, or the crate `serde-big-array` in a struct",
    note = "only if the result does not depend on it: leave it out of the key, with an underscore before its name (`self`: `skip(self)`)"
)]
pub trait KeyPart: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Serialize> KeyPart for T {}

/// An argument that is to be a part of a key: `Argument::new(&x).part()`.
///
/// The method found first is the one of what can be a part; all else is found one dereference later,
/// where it is refused. What that returns is a part whatever the type, so that nothing more is said:
/// of several arguments the one is reported that cannot be a part, once, where it is written.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized>(Other<'a, T>);

#[doc(hidden)]
#[derive(Debug)]
pub struct Other<'a, T: ?Sized>(&'a T);

/// A part of a key.
#[derive(Debug)]
pub struct Part<'a, T: ?Sized>(&'a T);

/// What stands for a part after it was refused.
#[derive(Clone, Copy, Debug)]
pub struct NoPart;

impl<'a, T: ?Sized> Argument<'a, T> {
    #[doc(hidden)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn new(argument: &'a T) -> Self {
        Self(Other(argument))
    }
}

impl<'a, T: ?Sized + Serialize> Argument<'a, T> {
    #[doc(hidden)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn part(&self) -> Part<'a, T> {
        Part(self.0 .0)
    }
}

impl<T: ?Sized> Other<'_, T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn part(&self) -> NoPart
    where
        T: KeyPart,
    {
        NoPart
    }
}

impl<'a, T: ?Sized> std::ops::Deref for Argument<'a, T> {
    type Target = Other<'a, T>;

    fn deref(&self) -> &Other<'a, T> {
        &self.0
    }
}

/// What is walked of a part.
pub trait Walk {
    #[doc(hidden)]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop>;

    /// Whether that runs no code of the user's.
    #[doc(hidden)]
    fn is_plain() -> bool;
}

impl<T: ?Sized + Serialize> Walk for Part<'_, T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        Encoder::new(sink).value(self.0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        is_plain::<T>()
    }
}

impl Walk for NoPart {
    fn walk<S: Sink>(&self, _: &mut S) -> Result<(), Stop> {
        Err(Stop::Refused)
    }

    fn is_plain() -> bool {
        false
    }
}

impl<T: ?Sized + Serialize, Rest: Args> Args for (Part<'_, T>, Rest) {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        self.0.walk(sink)?;
        self.1.walk(sink)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn are_plain() -> bool {
        <Part<'_, T>>::is_plain() && Rest::are_plain()
    }
}

impl<Rest: Args> Args for (NoPart, Rest) {
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        self.0.walk(sink)
    }

    fn are_plain() -> bool {
        false
    }
}

/// The key that an option gives, instead of the arguments.
#[derive(Debug)]
pub struct Given<P>(pub P);

impl<P: Walk> Args for Given<P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        self.0.walk(sink)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn are_plain() -> bool {
        P::is_plain()
    }
}
