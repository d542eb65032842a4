//! `#[singleton]`: one shared resource for each key.
//!
//! The same cache as a memo function's; its entries own an `Arc` instead of bytes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::background::pool::REFRESHES;
use crate::background::release::Hold;
use crate::cache::lead::{self, Body, Claimed, Lead, SyncLead};
use crate::cache::{Cache, Outcome};
use crate::clock;
use crate::flight::{Entered, Flight};
use crate::function::name::Name;
use crate::function::registry::{Function, SINGLETONS};
use crate::function::stats::Stats;
use crate::key::Args;
use crate::memory::entry::{Ref, Resource as Held, View, RESOURCE_LEN};
use crate::reclaim;

/// A type whose values can be shared by all threads.
#[diagnostic::on_unimplemented(
    message = "a singleton of type `{Self}` cannot be shared: it is not `Send + Sync + 'static`",
    label = "not `Send + Sync + 'static`, so threads cannot share it",
    note = "wrap what is not `Sync` in a `Mutex`, and what is not `Send` in a thread of its own"
)]
pub trait Resource: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<X: ?Sized + Send + Sync + 'static> Resource for X {}

/// One singleton function: what its attribute's one static holds.
pub struct Singleton {
    cache: Cache,
}

impl fmt::Debug for Singleton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Singleton").field("name", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Singleton {
    /// A function of this name, with nothing stored.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let declared = Name { name, is_method: false };
        Self { cache: Cache::new(declared, &SINGLETONS, true) }
    }

    /// The function is a method: its name gets the type's.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.cache.declared.is_method = true;
        self
    }

    /// The `ttl` option; asked once, before the first resource is stored.
    ///
    /// # Panics
    /// There is no clock: the attribute's static does not compile.
    #[must_use]
    pub const fn ttl(mut self, ttl: fn() -> Duration) -> Self {
        if !clock::EXISTS {
            panic!("`ttl` needs a clock, and this platform has none");
        }
        self.cache.limits.ttl = Some(ttl);
        self
    }

    /// The `wait` option; asked once, before the first wait.
    #[must_use]
    pub const fn wait(mut self, wait: fn() -> Duration) -> Self {
        self.cache.limits.wait = Some(wait);
        self
    }

    /// The `refresh = "background"` option.
    #[must_use]
    pub const fn refresh_in_background(mut self) -> Self {
        self.cache.limits.is_background = true;
        self
    }

    /// The `max_entries` option.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.cache.limits.bounds.entries = entries;
        self
    }

    /// The same as an expression; asked once, before the first resource is stored.
    #[must_use]
    pub const fn ask_max_entries(mut self, entries: fn() -> usize) -> Self {
        self.cache.limits.ask_entries = Some(entries);
        self
    }

    /// `func::clear()`.
    pub fn clear(&'static self) {
        self.cache.clear();
    }

    /// `func::stats()`.
    #[must_use]
    pub fn stats(&'static self) -> Stats {
        self.cache.stats()
    }

    /// The hot path: no lock.
    #[inline(always)]
    fn find<X: ?Sized + 'static, A: Args>(
        &'static self,
        args: &A,
        is_call: bool,
    ) -> Option<(Arc<X>, bool)> {
        if A::are_plain() {
            let pin = reclaim::pin();
            if let Ok((entry, served)) = self.cache.find_under(&pin, args, is_call)? {
                let resource = resource(entry)?;
                if is_call {
                    self.cache.hit(&pin, entry);
                }
                drop(pin);
                served.reclaim();
                return Some((resource, served.is_stale));
            }
        }
        let (found, served) = self.cache.find(args, is_call)?;
        let resource = resource(found.view())?;
        if is_call {
            self.cache.hit_held(&found);
        }
        drop(found);
        served.reclaim();
        Some((resource, served.is_stale))
    }
}

#[inline(always)]
fn resource<X: ?Sized + 'static>(entry: View<'_>) -> Option<Arc<X>> {
    entry.resource::<Hold<X>>().map(|hold| Arc::clone(hold.resource()))
}

type Release<X> = fn(&X);

/// What the options `validate` and `on_release` name, and how a resource is kept.
///
/// To make one takes a [`Resource`]; nothing else asks for it, so that a type that is none is
/// refused in one place.
pub struct Hooks<X: ?Sized> {
    validate: Option<fn(&X) -> bool>,
    release: Option<Release<X>>,
    hold: fn(Arc<X>, Option<Release<X>>) -> Box<Held>,
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
            hold: |resource, release| Box::new(Hold::new(resource, release)),
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

    /// A resource that no cache takes has its end told of all the same.
    fn hold_for_a_moment(&self, resource: &Arc<X>) {
        if self.release.is_some() {
            drop((self.hold)(Arc::clone(resource), self.release));
        }
    }
}

/// A call of a singleton function, looked up and not yet answered. It holds no argument.
#[must_use]
pub struct Lookup<X: ?Sized> {
    singleton: &'static Singleton,
    hooks: Hooks<X>,
    found: Found<X>,
}

enum Found<X: ?Sized> {
    Hit(Arc<X>),
    /// A hit that is to be refreshed behind this call.
    Stale(Arc<X>),
    Miss(Arc<Flight>),
    /// To be made now, whatever there is.
    Forced(Arc<Flight>),
    /// The arguments make no key.
    Uncached,
}

impl<X: ?Sized> fmt::Debug for Lookup<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("singleton", &self.singleton).finish_non_exhaustive()
    }
}

/// The resource of a hit that takes no more than to find it; nothing where it takes more, or is
/// none: then [`share`] is to be asked. Only for a function that asks nobody about its resources.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn share_hit<X: ?Sized + 'static, A: Args>(
    singleton: &'static Singleton,
    _: Hooks<X>,
    args: A,
) -> Option<Arc<X>> {
    if A::are_plain() {
        let pin = reclaim::pin_at_once()?;
        let entry = singleton.cache.find_at_once(&pin, &args)?;
        let resource = resource(entry)?;
        return singleton.cache.hit_at_once(&pin, entry).then_some(resource);
    }
    let found = singleton.cache.hold_at_once(&args)?;
    let resource = resource(found.view())?;
    singleton.cache.hit_held_at_once(&found).then_some(resource)
}

/// Looks a call up.
// Without optimization, whatever is inlined takes its stack for as long as the body runs.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn share<X: ?Sized + 'static, A: Args>(
    singleton: &'static Singleton,
    hooks: Hooks<X>,
    args: A,
) -> Lookup<X> {
    let found = match singleton.find::<X, A>(&args, hooks.validate.is_none()) {
        Some((resource, false)) if hooks.validate.is_none() => Found::Hit(resource),
        Some((resource, true)) if hooks.validate.is_none() => Found::Stale(resource),
        found => singleton.checked(found, hooks, &args),
    };
    Lookup { singleton, hooks, found }
}

/// `func::refresh(…)`: a call that makes a new resource, whatever there is.
pub fn share_refresh<X: ?Sized + 'static, A: Args>(
    singleton: &'static Singleton,
    hooks: Hooks<X>,
    args: A,
) -> Lookup<X> {
    let key = singleton.cache.missed(&args, RESOURCE_LEN);
    let found = key.map_or(Found::Uncached, |key| Found::Forced(Flight::new(key)));
    Lookup { singleton, hooks, found }
}

impl Singleton {
    /// A resource that another call made: a hit.
    fn made<X: ?Sized + 'static>(&'static self, entry: &Ref) -> Arc<X> {
        self.cache.count_hit();
        // The scope of a generic function is part of its key, so the type is the key's.
        resource(entry.view()).unwrap_or_else(|| unreachable!("a key has one type of resource"))
    }
}

impl Singleton {
    /// Off the hot path: a miss, or a hit that the user's `validate` has a say in.
    #[cold]
    #[inline(never)]
    fn checked<X: ?Sized + 'static, A: Args>(
        &'static self,
        found: Option<(Arc<X>, bool)>,
        hooks: Hooks<X>,
        args: &A,
    ) -> Found<X> {
        let invalid = match (found, hooks.validate) {
            (Some((resource, is_stale)), Some(is_valid)) if is_valid(&resource) => {
                self.cache.count_hit();
                return if is_stale { Found::Stale(resource) } else { Found::Hit(resource) };
            }
            (found, _) => found.map(|(resource, _)| resource),
        };
        let Ok(key) = self.cache.missed(args, RESOURCE_LEN) else {
            self.cache.count_miss();
            return Found::Uncached;
        };
        if let Some(invalid) = invalid {
            // Only the one that was asked about: another call may have replaced it by now.
            self.cache.remove_if(&key.entry, |entry| {
                resource::<X>(entry).is_some_and(|there| Arc::ptr_eq(&there, &invalid))
            });
        }
        Found::Miss(Flight::new(key))
    }
}

impl<X: ?Sized + 'static> Lookup<X> {
    /// Has the resource refreshed behind this call, if it is old and this call is the first to see
    /// it.
    ///
    /// `job` makes the refreshing call, from arguments of its own.
    #[inline]
    pub fn behind<J: FnOnce() + Send + 'static>(&self, job: impl FnOnce() -> J) {
        if matches!(self.found, Found::Stale(_)) {
            // Without a thread the old result is served for as long as it may be.
            let _ = REFRESHES.run(Box::new(job()));
        }
    }

    /// The resource, made on this thread if it must be.
    #[inline(always)]
    pub fn run(self, body: impl FnOnce() -> Arc<X>) -> Arc<X> {
        match self.hit() {
            Ok(resource) => resource,
            Err(miss) => miss.finish(body()),
        }
    }

    /// As [`run`](Self::run), with a body that may fail.
    ///
    /// # Errors
    /// The body's; the next call tries again.
    #[inline(always)]
    pub fn try_run<E>(self, body: impl FnOnce() -> Result<Arc<X>, E>) -> Result<Arc<X>, E> {
        match self.hit() {
            Ok(resource) => Ok(resource),
            Err(miss) => miss.try_finish(body()),
        }
    }

    /// The resource that there is, or what takes the body's; for a caller that cannot hand over a
    /// body.
    ///
    /// # Errors
    /// A miss: the body is to be run.
    #[inline(always)]
    pub fn hit(self) -> Result<Arc<X>, SharedMiss<X>> {
        let Self { singleton, hooks, found } = self;
        let leading = match found {
            Found::Hit(resource) | Found::Stale(resource) => return Ok(resource),
            Found::Uncached => None,
            Found::Forced(call) => Some(SyncLead::forced(&singleton.cache, call)),
            Found::Miss(call) => match SyncLead::claim(&singleton.cache, call) {
                Ok(leading) => Some(leading),
                Err(entry) => return Ok(singleton.made(&entry)),
            },
        };
        Err(SharedMiss { hooks, leading })
    }

    /// The resource that there is, or this, to be awaited.
    ///
    /// # Errors
    /// A miss.
    #[inline(always)]
    pub fn missed(self) -> Result<Arc<X>, Self> {
        match self.found {
            Found::Hit(resource) | Found::Stale(resource) => Ok(resource),
            found => Err(Self { found, ..self }),
        }
    }

    /// The resource, made in this task if it must be, and put into its `Arc` by `share`.
    pub async fn run_async<F: Future>(
        self,
        body: Pin<&mut Option<F>>,
        share: impl FnOnce(F::Output) -> Arc<X>,
    ) -> Arc<X> {
        let share = |made| Ok::<_, std::convert::Infallible>(share(made));
        match self.try_run_async(body, share).await {
            Ok(resource) => resource,
            Err(never) => match never {},
        }
    }

    /// As [`run_async`](Self::run_async), with a body that may fail.
    ///
    /// # Errors
    /// The body's; the next call tries again.
    pub async fn try_run_async<E, F: Future>(
        self,
        body: Pin<&mut Option<F>>,
        share: impl FnOnce(F::Output) -> Result<Arc<X>, E>,
    ) -> Result<Arc<X>, E> {
        let Self { singleton, hooks, found } = self;
        let lead = match found {
            Found::Hit(resource) | Found::Stale(resource) => return Ok(resource),
            Found::Uncached => None,
            Found::Forced(call) => Some(Lead::forced_in_task(&singleton.cache, call)),
            Found::Miss(call) => match lead::wait(&singleton.cache, call).await {
                Claimed::Lead(lead) => Some(lead),
                Claimed::Found(entry) => return Ok(singleton.made(&entry)),
            },
        };
        let body = Body::new(body);
        let Some(lead) = lead else {
            let made = share(body.run().await);
            return made.inspect(|resource| hooks.hold_for_a_moment(resource));
        };
        match share(body.run_in(&lead.flight).await) {
            Ok(resource) => Ok(finish(lead, resource, hooks)),
            Err(error) => {
                failed(lead);
                Err(error)
            }
        }
    }
}

/// A miss whose body runs on this thread. Dropped without a result, it lets the next call try.
#[must_use]
pub struct SharedMiss<X: ?Sized> {
    hooks: Hooks<X>,
    leading: Option<SyncLead>,
}

impl<X: ?Sized> fmt::Debug for SharedMiss<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMiss").finish_non_exhaustive()
    }
}

impl<X: ?Sized + 'static> SharedMiss<X> {
    /// Shares what the body made, and hands back what is shared: another's, if one was faster.
    #[inline(always)]
    pub fn finish(self, resource: Arc<X>) -> Arc<X> {
        match self.leading {
            Some(leading) => finish(leading.lead, resource, self.hooks),
            None => {
                self.hooks.hold_for_a_moment(&resource);
                resource
            }
        }
    }

    /// As [`finish`](Self::finish), for a body that may have failed.
    ///
    /// # Errors
    /// The body's.
    #[inline(always)]
    pub fn try_finish<E>(self, result: Result<Arc<X>, E>) -> Result<Arc<X>, E> {
        match result {
            Ok(resource) => Ok(self.finish(resource)),
            Err(error) => {
                if let Some(leading) = self.leading {
                    failed(leading.lead);
                }
                Err(error)
            }
        }
    }
}

/// The end of a miss: the resource that all callers have.
#[cold]
#[inline(never)]
fn finish<X: ?Sized + 'static>(lead: Lead, made: Arc<X>, hooks: Hooks<X>) -> Arc<X> {
    lead.computed();
    // The time to live is the user's code, and so is a resource's end.
    let _entered = Entered::new(&lead.flight);
    let key = lead.take_key();
    let hold = (hooks.hold)(Arc::clone(&made), hooks.release);
    let outcome = match lead.cache().expiry() {
        Ok(expiry) => Outcome::Store(key.finish_resource(hold, expiry)),
        Err(unknown) => {
            lead.cache().count_unknown_ttl(unknown);
            Outcome::Share(key.finish_resource(hold, None))
        }
    };
    let there = lead.finish(outcome).existing;
    there.and_then(|entry| resource(entry.view())).unwrap_or(made)
}

/// The end of a miss whose body failed.
#[cold]
#[inline(never)]
fn failed(lead: Lead) {
    lead.computed();
    let _ = lead.finish(Outcome::Leave);
}

/// `func::get(…)`: the resource there is, without making one.
pub fn share_get<X: ?Sized + 'static, A: Args>(
    singleton: &'static Singleton,
    _: Hooks<X>,
    args: A,
) -> Option<Arc<X>> {
    singleton.find(&args, false).map(|(resource, _)| resource)
}

/// `func::contains(…)`.
pub fn share_contains<A: Args>(singleton: &'static Singleton, args: A) -> bool {
    singleton.cache.contains(&args)
}

/// `func::remove(…)`: whether there was something to give up.
pub fn share_remove<A: Args>(singleton: &'static Singleton, args: A) -> bool {
    singleton.cache.key(&args, 0).is_ok_and(|key| singleton.cache.remove(&key))
}
