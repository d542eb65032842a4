//! Pointers to a store are stores, so that several functions can share one.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Changes, Failure, FunctionId, Key, Lease, Lookup, OnInvalidation, Stamp, Store, Tag, Ticket,
};

macro_rules! forward {
    ($($of:tt)*) => {
        $($of)* {
            fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
                (**self).get(function, key)
            }

            fn put(
                &self,
                function: &FunctionId<'_>,
                key: &Key,
                ticket: Ticket,
                value: &[u8],
                life: Option<Duration>,
            ) -> Result<(), Failure> {
                (**self).put(function, key, ticket, value, life)
            }

            fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
                (**self).remove(function, key)
            }

            fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
                (**self).clear(function)
            }

            fn clear_all(&self) -> Result<(), Failure> {
                (**self).clear_all()
            }

            fn changes(
                &self,
                function: &FunctionId<'_>,
                since: Option<Ticket>,
            ) -> Result<(Ticket, Changes), Failure> {
                (**self).changes(function, since)
            }

            fn has_other_version(&self, function: &FunctionId<'_>) -> Result<bool, Failure> {
                (**self).has_other_version(function)
            }

            fn max_staleness(&self) -> Duration {
                (**self).max_staleness()
            }

            fn on_invalidation(&self, function: &FunctionId<'_>, notify: OnInvalidation) {
                (**self).on_invalidation(function, notify);
            }

            fn longest_life(&self) -> Option<Duration> {
                (**self).longest_life()
            }

            fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
                (**self).lease(function, key)
            }

            fn has_tags(&self) -> bool {
                (**self).has_tags()
            }

            fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
                (**self).stamps(tags)
            }

            fn get_tagged(
                &self,
                function: &FunctionId<'_>,
                key: &Key,
                tags: &[Tag],
            ) -> Result<(Lookup, Vec<Stamp>), Failure> {
                (**self).get_tagged(function, key, tags)
            }

            fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
                (**self).clear_tag(tag)
            }

            fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
                (**self).tag_changes(since)
            }

            fn on_tag_invalidation(&self, notify: OnInvalidation) {
                (**self).on_tag_invalidation(notify);
            }
        }
    };
}

forward!(impl<S: Store + ?Sized> Store for Arc<S>);
forward!(impl<S: Store + ?Sized> Store for &'static S);
