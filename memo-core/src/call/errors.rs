//! What becomes of an error: with `share_err`, who waits for the computation is told of it; with
//! `stale_if_error`, an old result answers in its place.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use super::companions::{Insert, Insertion};
use super::declared::dereferences;
use super::payload::left;
use super::{Memo, Payload};
use crate::cache::lead::Lead;
use crate::cache::tiered::{Stored, Write};
use crate::cache::{Finished, Outcome};
use crate::codec::Trust;
use crate::flight::{Entered, Key};
use crate::memory::entry::{Builder, Ref, View};
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
    /// Whether a result is an error.
    #[doc(hidden)]
    fn has_failed(result: &R) -> bool;

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

/// Says that a function returns a `Result`, whose errors are the caller's alone.
#[derive(Clone, Copy, Debug)]
pub struct ErrOwn;

impl<T, E> Fails<Result<T, E>> for ErrOwn {
    fn has_failed(result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn share(_: &Result<T, E>) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn restore(_: View<'_>) -> Option<Result<T, E>> {
        None
    }
}

impl<T, E: SharedError> Fails<Result<T, E>> for ErrShared {
    fn has_failed(result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn share(result: &Result<T, E>) -> Option<Box<dyn Any + Send + Sync>> {
        // Each who waits clones it again, outside locks.
        let error = result.as_ref().err()?;
        Some(Box::new(Arc::new(error.clone())))
    }

    fn restore(entry: View<'_>) -> Option<Result<T, E>> {
        entry.resource::<Arc<E>>().map(|error| Err(E::clone(error)))
    }
}

/// Finds how the errors of a declared type are shared: `Errs::<R>::new().pick()`; or what is one, where
/// they are not: `pick_own()`.
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

dereferences! {
    Errs to OtherErrs;
    OtherErrs to NoErrs;
}

#[doc(hidden)]
impl<T, E: SharedError> Errs<Result<T, E>> {
    #[must_use]
    pub const fn pick(&self) -> ErrShared {
        ErrShared
    }
}

#[doc(hidden)]
impl<T, E> Errs<Result<T, E>> {
    #[must_use]
    pub const fn pick_own(&self) -> ErrOwn {
        ErrOwn
    }
}

#[doc(hidden)]
impl<T, E> OtherErrs<Result<T, E>> {
    #[must_use]
    pub const fn pick(&self) -> NoErr
    where
        E: SharedError,
    {
        NoErr
    }
}

#[doc(hidden)]
impl<R> NoErrs<R> {
    #[must_use]
    pub const fn pick(&self) -> NoErr
    where
        R: SharesNothing,
    {
        NoErr
    }

    #[must_use]
    pub const fn pick_own(&self) -> NoErr
    where
        R: NeverFails,
    {
        NoErr
    }
}

/// A `Result`, of which an error has something in its place; nothing else is one, and there is no
/// implementation.
#[diagnostic::on_unimplemented(
    message = "`stale_if_error` is for a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "what returns no `Result` does not fail: with `refresh = \"background\"` an old result answers while a new one is computed"
)]
pub trait NeverFails {}

/// A `Result`, of which an error is shared; nothing else is one, and there is no implementation.
#[diagnostic::on_unimplemented(
    message = "`share_err` is for a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "without `share_err`, who waits shares whatever is returned"
)]
pub trait SharesNothing {}

/// What stands for [`ErrShared`] after the type was refused.
#[derive(Clone, Copy, Debug)]
pub struct NoErr;

impl<R> Fails<R> for NoErr {
    fn has_failed(_: &R) -> bool {
        false
    }

    fn share(_: &R) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn restore(_: View<'_>) -> Option<R> {
        None
    }
}

/// A payload whose errors are shared, or have something in their place.
#[derive(Clone, Copy, Debug)]
pub struct OnErr<P, F> {
    payload: P,
    fails: PhantomData<F>,
}

/// Says what is done with a payload's errors.
pub const fn on_err<P, F: Copy>(payload: P, _: F) -> OnErr<P, F> {
    OnErr { payload, fails: PhantomData }
}

impl<R, P: Payload<R>, F: Fails<R>> Payload<R> for OnErr<P, F> {
    const IS_DATA: bool = P::IS_DATA;
    const HAS_STORE: bool = P::HAS_STORE;
    const VALIDATES: bool = P::VALIDATES;
    const VERIFIES: bool = P::VERIFIES;

    fn is_same(&self, one: &R, other: &R) -> Option<bool> {
        self.payload.is_same(one, other)
    }

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

    fn show(entry: View<'_>, see: &mut dyn FnMut(&R) -> bool) -> Option<bool> {
        P::show(entry, see)
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
        if !F::has_failed(result) {
            return self.payload.finish(memo, lead, result);
        }
        // What the user's types do here may call the function again.
        let entered = Entered::new(lead.flight());
        if let Some((entry, old)) = memo.old::<R, P, F>(&lead) {
            drop(entered);
            if memo.is_answered(lead, entry) {
                *result = old;
            }
            return None;
        }
        let error = catch(|| F::share(result));
        drop(entered);
        match error {
            Some(Some(error)) => {
                let _ = told(lead, |key| key.finish_resource(error, None));
                None
            }
            Some(None) => self.payload.finish(memo, lead, result),
            // Nobody is told of it.
            None => {
                memo.cache.count_uncacheable("the `Clone` of its error panicked".into());
                left(lead)
            }
        }
    }

    fn uncached(&self, memo: &'static Memo, result: &R) {
        self.payload.uncached(memo, result);
    }
}

impl<R, P: Insert<R>, F: Fails<R>> Insert<R> for OnErr<P, F> {
    fn insertion(&self, memo: &'static Memo, key: Key, result: R) -> Option<Insertion> {
        self.payload.insertion(memo, key, result)
    }
}

impl Memo {
    /// What is kept of a call that has failed, if it can be read, and is no error itself.
    fn old<R, P: Payload<R>, F: Fails<R>>(&'static self, lead: &Lead) -> Option<(Ref, R)> {
        let entry = self.cache.kept(lead.key())?;
        let old = catch(|| P::take(entry.view())).flatten()?;
        (!F::has_failed(&old)).then_some((entry, old))
    }

    /// Ends a miss that has failed with what is kept of it, which is told to who waits: whether it
    /// answers the call itself. What was forgotten meanwhile does not, and a refresh has its own error.
    #[cold]
    #[inline(never)]
    fn is_answered(&'static self, lead: Lead, entry: Ref) -> bool {
        let is_forced = lead.is_forced();
        if !is_forced {
            entry.view().touch(self.cache.now());
        }
        let is_answered = told(lead, |_| entry).is_current && !is_forced;
        if is_answered {
            self.cache.count_stale();
        }
        is_answered
    }
}

/// The end of a miss with what is told to who waits.
///
/// An error is made for them even where nobody waits yet: who comes between that question and the end
/// would compute once more.
#[cold]
#[inline(never)]
fn told(mut lead: Lead, entry: impl FnOnce(Builder) -> Ref) -> Finished {
    let entry = entry(lead.take_key());
    lead.finish(Outcome::Tell(entry))
}
