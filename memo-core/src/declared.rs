//! What an attribute asks of the declared types: each question with the words for where the answer
//! is no.

use std::marker::PhantomData;
use std::ops::Deref;

use crate::codec::{Otherwise, Pick, Plain};

/// A `Result`; nothing else is one, and there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`cache_err` is for a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "without `cache_err`, whatever is returned is stored"
)]
pub trait Fallible {}

impl<T, E> Pick<Result<T, E>> {
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn pick_both(&self) -> Plain {
        Plain
    }
}

impl<R> Otherwise<R> {
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn pick_both(&self) -> Plain
    where
        R: Fallible,
    {
        Plain
    }
}

/// A condition on a result, if it is a function that takes one; there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`cache_if` is shown the whole result, `&{R}`, and this takes something else",
    label = "no condition on `&{R}`",
    note = "look inside with a closure, as in `cache_if = |result| matches!(result, Ok(Some(_)))`"
)]
pub trait Condition<R> {}

/// A function that is to be a condition on results: `CacheIf::new::<R>(f).pick()`.
///
/// The method found first is that of one that is, as with [`Pick`].
#[derive(Debug)]
pub struct CacheIf<R, F>(CacheIfOther<R, F>);

#[doc(hidden)]
#[derive(Debug)]
pub struct CacheIfOther<R, F>(F, PhantomData<fn(R)>);

impl<R, F: Copy> CacheIf<R, F> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(condition: F) -> Self {
        Self(CacheIfOther(condition, PhantomData))
    }
}

impl<R, F: Fn(&R) -> bool + Copy> CacheIf<R, F> {
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn pick(&self) -> F {
        self.0 .0
    }
}

impl<R, F> CacheIfOther<R, F> {
    #[doc(hidden)]
    #[must_use]
    pub const fn pick(&self) -> fn(&R) -> bool
    where
        F: Condition<R>,
    {
        |_| false
    }
}

impl<R, F> Deref for CacheIf<R, F> {
    type Target = CacheIfOther<R, F>;

    fn deref(&self) -> &CacheIfOther<R, F> {
        &self.0
    }
}

/// A value that a singleton may share as a whole; a `Result` is none, and nobody else asks.
#[diagnostic::on_unimplemented(
    message = "this singleton would keep a whole `{Self}`, and the first error for good",
    label = "write `{Self}` here",
    note = "of a `Result` the value is shared and an error is tried again, if it is written by that name"
)]
pub trait Whole {}

/// Finds a `Result` by whatever name: `Share::<X>::new().check()`.
///
/// The method found first is that of a `Result`, as with [`Pick`].
#[derive(Debug)]
pub struct Share<X: ?Sized>(ShareOther<X>);

#[doc(hidden)]
#[derive(Debug)]
pub struct ShareOther<X: ?Sized>(PhantomData<X>);

impl<X: ?Sized> Share<X> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(ShareOther(PhantomData))
    }
}

impl<X: ?Sized> Default for Share<X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Share<Result<T, E>> {
    #[doc(hidden)]
    pub const fn check(&self)
    where
        Result<T, E>: Whole,
    {
    }
}

impl<X: ?Sized> ShareOther<X> {
    #[doc(hidden)]
    pub const fn check(&self) {}
}

impl<X: ?Sized> Deref for Share<X> {
    type Target = ShareOther<X>;

    fn deref(&self) -> &ShareOther<X> {
        &self.0
    }
}
