//! The steps of a clear, and what each leaves to be done outside locks.

use crate::function::dependents::{Taken, Turn, Voided};

/// What is left to do for a cache that was cleared, outside all locks.
pub(crate) struct Released {
    /// What depends on what it had.
    pub(crate) dependents: Taken,
    pub(crate) wake: Box<dyn FnOnce()>,
    /// This may be the user's code.
    pub(crate) free: Box<dyn FnOnce()>,
}

impl Released {
    /// Does it all, or what there is to do at a beginning; in the turn that was taken for it.
    pub(crate) fn conclude(self, turn: Option<Turn>, step: Step) {
        conclude(turn, vec![self], step);
    }
}

/// Where a clear is that has a store to clear as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What is computed from now on may come from what the store still has.
    Begin,
    /// From now on it does not.
    End,
    /// There is no store.
    Whole,
    /// The same, of what nobody asked to clear.
    Forget,
    /// As at the beginning, and there is no end.
    Close,
    /// Nobody clears it any more, nor calls it.
    Anew,
}

/// Does something between the beginning and the end of a clear, which comes even if that panics.
pub(crate) fn between(step: impl Fn(Step), what: impl FnOnce()) {
    struct End<F: Fn(Step)>(F);
    impl<F: Fn(Step)> Drop for End<F> {
        fn drop(&mut self) {
            (self.0)(Step::End);
        }
    }
    step(Step::Begin);
    let _end = End(step);
    what();
}

/// Wakes who waited for what was cleared, and frees that, outside all locks. What a beginning leaves is
/// freed at the end: it may be the user's code, during which nothing would be stored.
pub(super) fn conclude(turn: Option<Turn>, mut released: Vec<Released>, step: Step) {
    let voided = turn.map_or(Voided::nothing(), |turn| {
        let mut taken = Taken::default();
        released.iter_mut().for_each(|it| taken.add(std::mem::take(&mut it.dependents)));
        turn.void(taken)
    });
    let wake = |Released { wake, free, .. }| {
        wake();
        free
    };
    let frees: Vec<_> = released.into_iter().map(wake).collect();
    voided.conclude();
    if step != Step::Begin {
        frees.into_iter().for_each(|free| free());
    }
}
