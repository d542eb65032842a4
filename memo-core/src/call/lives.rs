//! The option `ttl` as a function of the result, or as a path that may be one.

use std::ops::Deref;
use std::time::Duration;

use crate::codec::{Keep, Part};

/// Each result is asked how long it lives.
#[derive(Debug)]
pub struct Lasting<P, D> {
    part: P,
    ttl: fn(&D) -> Duration,
}

impl<P: Clone, D> Clone for Lasting<P, D> {
    fn clone(&self) -> Self {
        Self { part: self.part.clone(), ttl: self.ttl }
    }
}

impl<P: Copy, D> Copy for Lasting<P, D> {}

/// Adds what says how long a result lives: a closure learns here what it takes.
pub fn lasting<R, P: Part<R>>(part: P, ttl: fn(&P::Shown) -> Duration) -> Lasting<P, P::Shown> {
    Lasting { part, ttl }
}

impl<R, P: Part<R>> Part<R> for Lasting<P, P::Shown> {
    type Data = P::Data;
    type Shown = P::Shown;
    const ASKS: bool = P::ASKS;
    const HAS_STORE: bool = P::HAS_STORE;
    const HAS_TTL: bool = true;

    fn shown(data: &P::Data) -> &P::Shown {
        P::shown(data)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, P::Data> {
        self.part.keep(result)
    }

    fn ttl(&self, data: &P::Data) -> Option<Duration> {
        Some((self.ttl)(P::shown(data)))
    }

    fn into_data(result: R) -> Option<P::Data> {
        P::into_data(result)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn restore(data: P::Data) -> R {
        P::restore(data)
    }

    fn whole(data: &P::Data) -> Option<&R> {
        P::whole(data)
    }
}

/// What a path says that is given as a `ttl`, of a result: `Said::new(PATH, &result).ttl()`.
///
/// The method found first is that of a function of the result; then, one dereference later each, those
/// of a `Duration`, and of anything else, which is refused in words about it.
#[derive(Debug)]
pub struct Said<'r, T, F>(SaidOfAll<'r, T, F>);

#[doc(hidden)]
#[derive(Debug)]
pub struct SaidOfAll<'r, T, F>(SaidOther<'r, T, F>);

#[doc(hidden)]
#[derive(Debug)]
pub struct SaidOther<'r, T, F>(F, &'r T);

impl<'r, T, F> Said<'r, T, F> {
    #[doc(hidden)]
    pub const fn new(said: F, result: &'r T) -> Self {
        Self(SaidOfAll(SaidOther(said, result)))
    }
}

impl<'r, T, F> Deref for Said<'r, T, F> {
    type Target = SaidOfAll<'r, T, F>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'r, T, F> Deref for SaidOfAll<'r, T, F> {
    type Target = SaidOther<'r, T, F>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T, F: Fn(&T) -> Duration> Said<'_, T, F> {
    #[doc(hidden)]
    pub fn ttl(&self) -> Duration {
        let SaidOther(said, result) = &self.0 .0;
        said(result)
    }
}

impl<T> SaidOfAll<'_, T, Duration> {
    #[doc(hidden)]
    pub fn ttl(&self) -> Duration {
        self.0 .0
    }
}

impl<T, F> SaidOther<'_, T, F> {
    #[doc(hidden)]
    pub fn ttl(&self) -> Duration
    where
        F: TimeToLive<T>,
    {
        Duration::ZERO
    }
}

/// What a path says of all results: `SaidOfAny::new(PATH).ttl()`. Nothing, if it is no `Duration`.
#[derive(Debug)]
pub struct SaidOfAny<F>(NotOfAll<F>);

#[doc(hidden)]
#[derive(Debug)]
pub struct NotOfAll<F>(F);

impl<F> SaidOfAny<F> {
    #[doc(hidden)]
    pub const fn new(said: F) -> Self {
        Self(NotOfAll(said))
    }
}

impl<F> Deref for SaidOfAny<F> {
    type Target = NotOfAll<F>;

    fn deref(&self) -> &NotOfAll<F> {
        &self.0
    }
}

impl SaidOfAny<Duration> {
    #[doc(hidden)]
    pub fn ttl(&self) -> Option<Duration> {
        Some(self.0 .0)
    }
}

impl<F> NotOfAll<F> {
    #[doc(hidden)]
    pub fn ttl(&self) -> Option<Duration> {
        None
    }
}

/// What can be a `ttl` of results; there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`ttl` is a `Duration`, or a function from what is stored, `&{T}`, to one, and this is neither",
    label = "no `Duration`, and no function from `&{T}` to one",
    note = "write a text (`ttl = \"10m\"`), or look inside with a closure, as in `ttl = |value| value.max_age`"
)]
pub trait TimeToLive<T> {}
