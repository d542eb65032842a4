//! `func::explain(…)`: why the next call would be a hit or a miss.

use super::{Memo, Static};
use crate::flight::Key;
use crate::function::enabled;
use crate::function::explanation::Explanation;
use crate::function::why::Why;
use crate::key::{Args, Arguments};

/// Why the next call would be a hit or a miss. It waits for the store, if there is one, as
/// [`get`](super::get) does.
pub fn explain<A: Args>(memo: &'static Static, args: A) -> Explanation {
    memo.here().explain(&args)
}

impl Memo {
    fn explain(&'static self, args: &dyn Arguments) -> Explanation {
        let why = match self.key_of(args) {
            Some(key) => self.why(&key),
            None => Why::Uncacheable,
        };
        Explanation::new(self.cache.name_of(args.scope_of()), why)
    }

    /// The key of a call that would be cached, with its tags; nothing is counted where it is not.
    fn key_of(&'static self, args: &dyn Arguments) -> Option<Key> {
        if self.cache.is_data() && !enabled::is_on() {
            return None;
        }
        let mut key = self.cache.key(args, 0).ok()?;
        if self.cache.limits.is_tagged {
            key.entry.set_tags(args.tags_of().ok()?);
        }
        Some(key)
    }

    fn why(&'static self, key: &Key) -> Why {
        if self.cache.has_store() {
            self.cache.explain_with_store(key)
        } else {
            self.cache.explain(key)
        }
    }
}
