//! The companions of one call that do not run the body.

use super::{Bytes, Memo, Payload, Static};
use crate::cache::life::Life;
use crate::cache::tiered::{Put, StoreWrite, Write};
use crate::codec::{self, Codec, Keep};
use crate::flight::Key;
use crate::function::enabled;
use crate::key::tags::Tags;
use crate::key::{Args, DIGEST};
use crate::memory::entry::Ref;

/// `func::get(…)`: the stored result, without computing one.
pub fn get<R, P: Payload<R>, A: Args>(memo: &'static Static, _: P, args: A) -> Option<R> {
    // A double has none though the function has one.
    let has_store = P::HAS_STORE && memo.here().cache.has_store();
    if has_store {
        memo.outside().cache.sync_invalidations();
    }
    let found = memo.look::<R, P, A>(&args);
    if has_store && found.is_none() {
        let memo = memo.outside();
        return memo.look_in_store::<R, P>(&memo.key(&args, P::value_len(&memo.trust))?);
    }
    found
}

/// `func::contains(…)`.
pub fn contains<A: Args>(memo: &'static Static, args: A) -> bool {
    memo.here().cache.contains(&args)
}

/// `func::contains(…)` of a function with a store.
pub fn contains_stored<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: A,
) -> bool {
    let cache = &memo.here().cache;
    if cache.has_store() {
        cache.sync_invalidations();
    }
    cache.contains(&args) || get::<R, P, A>(memo, payload, args).is_some()
}

/// `func::remove(…)`: whether there was something to forget.
pub fn remove<A: Args>(memo: &'static Static, args: A) -> bool {
    let memo = memo.here();
    if !memo.cache.has_store() {
        return memo.cache.key(&args, 0).is_ok_and(|key| memo.cache.remove(&key, None));
    }
    let key = memo.cache.key_without_tags(&args, 0);
    key.is_ok_and(|key| memo.remove_key(&key))
}

/// `func::insert(…)`: stores a result that was come by otherwise.
pub fn insert<R, P: Insert<R>, A: Args>(memo: &'static Static, payload: P, args: A, result: R) {
    let memo = memo.here();
    if let Some(insertion) = insertion(memo, &payload, &args, result) {
        memo.insert(insertion);
    }
}

/// What is to be inserted for a call, if anything.
pub(super) fn insertion<R, P: Insert<R>, A: Args>(
    memo: &'static Memo,
    payload: &P,
    args: &A,
    result: R,
) -> Option<Insertion> {
    if !enabled::is_on() {
        return None;
    }
    let key = memo.key(args, P::value_len(&memo.trust))?;
    payload.insertion(memo, key, result)
}

/// How a result that was come by otherwise becomes an entry.
pub trait Insert<R>: Payload<R> {
    /// What is to be inserted of it, if anything.
    #[doc(hidden)]
    fn insertion(&self, memo: &'static Memo, key: Key, result: R) -> Option<Insertion>;
}

impl<R, C: Codec<R>> Insert<R> for Bytes<C> {
    fn insertion(&self, memo: &'static Memo, key: Key, result: R) -> Option<Insertion> {
        memo.insertion(&self.0, key, &result)
    }
}

/// What is to be inserted, with nothing of the user's types in it.
#[derive(Debug)]
pub struct Insertion {
    digest: [u8; DIGEST],
    is_local: bool,
    tags: Option<Tags>,
    made: Made,
}

#[derive(Debug)]
enum Made {
    /// The entry, and for a store what its value is made of, and how long it lives.
    Entry(Ref, Option<(u64, Life)>),
    /// It cannot be stored; what is stored is older, and goes.
    Nothing(Key),
}

impl Insertion {
    /// One that no store is told of: the entry, or the key of what goes.
    pub(super) fn of_memory(digest: [u8; DIGEST], made: Result<Ref, Key>) -> Self {
        let made = made.map_or_else(Made::Nothing, |entry| Made::Entry(entry, None));
        Self { digest, is_local: true, tags: None, made }
    }
}

impl Memo {
    pub(super) fn remove_key(&'static self, key: &Key) -> bool {
        let removed = if key.is_local { None } else { self.cache.remove_from_store(&key.digest) };
        let was_in_memory = self.cache.remove(key, removed.map(|(_, at)| at));
        was_in_memory || removed.is_some_and(|(was_behind, _)| was_behind)
    }

    /// Encodes what is to be inserted, if anything.
    pub(super) fn insertion<R, C: Codec<R>>(
        &'static self,
        codec_of: &C,
        mut key: Key,
        result: &R,
    ) -> Option<Insertion> {
        let data = match self.keep(codec_of, result) {
            Ok(Keep::Store(data)) => Some(data),
            Ok(Keep::Share(_)) | Err(_) => None,
            Ok(Keep::Drop) => return None,
        };
        let (digest, is_local, tags) = (key.digest, key.is_local, key.entry.tags().cloned());
        let encoded = data.and_then(|data| {
            let codec = self.encode_value(data, &mut key.entry)?;
            Some((codec, self.life(codec_of, data)?, data))
        });
        let made = match encoded {
            Some((codec, life, data)) => {
                let entry = key.entry.finish(codec, self.cache.times(life));
                let mut put = None;
                if C::HAS_STORE {
                    put = codec::structure(data, entry.view()).map(|structure| (structure, life));
                }
                Made::Entry(entry, put)
            }
            None => Made::Nothing(key),
        };
        Some(Insertion { digest, is_local, tags, made })
    }

    /// Inserts it, and waits for the store.
    pub(super) fn insert(&'static self, insertion: Insertion) {
        let Insertion { digest, is_local, tags, made } = insertion;
        let mut lookup = None;
        if self.cache.has_store() && !is_local {
            lookup = self.cache.load(&digest, tags.as_ref());
            if lookup.is_none() {
                self.cache.backing.note_pending_removal(digest);
            }
        }
        let after = match made {
            Made::Entry(entry, put) => {
                self.cache.insert(&digest, entry.view().share());
                lookup.zip(put).map(|(at, (structure, life))| {
                    let moment = at.moment;
                    StoreWrite::Put(Put {
                        digest,
                        moment,
                        replaces: true,
                        entry,
                        dependent: None,
                        structure,
                        life,
                    })
                })
            }
            Made::Nothing(key) => {
                self.cache.remove(&key, None);
                lookup.map(|_| StoreWrite::Remove(digest, Some(key.entry.hashes())))
            }
        };
        if let Some(what) = after {
            self.cache.write_to_store(Write { what, lease: None });
        }
    }
}
