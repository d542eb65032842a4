//! The option `share_err`: who waits for a computation that fails is told of its error.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use super::companions::{Insert, Insertion};
use super::declared::NoCodec;
use super::payload::left;
use super::{Memo, Payload};
use crate::cache::lead::Lead;
use crate::cache::tiered::{Stored, Write};
use crate::cache::Outcome;
use crate::codec::Trust;
use crate::flight::{Entered, Key};
use crate::memory::entry::View;
use crate::platform::unwind::catch;

/// A type of errors that can be handed to whatever thread waits for them.
#[diagnostic::on_unimplemented(
    message = "an error of type `{Self}` cannot be shared by `share_err`: it is not `Clone + Send + Sync + 'static`",
    label = "not `Clone + Send + Sync + 'static`, so it cannot be handed to who waits",
    note = "derive `Clone`, and keep what has no `Clone` (`std::io::Error`, say) in an `Arc`",
    note = "or leave `share_err` out: who waits computes for itself where the computation fails"
)]
pub trait SharedError: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Clone + Send + Sync + 'static> SharedError for E {}

/// What of a result is an error, and how that is shared.
pub trait Fails<R> {
    /// A copy of the error that a result is, for who waits; nothing of a result that is none.
    #[doc(hidden)]
    fn share(result: &R) -> Option<Box<dyn Any + Send + Sync>>;

    /// A result that is the error that an entry holds.
    #[doc(hidden)]
    fn restore(entry: View<'_>) -> Option<R>;
}

/// Says that a function returns a `Result`, whose errors can be shared.
#[derive(Clone, Copy, Debug)]
pub struct ErrShared;

impl<T, E: SharedError> Fails<Result<T, E>> for ErrShared {
    fn share(result: &Result<T, E>) -> Option<Box<dyn Any + Send + Sync>> {
        // Each who waits clones it again, outside locks.
        let error: Arc<E> = result.as_ref().err().map(|error| Arc::new(error.clone()))?;
        Some(Box::new(error))
    }

    fn restore(entry: View<'_>) -> Option<Result<T, E>> {
        entry.resource::<Arc<E>>().map(|error| Err(E::clone(error)))
    }
}

/// Finds how the errors of a declared type are shared: `Errs::<R>::new().pick()`.
///
/// The method found first is that of a `Result` whose error can be, through whatever alias; then that
/// of any other `Result`, and of anything else, as with [`Pick`](super::declared::Pick).
#[derive(Debug)]
pub struct Errs<R>(OtherErrs<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct OtherErrs<R>(NoErrs<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct NoErrs<R>(PhantomData<fn() -> R>);

impl<R> Errs<R> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(OtherErrs(NoErrs(PhantomData)))
    }
}

impl<R> Default for Errs<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Deref for Errs<R> {
    type Target = OtherErrs<R>;

    fn deref(&self) -> &OtherErrs<R> {
        &self.0
    }
}

impl<R> Deref for OtherErrs<R> {
    type Target = NoErrs<R>;

    fn deref(&self) -> &NoErrs<R> {
        &self.0
    }
}

#[doc(hidden)]
impl<T, E: SharedError> Errs<Result<T, E>> {
    #[must_use]
    pub const fn pick(&self) -> ErrShared {
        ErrShared
    }
}

#[doc(hidden)]
impl<T, E> OtherErrs<Result<T, E>> {
    #[must_use]
    pub const fn pick(&self) -> NoCodec
    where
        E: SharedError,
    {
        NoCodec
    }
}

#[doc(hidden)]
impl<R> NoErrs<R> {
    #[must_use]
    pub const fn pick(&self) -> NoCodec
    where
        R: SharesNothing,
    {
        NoCodec
    }
}

/// A `Result`; nothing else is one, and there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`share_err` is for a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "without `share_err`, who waits shares whatever is returned"
)]
pub trait SharesNothing {}

/// What stands for [`ErrShared`] after the type was refused.
impl<R> Fails<R> for NoCodec {
    fn share(_: &R) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn restore(_: View<'_>) -> Option<R> {
        None
    }
}

/// A payload whose errors are shared.
#[derive(Clone, Copy, Debug)]
pub struct SharesErr<P, F> {
    payload: P,
    fails: PhantomData<F>,
}

/// Has a payload's errors shared.
pub const fn share_err<P, F: Copy>(payload: P, _: F) -> SharesErr<P, F> {
    SharesErr { payload, fails: PhantomData }
}

impl<R, P: Payload<R>, F: Fails<R>> Payload<R> for SharesErr<P, F> {
    const IS_DATA: bool = P::IS_DATA;
    const HAS_STORE: bool = P::HAS_STORE;
    const VALIDATES: bool = P::VALIDATES;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        P::is_plain()
    }

    fn value_len(trust: &Trust) -> usize {
        P::value_len(trust)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(entry: View<'_>) -> Option<R> {
        P::take(entry)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_at_once(entry: View<'_>) -> Option<R> {
        P::take_at_once(entry)
    }

    fn take_shared(entry: View<'_>) -> Option<R> {
        F::restore(entry).or_else(|| P::take(entry))
    }

    fn take_stored(stored: &Stored<'_>) -> Option<R> {
        P::take_stored(stored)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn validates(&self) -> bool {
        self.payload.validates()
    }

    fn is_valid(&self, result: &R) -> bool {
        self.payload.is_valid(result)
    }

    fn is_held(entry: View<'_>, result: &R) -> bool {
        P::is_held(entry, result)
    }

    fn finish(&self, memo: &'static Memo, lead: Lead, result: &mut R) -> Option<Write> {
        let error = {
            // The error's `Clone` is the user's code, and may call the function again.
            let _entered = Entered::new(lead.flight());
            catch(|| F::share(result))
        };
        match error {
            Some(Some(error)) => shared(lead, error),
            Some(None) => self.payload.finish(memo, lead, result),
            // Only an error has one: nobody is told of it.
            None => {
                memo.cache.count_uncacheable("the `Clone` of its error panicked".into());
                failed(lead)
            }
        }
    }

    fn uncached(&self, result: &R) {
        self.payload.uncached(result);
    }
}

impl<R, P: Insert<R>, F: Fails<R>> Insert<R> for SharesErr<P, F> {
    fn insertion(&self, memo: &'static Memo, key: Key, result: R) -> Option<Insertion> {
        self.payload.insertion(memo, key, result)
    }
}

/// The end of a miss whose error is told to who waits.
///
/// It is made for them even where nobody does yet: who comes between that question and the end would
/// compute once more.
#[cold]
#[inline(never)]
fn shared(mut lead: Lead, error: Box<dyn Any + Send + Sync>) -> Option<Write> {
    lead.computed();
    let entry = lead.take_key().finish_resource(error, None);
    let _ = lead.finish(Outcome::Tell(entry));
    None
}

#[cold]
fn failed(mut lead: Lead) -> Option<Write> {
    lead.computed();
    left(lead)
}
