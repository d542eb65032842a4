//! The option `clone`: entries that hold results as they are, and hand out clones.

use super::companions::{Insert, Insertion};
use super::payload::{left, Panicked, Wanted};
use super::{Memo, Payload};
use crate::cache::lead::Lead;
use crate::cache::tiered::{Stored, Write};
use crate::cache::Outcome;
use crate::codec::{self, Keep, Part, Trust};
use crate::flight::{Entered, Key};
use crate::function::causes::Cause;
use crate::memory::entry::{owned_len, View};
use crate::platform::unwind::catch;

/// A type whose values can be kept as they are, and cloned by whatever thread has a hit.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot be kept by `clone`: it is not `Clone + Send + Sync + 'static`",
    label = "not `Clone + Send + Sync + 'static`, so it cannot be kept and cloned",
    note = "derive `Clone`, keep what is shared in an `Arc` instead of an `Rc`, put what is not `Sync` into a `Mutex`, and bound a type parameter by all four",
    note = "or leave `clone` out where the type has serde's traits, or share one instance: `#[singleton]`"
)]
pub trait Kept: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Kept for T {}

/// What is kept of a result, and cloned at each hit.
///
/// The caller that computed gets what its body returned, and the cache a clone of that: so a `Clone`
/// that panics loses no result, as no `Serialize` does.
#[derive(Clone, Copy, Debug)]
pub struct Clones<P>(pub P);

impl<R, P: Part<R, Data: Kept>> Payload<R> for Clones<P> {
    const IS_DATA: bool = true;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        codec::is_plain::<P::Data>()
    }

    fn value_len(_: &Trust) -> usize {
        owned_len::<P::Data>()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(entry: View<'_>) -> Option<R> {
        entry.owned::<P::Data>().map(|data| P::restore(data.clone()))
    }

    fn show(entry: View<'_>, see: &mut dyn FnMut(&R) -> bool) -> Option<bool> {
        match P::whole(entry.owned::<P::Data>()?) {
            Some(result) => Some(see(result)),
            None => Self::take(entry).map(|result| see(&result)),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_at_once(entry: View<'_>) -> Option<R> {
        Self::take(entry)
    }

    fn take_stored(_: &Stored<'_>) -> Option<R> {
        None
    }

    #[cold]
    #[inline(never)]
    fn finish(&self, memo: &'static Memo, mut lead: Lead, result: &mut R) -> Option<Write> {
        // The user's condition, time to live and `Clone` may call the function again.
        let _entered = Entered::new(lead.flight());
        let Some(Wanted { data, may_store }) = memo.wanted(&self.0, &lead, result) else {
            return left(lead);
        };
        let copy = data.and_then(|data| memo.copy(data));
        let key = lead.take_key();
        let outcome = match copy {
            None => {
                let is_wanted = data.is_some();
                Outcome::Forget(key, if is_wanted { Cause::Uncacheable } else { Cause::NotStored })
            }
            Some(copy) => {
                match data.filter(|_| may_store).and_then(|data| memo.life(&self.0, data)) {
                    Some(life) => {
                        let times = memo.cache.times_until(life, lead.used_until());
                        Outcome::Store(key.finish_owned(copy, times))
                    }
                    None => Outcome::Share(key.finish_owned(copy, None)),
                }
            }
        };
        let _ = lead.finish(outcome);
        None
    }
}

impl<R, P: Part<R, Data: Kept>> Insert<R> for Clones<P> {
    /// What is inserted is the cache's own already: it moves there.
    fn insertion(&self, memo: &'static Memo, key: Key, result: R) -> Option<Insertion> {
        let life = match memo.keep(&self.0, &result) {
            Ok(Keep::Store(data)) => memo.life(&self.0, data),
            Ok(Keep::Share(_)) | Err(Panicked) => None,
            Ok(Keep::Drop) => return None,
        };
        let digest = key.digest;
        let made = match life.zip(P::into_data(result)) {
            Some((life, data)) => Ok(key.entry.finish_owned(data, memo.cache.times(life))),
            None => Err(key),
        };
        Some(Insertion::of_memory(digest, made))
    }
}

impl Memo {
    /// The cache's own copy of a value; nothing if its `Clone` panics, which is counted.
    fn copy<T: Clone>(&'static self, data: &T) -> Option<T> {
        let copy = catch(|| data.clone());
        if copy.is_none() {
            self.cache.count_uncacheable("its `Clone` panicked".into());
        }
        copy
    }
}
