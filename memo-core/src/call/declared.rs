//! What an attribute asks of the declared types: each question with the words for where the answer
//! is no.

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use super::kept::Kept;
use crate::codec::{Data, Keep, OkOnly, Part, Plain};

/// Picks what is stored of a declared type: `Pick::<R>::new().pick()`, or `pick_both()` with
/// `cache_err`; `pick_kept()` and `pick_both_kept()` with `clone`.
///
/// The methods found first are those of a type that *is* a `Result`, through whatever alias, of data;
/// then, one dereference later each, those of any other `Result`, of data, and of anything else. A
/// type parameter is no `Result` where the macro's code is checked, whatever it stands for. What is
/// refused is refused by a bound of the method itself: once, in words about the user's type, as what
/// it would return is a codec that nothing else complains of.
#[derive(Debug)]
pub struct Pick<R>(OtherResult<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct OtherResult<R>(NoResult<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct NoResult<R>(Other<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct Other<R>(PhantomData<fn() -> R>);

impl<R> Pick<R> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(OtherResult(NoResult(Other(PhantomData))))
    }
}

impl<R> Default for Pick<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Each of these answers what the one before it does not.
macro_rules! dereferences {
    ($($outer:ident to $inner:ident;)*) => {
        $(impl<R> std::ops::Deref for $outer<R> {
            type Target = $inner<R>;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn deref(&self) -> &$inner<R> {
                &self.0
            }
        })*
    };
}

pub(super) use dereferences;

dereferences! {
    Pick to OtherResult;
    OtherResult to NoResult;
    NoResult to Other;
}

#[doc(hidden)]
impl<T: Data, E> Pick<Result<T, E>> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick(&self) -> OkOnly {
        OkOnly
    }
}

#[doc(hidden)]
impl<T: Kept, E> Pick<Result<T, E>> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick_kept(&self) -> OkOnly {
        OkOnly
    }
}

#[doc(hidden)]
impl<T, E> Pick<Result<T, E>>
where
    Result<T, E>: Kept,
{
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick_both_kept(&self) -> Plain {
        Plain
    }
}

#[doc(hidden)]
impl<T, E> Pick<Result<T, E>>
where
    Result<T, E>: Data,
{
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick_both(&self) -> Plain {
        Plain
    }
}

#[doc(hidden)]
impl<T, E> OtherResult<Result<T, E>> {
    #[must_use]
    pub const fn pick(&self) -> NoCodec<T>
    where
        T: Data,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_both(&self) -> NoCodec<Result<T, E>>
    where
        Result<T, E>: Data,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_kept(&self) -> NoCodec<T>
    where
        T: Kept,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_both_kept(&self) -> NoCodec<Result<T, E>>
    where
        Result<T, E>: Kept,
    {
        NoCodec::new()
    }
}

#[doc(hidden)]
impl<R: Data> NoResult<R> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick(&self) -> Plain {
        Plain
    }
}

#[doc(hidden)]
impl<R: Kept> NoResult<R> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub const fn pick_kept(&self) -> Plain {
        Plain
    }
}

#[doc(hidden)]
impl<R> Other<R> {
    #[must_use]
    pub const fn pick(&self) -> NoCodec<R>
    where
        R: Data,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_both(&self) -> NoCodec<R>
    where
        R: Fallible,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_kept(&self) -> NoCodec<R>
    where
        R: Kept,
    {
        NoCodec::new()
    }

    #[must_use]
    pub const fn pick_both_kept(&self) -> NoCodec<R>
    where
        R: Fallible,
    {
        NoCodec::new()
    }
}

/// For a function that has a store.
#[derive(Clone, Copy, Debug)]
pub struct Backed<C>(C);

/// Says that the function has a store.
pub const fn backed<C>(codec: C) -> Backed<C> {
    Backed(codec)
}

impl<R, C: Part<R>> Part<R> for Backed<C> {
    type Data = C::Data;
    type Shown = C::Shown;
    const ASKS: bool = C::ASKS;
    const HAS_STORE: bool = true;
    const HAS_TTL: bool = C::HAS_TTL;

    fn shown(data: &C::Data) -> &C::Shown {
        C::shown(data)
    }

    fn ttl(&self, data: &C::Data) -> Option<Duration> {
        self.0.ttl(data)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, C::Data> {
        self.0.keep(result)
    }

    fn into_data(result: R) -> Option<C::Data> {
        C::into_data(result)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn restore(data: C::Data) -> R {
        C::restore(data)
    }

    fn whole(data: &C::Data) -> Option<&R> {
        C::whole(data)
    }
}

/// A `Result`; nothing else is one, and there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`cache_err` is for a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "without `cache_err`, whatever is returned is stored"
)]
pub trait Fallible {}

/// What stands for a codec after the type was refused, which options about results are still shown.
#[derive(Debug)]
pub struct NoCodec<D>(PhantomData<fn() -> D>);

impl<D> NoCodec<D> {
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D> Clone for NoCodec<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for NoCodec<D> {}

impl<R, D> Part<R> for NoCodec<D> {
    type Data = ();
    type Shown = D;

    fn shown((): &()) -> &D {
        unreachable!("nothing was kept")
    }

    fn keep<'r>(&self, _: &'r R) -> Keep<'r, ()> {
        Keep::Drop
    }

    fn into_data(_: R) -> Option<()> {
        None
    }

    fn restore((): ()) -> R {
        unreachable!("nothing was kept")
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
    #[cfg_attr(not(debug_assertions), inline(always))]
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
