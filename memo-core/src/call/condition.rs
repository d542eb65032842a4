//! The option `enabled`, and what it keeps from the cache.

use super::find::Found;
use super::{Call, Memo, Payload};
use crate::function::enabled;
use crate::key::Scope;
use crate::platform::unwind::catch;

/// Whether a call is one for the cache, by what the user's condition says; where it panics, it is not.
#[must_use]
pub fn is_enabled(
    memo: &'static Memo,
    scope: Option<Scope>,
    condition: impl FnOnce() -> bool,
) -> bool {
    // What is turned off is not asked.
    if memo.cache.is_data() && !enabled::is_on() {
        return true;
    }
    let answer = catch(condition);
    if answer != Some(true) {
        memo.cache.count_disabled(scope, answer.is_none());
    }
    answer == Some(true)
}

/// A call that just runs.
pub fn uncached<R, P: Payload<R>>(memo: &'static Memo, payload: P) -> Call<R, P> {
    Call { memo, payload, found: Found::Uncached }
}
