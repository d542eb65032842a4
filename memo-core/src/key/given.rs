//! A key that the user gives, and that may fail.

use std::ops::ControlFlow;

use serde::ser::Error;

use super::sink::{Sink, Stop};
use super::{Args, Scope};

/// The arguments of a call whose `key` failed: it makes no key, and runs uncached.
#[derive(Clone, Copy, Debug)]
pub struct NoKey<A>(pub A);

impl<A: Args> Args for NoKey<A> {
    #[cold]
    fn walk<S: Sink>(&self, _: &mut S) -> Result<(), Stop> {
        Err(Stop::custom("a `?` in its `key` found nothing to go on with"))
    }

    fn scope(&self) -> Option<Scope> {
        self.0.scope()
    }

    fn are_plain() -> bool {
        A::are_plain()
    }
}

/// What a `?` in a `key` is about.
#[diagnostic::on_unimplemented(
    message = "`?` in `key` takes an `Option` or a `Result`, and this is a `{Self}`",
    label = "neither `Option` nor `Result`",
    note = "what cannot fail is part of the key as it is: leave out the `?`"
)]
pub trait Attempt<T> {
    /// Nothing, if it failed.
    fn attempt(self) -> Option<T>;
}

impl<T> Attempt<T> for Option<T> {
    fn attempt(self) -> Option<T> {
        self
    }
}

impl<T, E> Attempt<T> for Result<T, E> {
    fn attempt(self) -> Option<T> {
        self.ok()
    }
}

impl<B, C> Attempt<C> for ControlFlow<B, C> {
    fn attempt(self) -> Option<C> {
        match self {
            Self::Continue(value) => Some(value),
            Self::Break(_) => None,
        }
    }
}
