//! The key of a call, with the tags of its result.

use std::sync::atomic::Ordering;

use super::Cache;
use crate::background::release;
use crate::flight::Key;
use crate::function::error::Kind;
use crate::key::sink::{take_refusal, Stop};
use crate::key::{self, Arguments, Scope};
use crate::memory::entry::Builder;
use crate::memory::table;

/// What a call found wrong before it could look anything up.
#[derive(Debug)]
pub(crate) struct NoKey;

impl Cache {
    /// The key of a call that found nothing, with room for a value of the expected length, and with the
    /// tags of that.
    ///
    /// # Errors
    /// An argument's `Serialize` returned one, or the user's `tags` panicked; it is counted and reported.
    pub(crate) fn missed(
        &'static self,
        args: &dyn Arguments,
        expected_len: usize,
    ) -> Result<Key, NoKey> {
        let mut key = self.key_without_tags(args, expected_len)?;
        self.tag(&mut key, args).map(|()| key)
    }

    /// Asks for the tags of a call, if its function has any.
    ///
    /// # Errors
    /// It panicked, or there are too many; it is counted and reported.
    pub(crate) fn tag(&self, key: &mut Key, args: &dyn Arguments) -> Result<(), NoKey> {
        if !self.limits.is_tagged {
            return Ok(());
        }
        let tags = args.tags_of().map_err(|no_tags| {
            self.count_uncacheable(no_tags.why());
            NoKey
        })?;
        key.entry.set_tags(tags);
        Ok(())
    }

    /// The key of a call whose tags are no matter yet.
    ///
    /// # Errors
    /// As for [`missed`](Self::missed), of arguments.
    pub(crate) fn key_without_tags(
        &'static self,
        args: &dyn Arguments,
        expected_len: usize,
    ) -> Result<Key, NoKey> {
        release::tend();
        self.register(args.scope_of());
        self.key(args, expected_len).map_err(|stop| {
            debug_assert_eq!(stop, Stop::Refused);
            self.counts.uncacheable.fetch_add(1, Ordering::Relaxed);
            self.report(Kind::Key, take_refusal());
            NoKey
        })
    }

    /// The key of a call that is only looked for.
    pub(crate) fn key(&self, args: &dyn Arguments, expected_len: usize) -> Result<Key, Stop> {
        let is_local = args.scope_of().is_some_and(Scope::is_local);
        key::encode(args, table::seed(), |encoded| {
            let digest = encoded.digest();
            Key { digest, entry: Builder::of(&encoded, expected_len), is_local }
        })
    }
}
