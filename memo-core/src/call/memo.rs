//! One function with an attribute: what its static holds, and what its options say.
//!
//! A call begins with the [`Static`], which may be asked only where the call is: so that nothing that
//! is called in an isolation can miss that the function has a double there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::life::Ttl;
use crate::cache::Cache;
use crate::clock;
use crate::codec::Trust;
use crate::flight;
use crate::function::identity::Source;
use crate::function::isolation::{self, Isolation};
use crate::function::name::Name;
use crate::function::registry::{memos, singletons, Function, Registry, MEMOS, SINGLETONS};
use crate::function::stats::Stats;
use crate::key::Arguments;
use crate::store::Store;

/// What the attribute's one static holds: the function as it is outside isolations.
#[derive(Debug)]
pub struct Static {
    memo: Memo,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    /// There are doubles of it in sessions.
    Scoped,
    /// It is a double in a session, made for where it is asked.
    OfSession,
}

impl Static {
    /// The static of a function.
    #[must_use]
    pub const fn new(memo: Memo) -> Self {
        Self { memo, kind: Kind::Whole }
    }

    /// That of one of which there are doubles in sessions.
    pub(super) const fn with_doubles(memo: Memo) -> Self {
        Self { memo, kind: Kind::Scoped }
    }

    /// The same function in sessions, of this isolation or of none.
    pub(super) fn double_of_session(&'static self, isolation: Option<&'static Isolation>) -> Self {
        let Memo { cache, is_async, .. } = &self.memo;
        let place = isolation.map(|isolation| (self.memo.registry_in(isolation), isolation.clock));
        let cache = cache.double_of_session(place);
        let memo = Memo { cache, trust: Trust::new(), is_async: *is_async };
        Self { memo, kind: Kind::OfSession }
    }

    /// The function where this thread is: in an isolation its double there.
    #[inline]
    pub(super) fn here(&'static self) -> &'static Memo {
        match isolation::current() {
            None => &self.memo,
            Some(isolation) => self.double(isolation),
        }
    }

    #[cold]
    #[inline(never)]
    fn double(&'static self, isolation: &'static Isolation) -> &'static Memo {
        if self.kind == Kind::OfSession {
            return &self.memo;
        }
        let address = std::ptr::from_ref(self).addr();
        let double = isolation.double(address, || Box::leak(Box::new(self.memo.double(isolation))));
        match double.downcast_ref() {
            Some(double) => double,
            None => unreachable!("at each address there is one static"),
        }
    }

    /// The function outside isolations, for who has found that this thread is in none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn outside(&'static self) -> &'static Memo {
        &self.memo
    }

    /// `func::clear()`.
    pub fn clear(&'static self) {
        let memo = self.here();
        memo.clear();
        if self.kind == Kind::Scoped {
            memo.registry().clear_doubles(memo.cache.original());
        }
    }

    /// `func::stats()`.
    #[must_use]
    pub fn stats(&'static self) -> Stats {
        let memo = self.here();
        if self.kind == Kind::Scoped {
            return memo.registry().counted_with_doubles(&memo.cache).stats;
        }
        memo.cache.will_be_counted();
        memo.cache.counted().stats
    }
}

/// Tests look into what a static holds.
#[cfg(test)]
impl std::ops::Deref for Static {
    type Target = Memo;

    fn deref(&self) -> &Memo {
        &self.memo
    }
}

/// One function with an attribute, of data or of resources: in its static, or as a double of that.
pub struct Memo {
    pub(super) cache: Cache,
    pub(super) trust: Trust,
    /// Its calls are tasks, which must not wait for a store.
    pub(super) is_async: bool,
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("name", &self.cache.name()).finish_non_exhaustive()
    }
}

impl Memo {
    /// A function of data of this name, with nothing stored.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self::registered(name, &MEMOS, false)
    }

    /// A function of resources of this name, with nothing stored.
    #[must_use]
    pub const fn resources(name: &'static str) -> Self {
        Self::registered(name, &SINGLETONS, true)
    }

    const fn registered(
        name: &'static str,
        registry: &'static Registry,
        is_resource: bool,
    ) -> Self {
        let declared = Name { text: name, is_method: false };
        Self {
            cache: Cache::new(declared, registry, is_resource),
            trust: Trust::new(),
            is_async: false,
        }
    }

    /// The function is a method: its name gets the type's.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.cache.declared.is_method = true;
        self
    }

    /// The `version` option, asked when the store is opened: part of the identity in stores that
    /// outlive the process.
    #[must_use]
    pub const fn version(mut self, version: fn() -> u64) -> Self {
        self.cache.backing.set_version(version);
        self
    }

    /// What the attribute sees of the function: its identity in stores that outlive the process.
    #[must_use]
    pub const fn source(mut self, source: Source) -> Self {
        self.cache.backing.set_source(source);
        self
    }

    /// The `store` option; opened at the first call.
    #[must_use]
    pub const fn store(mut self, open: fn() -> Arc<dyn Store>) -> Self {
        self.cache.backing.set_store(open);
        self
    }

    /// The `flight = "fleet"` option.
    #[must_use]
    pub const fn fleet(mut self) -> Self {
        self.cache.backing.set_fleet();
        self
    }

    /// The function is `async`.
    #[must_use]
    pub const fn asynchronous(mut self) -> Self {
        self.is_async = true;
        self
    }

    /// The `ttl` option; asked once, before the first result is stored.
    ///
    /// # Panics
    /// There is no clock: the attribute's static does not compile.
    #[must_use]
    pub const fn ttl(self, ttl: fn() -> Duration) -> Self {
        self.lives(Ttl::Fixed(ttl))
    }

    /// The same as a function, which the payload asks about each result.
    ///
    /// # Panics
    /// As [`ttl`](Self::ttl).
    #[must_use]
    pub const fn ttl_of_result(self) -> Self {
        self.lives(Ttl::OfResult)
    }

    /// The same as a path, whose type says which of the two it is.
    ///
    /// # Panics
    /// As [`ttl`](Self::ttl).
    #[must_use]
    pub const fn ttl_of_type(self, ttl: fn() -> Option<Duration>) -> Self {
        self.lives(Ttl::OfType(ttl))
    }

    const fn lives(mut self, ttl: Ttl) -> Self {
        if !clock::EXISTS {
            panic!("`ttl` needs a clock, and this platform has none");
        }
        self.cache.limits.ttl = ttl;
        self
    }

    /// The `jitter` option; asked once, before the first result is stored.
    #[must_use]
    pub const fn jitter(mut self, jitter: fn() -> Duration) -> Self {
        self.cache.limits.jitter = Some(jitter);
        self
    }

    /// The `idle` option; asked once, before the first result is stored.
    ///
    /// # Panics
    /// There is no clock: the attribute's static does not compile.
    #[must_use]
    pub const fn idle(mut self, idle: fn() -> Duration) -> Self {
        if !clock::EXISTS {
            panic!("`idle` needs a clock, and this platform has none");
        }
        self.cache.limits.idle = Some(idle);
        self
    }

    /// The `stale_if_error` option; asked once, before the first result is stored.
    #[must_use]
    pub const fn stale_if_error(mut self, stale: fn() -> Duration) -> Self {
        self.cache.limits.stale = Some(stale);
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

    /// The `tags` option: calls say which tags their results have.
    #[must_use]
    pub const fn tagged(mut self) -> Self {
        self.cache.limits.is_tagged = true;
        self.cache.backing.set_tagged();
        self
    }

    /// The `depends` option: results go with what they were computed from.
    #[must_use]
    pub const fn depends(mut self) -> Self {
        self.cache.limits.depends = true;
        self
    }

    /// The `spinner` option: what a terminal shows of a computation that lasts, or the function's name
    /// for an empty text.
    #[must_use]
    pub const fn spinner(mut self, text: &'static str) -> Self {
        self.cache.limits.spinner = Some(text);
        self
    }

    /// The `max_entries` option.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.cache.limits.bounds.entries = entries;
        self
    }

    /// The same as an expression; asked once, before the first result is stored.
    #[must_use]
    pub const fn ask_max_entries(mut self, entries: fn() -> usize) -> Self {
        self.cache.limits.ask_entries = Some(entries);
        self
    }

    /// The `max_bytes` option: bytes of stored keys and values.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.cache.limits.bounds.bytes =
            if bytes > usize::MAX as u64 { usize::MAX } else { bytes as usize };
        self
    }

    /// The same as an expression; asked once, before the first result is stored.
    #[must_use]
    pub const fn ask_max_bytes(mut self, bytes: fn() -> usize) -> Self {
        self.cache.limits.ask_bytes = Some(bytes);
        self
    }

    /// The same function in an isolation, with nothing stored and without its store.
    fn double(&'static self, isolation: &'static Isolation) -> Self {
        Self {
            cache: self.cache.double(self.registry_in(isolation), isolation.clock),
            trust: Trust::new(),
            is_async: self.is_async,
        }
    }

    fn registry_in(&self, isolation: &'static Isolation) -> &'static Registry {
        if self.cache.is_resource() {
            &isolation.singletons
        } else {
            &isolation.memos
        }
    }

    /// The one that has the functions like it, where this thread is.
    fn registry(&self) -> &'static Registry {
        if self.cache.is_resource() {
            singletons()
        } else {
            memos()
        }
    }

    pub(super) fn clear(&'static self) {
        self.cache.clear();
    }

    /// The key of a call, with room for its value; nothing if the arguments make none, which is
    /// counted.
    pub(super) fn key(
        &'static self,
        args: &dyn Arguments,
        value_len: usize,
    ) -> Option<flight::Key> {
        self.cache.missed(args, value_len).ok()
    }
}
