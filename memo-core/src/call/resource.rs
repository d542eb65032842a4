//! Resources: entries that own an `Arc`, which every hit hands out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::payload::left;
use super::{Memo, Payload};
use crate::background::release::Hold;
use crate::cache::lead::Lead;
use crate::cache::tiered::{Stored, Write};
use crate::cache::Outcome;
use crate::codec::Trust;
use crate::flight::Entered;
use crate::memory::entry::{Resource as Held, View, RESOURCE_LEN};

/// A type whose values can be shared by all threads.
#[diagnostic::on_unimplemented(
    message = "a singleton of type `{Self}` cannot be shared: it is not `Send + Sync + 'static`",
    label = "not `Send + Sync + 'static`, so threads cannot share it",
    note = "wrap what is not `Sync` in a `Mutex`, and what is not `Send` in a thread of its own"
)]
pub trait Resource: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<X: ?Sized + Send + Sync + 'static> Resource for X {}

type Release<X> = fn(&X);

/// Makes an entry's hold of a resource of the function of that name.
type MakeHold<X> = fn(Arc<X>, Option<Release<X>>, &'static str) -> Box<Held>;

/// How long a resource lives, as the user's function says.
type OwnTtl<X> = fn(&X) -> Duration;

/// What the options `validate` and `on_release` name, and how a resource is kept.
///
/// To make one takes a [`Resource`]; nothing else asks for it, so that a type that is none is
/// refused in one place.
pub struct Hooks<X: ?Sized> {
    validate: Option<fn(&X) -> bool>,
    release: Option<Release<X>>,
    ttl: Option<OwnTtl<X>>,
    hold: MakeHold<X>,
}

impl<X: ?Sized> fmt::Debug for Hooks<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl<X: ?Sized> Clone for Hooks<X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X: ?Sized> Copy for Hooks<X> {}

impl<X: ?Sized + Resource> Default for Hooks<X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<X: ?Sized + Resource> Hooks<X> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            validate: None,
            release: None,
            ttl: None,
            hold: |resource, release, function| Box::new(Hold::new(resource, release, function)),
        }
    }
}

impl<X: ?Sized> Hooks<X> {
    /// Asked on each hit; false replaces the resource.
    #[must_use]
    pub const fn validate(mut self, validate: fn(&X) -> bool) -> Self {
        self.validate = Some(validate);
        self
    }

    /// Told when the last `Arc` goes.
    #[must_use]
    pub const fn release(mut self, release: fn(&X)) -> Self {
        self.release = Some(release);
        self
    }

    /// Asked about each resource: how long it lives.
    #[must_use]
    pub const fn ttl(mut self, ttl: OwnTtl<X>) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// A resource that no cache takes has its end told of all the same.
    fn hold_for_a_moment(&self, memo: &'static Memo, resource: &Arc<X>) {
        if self.release.is_some() {
            drop((self.hold)(Arc::clone(resource), self.release, memo.cache.name()));
        }
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn resource<X: ?Sized + 'static>(entry: View<'_>) -> Option<Arc<X>> {
    entry.resource::<Hold<X>>().map(|hold| Arc::clone(hold.resource()))
}

impl<X: ?Sized + 'static> Payload<Arc<X>> for Hooks<X> {
    const IS_DATA: bool = false;
    const VALIDATES: bool = true;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        true
    }

    fn value_len(_: &Trust) -> usize {
        RESOURCE_LEN
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(entry: View<'_>) -> Option<Arc<X>> {
        resource(entry)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_at_once(entry: View<'_>) -> Option<Arc<X>> {
        resource(entry)
    }

    fn take_stored(_: &Stored<'_>) -> Option<Arc<X>> {
        None
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn validates(&self) -> bool {
        self.validate.is_some()
    }

    fn is_valid(&self, resource: &Arc<X>) -> bool {
        self.validate.is_none_or(|is_valid| is_valid(resource))
    }

    fn is_held(entry: View<'_>, meant: &Arc<X>) -> bool {
        resource::<X>(entry).is_some_and(|there| Arc::ptr_eq(&there, meant))
    }

    #[cold]
    #[inline(never)]
    fn finish(&self, memo: &'static Memo, mut lead: Lead, made: &mut Arc<X>) -> Option<Write> {
        // The time to live is the user's code, and so is a resource's end.
        let _entered = Entered::new(lead.flight());
        let key = lead.take_key();
        let until = lead.used_until();
        let hold = (self.hold)(Arc::clone(made), self.release, memo.cache.name());
        let life = memo.life_said(&mut || self.ttl.map(|ttl| ttl(made)));
        let outcome = match life {
            Some(life) => {
                Outcome::Store(key.finish_resource(hold, memo.cache.times_until(life, until)))
            }
            None => Outcome::Share(key.finish_resource(hold, None)),
        };
        let there = lead.finish(outcome).existing;
        if let Some(there) = there.and_then(|entry| resource(entry.view())) {
            *made = there;
        }
        None
    }

    fn uncached(&self, memo: &'static Memo, made: &Arc<X>) {
        self.hold_for_a_moment(memo, made);
    }
}

/// Of a function that may fail, the resource is shared and an error is tried again.
impl<X: ?Sized + 'static, E> Payload<Result<Arc<X>, E>> for Hooks<X> {
    const IS_DATA: bool = false;
    const VALIDATES: bool = true;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_plain() -> bool {
        true
    }

    fn value_len(_: &Trust) -> usize {
        RESOURCE_LEN
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(entry: View<'_>) -> Option<Result<Arc<X>, E>> {
        resource(entry).map(Ok)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_at_once(entry: View<'_>) -> Option<Result<Arc<X>, E>> {
        resource(entry).map(Ok)
    }

    fn take_stored(_: &Stored<'_>) -> Option<Result<Arc<X>, E>> {
        None
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn validates(&self) -> bool {
        self.validate.is_some()
    }

    fn is_valid(&self, found: &Result<Arc<X>, E>) -> bool {
        found.as_ref().is_ok_and(|resource| Payload::<Arc<X>>::is_valid(self, resource))
    }

    fn is_held(entry: View<'_>, meant: &Result<Arc<X>, E>) -> bool {
        meant.as_ref().is_ok_and(|meant| <Self as Payload<Arc<X>>>::is_held(entry, meant))
    }

    fn finish(
        &self,
        memo: &'static Memo,
        lead: Lead,
        made: &mut Result<Arc<X>, E>,
    ) -> Option<Write> {
        match made {
            Ok(resource) => Payload::<Arc<X>>::finish(self, memo, lead, resource),
            Err(_) => left(lead),
        }
    }

    fn uncached(&self, memo: &'static Memo, made: &Result<Arc<X>, E>) {
        if let Ok(resource) = made {
            self.hold_for_a_moment(memo, resource);
        }
    }
}
