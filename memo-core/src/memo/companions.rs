//! The companions of one call that do not run the body.

use super::Memo;
use crate::codec::{self, Codec, Keep};
use crate::entry::Ref;
use crate::flight::Key;
use crate::key::{Args, DIGEST};
use crate::switch;
use crate::tier::{After, Saving, What};

/// `func::get(…)`: the stored result, without computing one.
pub fn get<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> Option<R> {
    if memo.cache.has_store() {
        memo.cache.keep_in_step();
    }
    let found = memo.find::<R, C, A>(&args, false).map(|(result, _)| result);
    if found.is_none() && memo.cache.has_store() {
        return memo.look_behind::<R, C>(&memo.key(&args)?);
    }
    found
}

/// `func::contains(…)`.
pub fn contains<R, C: Codec<R>, A: Args>(memo: &'static Memo, _: C, args: A) -> bool {
    if !memo.cache.has_store() {
        return memo.cache.contains(&args);
    }
    memo.cache.keep_in_step();
    memo.cache.contains(&args)
        || memo.key(&args).is_some_and(|key| memo.look_behind::<R, C>(&key).is_some())
}

/// `func::remove(…)`: whether there was something to forget.
pub fn remove<A: Args>(memo: &'static Memo, args: A) -> bool {
    if !memo.cache.has_store() {
        return memo.cache.key(&args, 0).is_ok_and(|key| memo.cache.remove(&key));
    }
    memo.key(&args).is_some_and(|key| memo.remove_key(&key))
}

/// `func::insert(…)`: stores a result that was come by otherwise.
pub fn insert<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A, result: R) {
    if let Some(insertion) = memo.insertion(&codec, &args, &result) {
        memo.insert(insertion);
    }
}

/// What is to be inserted, with nothing of the user's types in it.
pub(super) struct Insertion {
    digest: [u8; DIGEST],
    is_local: bool,
    made: Made,
}

enum Made {
    /// The entry, and what its value is made of.
    Entry(Ref, Option<u64>),
    /// It cannot be stored; what is stored is older, and goes.
    Nothing(Key),
}

impl Memo {
    pub(super) fn remove_key(&'static self, key: &Key) -> bool {
        let was_behind = !key.is_local && self.cache.forget_in_store(&key.digest);
        self.cache.remove(key) || was_behind
    }

    /// Encodes what is to be inserted, if anything.
    pub(super) fn insertion<R, C: Codec<R>, A: Args>(
        &'static self,
        codec: &C,
        args: &A,
        result: &R,
    ) -> Option<Insertion> {
        if !switch::is_on() {
            return None;
        }
        let mut key = self.key(args)?;
        let data = match self.keep(codec, result) {
            Ok(Keep::Store(data)) => Some(data),
            Ok(Keep::Share(_)) | Err(_) => None,
            Ok(Keep::Drop) => return None,
        };
        let (digest, is_local) = (key.digest, key.is_local);
        let encoded = data.and_then(|data| self.encode(data, &mut key.entry).zip(Some(data)));
        let made = match encoded {
            Some(((codec, expiry), data)) => {
                let entry = key.entry.finish(codec, expiry);
                let structure = codec::structure(data, entry.view());
                Made::Entry(entry, structure)
            }
            None => Made::Nothing(key),
        };
        Some(Insertion { digest, is_local, made })
    }

    /// Inserts it, and waits for the store.
    pub(super) fn insert(&'static self, insertion: Insertion) {
        let Insertion { digest, is_local, made } = insertion;
        let mut lookup = None;
        if self.cache.has_store() && !is_local {
            lookup = self.cache.load(&digest);
            if lookup.is_none() {
                self.cache.outer.note_unforgotten(digest);
            }
        }
        let after = match made {
            Made::Entry(entry, structure) => {
                self.cache.insert(&digest, entry.view().share());
                lookup.zip(structure).map(|(at, structure)| {
                    let ticket = at.ticket;
                    What::Save(Saving { digest, ticket, replaces: true, entry, structure })
                })
            }
            Made::Nothing(key) => {
                self.cache.remove(&key);
                lookup.map(|_| What::Forget(digest))
            }
        };
        if let Some(what) = after {
            self.cache.settle_store(After { what, lease: None });
        }
    }
}
