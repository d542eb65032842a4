//! Conditions of the user's: `enabled`, on which calls are for the cache, and `cache_if`, on which results.

use std::time::Duration;

use super::find::Found;
use super::{Call, Payload, Static};
use crate::codec::{Keep, Part};
use crate::function::enabled;
use crate::key::Scope;
use crate::platform::unwind::catch;

/// Whether a call is one for the cache, by what the user's condition says; where it panics, it is not.
#[must_use]
pub fn is_enabled(
    memo: &'static Static,
    scope: Option<Scope>,
    condition: impl FnOnce() -> bool,
) -> bool {
    let memo = memo.here();
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
pub fn uncached<R, P: Payload<R>>(memo: &'static Static, payload: P) -> Call<R, P> {
    Call { memo: memo.here(), payload, found: Found::Uncached }
}

/// Stored only when a condition of the user's says so.
#[derive(Clone, Copy, Debug)]
pub struct OnlyIf<P, F> {
    part: P,
    condition: F,
}

/// Adds a condition to what is stored.
pub fn only_if<P, F>(part: P, condition: F) -> OnlyIf<P, F> {
    OnlyIf { part, condition }
}

impl<R, P: Part<R>, F: Fn(&R) -> bool> Part<R> for OnlyIf<P, F> {
    type Data = P::Data;
    type Shown = P::Shown;
    const ASKS: bool = true;
    const HAS_TTL: bool = P::HAS_TTL;

    fn shown(data: &P::Data) -> &P::Shown {
        P::shown(data)
    }

    fn ttl(&self, data: &P::Data) -> Option<Duration> {
        self.part.ttl(data)
    }

    fn keep<'r>(&self, result: &'r R) -> Keep<'r, P::Data> {
        match self.part.keep(result) {
            Keep::Store(data) if !(self.condition)(result) => Keep::Share(data),
            keep => keep,
        }
    }

    fn into_data(result: R) -> Option<P::Data> {
        P::into_data(result)
    }

    fn restore(data: P::Data) -> R {
        P::restore(data)
    }

    fn whole(data: &P::Data) -> Option<&R> {
        P::whole(data)
    }
}
