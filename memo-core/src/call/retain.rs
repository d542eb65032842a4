//! `func::retain(…)`: what is to stay, by what it is.

use super::{Payload, Static};
use crate::key::Scope;

/// Removes the results in memory that are not to be kept: how many.
pub fn retain<R, P: Payload<R>>(
    memo: &'static Static,
    _: P,
    scope: Option<Scope>,
    mut is_kept: impl FnMut(&R) -> bool,
) -> usize {
    // What cannot be read back is noticed by the call that finds it.
    memo.here().cache.retain(scope, &mut |entry| P::show(entry, &mut is_kept).unwrap_or(true))
}

/// The same of a function that returns a `Result`, of which the `Ok` is stored.
pub fn retain_ok<T, E, P: Payload<Result<T, E>>>(
    memo: &'static Static,
    payload: P,
    scope: Option<Scope>,
    mut is_kept: impl FnMut(&T) -> bool,
) -> usize {
    retain(memo, payload, scope, |result| result.as_ref().map_or(true, &mut is_kept))
}

/// A `Result` by whatever alias, whose `Ok` is named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name of `Result`, and is none",
    note = "return it by a name of its own: `type Answer<T> = …;`"
)]
pub trait AnyResult {
    /// What is stored.
    type Ok;
}

impl<T, E> AnyResult for Result<T, E> {
    type Ok = T;
}
