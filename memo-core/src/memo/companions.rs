//! The companions of one call that do not run the body.

use super::Memo;
use crate::codec::{self, Codec, Keep};
use crate::key::Args;
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
    memo.key(&args).is_some_and(|key| {
        let was_behind = !key.is_local && memo.cache.forget_in_store(&key.digest);
        memo.cache.remove(&key) || was_behind
    })
}

/// `func::insert(…)`: stores a result that was come by otherwise.
pub fn insert<R, C: Codec<R>, A: Args>(memo: &'static Memo, codec: C, args: A, result: R) {
    if !switch::is_on() {
        return;
    }
    let Some(mut key) = memo.key(&args) else { return };
    let data = match memo.keep(&codec, &result) {
        Ok(Keep::Store(data)) => Some(data),
        Ok(Keep::Share(_)) | Err(_) => None,
        Ok(Keep::Drop) => return,
    };
    let mut lookup = None;
    if memo.cache.has_store() && !key.is_local {
        lookup = memo.cache.load(&key.digest);
        if lookup.is_none() {
            memo.cache.outer.note_unforgotten(key.digest);
        }
    }
    let encoded = data.and_then(|data| memo.encode(data, &mut key.entry).zip(Some(data)));
    let after = match encoded {
        Some(((codec, expiry), data)) => {
            let entry = key.entry.finish(codec, expiry);
            memo.cache.insert(&key.digest, entry.view().share());
            lookup.and_then(|at| {
                let (digest, ticket) = (key.digest, at.ticket);
                let structure = codec::structure(data)?;
                Some(What::Save(Saving { digest, ticket, replaces: true, entry, structure }))
            })
        }
        None => {
            memo.cache.remove(&key);
            lookup.map(|_| What::Forget(key.digest))
        }
    };
    if let Some(what) = after {
        memo.cache.settle_store(After { what, lease: None });
    }
}
