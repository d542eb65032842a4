//! Calls of which more is to be done at a hit than to find it: they are told of, or verified.

use super::find::{find_valid, missed, Found};
use super::{Call, Memo, Payload, Static};
use crate::function::enabled;
use crate::function::event::{self, EventKind};
use crate::key::{Args, Arguments};

/// Whether a hit takes more than to find it: someone is to be told, or caching may be off.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn is_watched<R, P: Payload<R>>() -> bool {
    if P::IS_DATA {
        !enabled::is_known_on()
    } else {
        event::is_observed()
    }
}

/// A call that is looked up by its key, told of, and perhaps verified.
#[cold]
#[inline(never)]
pub(super) fn enter_watched<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: &A,
) -> Call<R, P> {
    let call = if P::IS_DATA && !enabled::may_be_on() {
        Call { memo: memo.outside(), payload, found: Found::Uncached }
    } else if P::HAS_STORE && memo.syncs_in_task() {
        missed(memo, payload, args)
    } else if P::VALIDATES && payload.validates() {
        find_valid(memo, payload, args)
    } else {
        match memo.here().find_by_key::<R, P>(args, true) {
            Some((result, true)) => {
                Call { memo: memo.here(), payload, found: Found::Stale(result) }
            }
            Some((result, false)) => Call { memo: memo.here(), payload, found: Found::Hit(result) },
            None => missed(memo, payload, args),
        }
    };
    if matches!(call.found, Found::Hit(_) | Found::Stale(_)) {
        call.memo.tell_hit(args);
    }
    let Call { memo, payload, found } = call;
    Call { memo, payload, found: memo.sampled::<R, P>(found, args) }
}

impl Memo {
    /// Tells of a hit.
    fn tell_hit(&'static self, args: &dyn Arguments) {
        if event::is_observed() {
            if let Ok(key) = self.cache.key(args, 0) {
                self.cache.tell(&key.digest, || EventKind::Hit);
            }
        }
    }
}
