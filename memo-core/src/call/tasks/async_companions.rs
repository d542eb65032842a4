//! The companions of an async function with a store, which wait for it without blocking a thread of
//! the executor.
//!
//! What is the user's is done with before anything is awaited: the key is made, and a value encoded,
//! when the companion is called.

use std::future::Future;

use crate::background::pool::spawn_blocking;
use crate::call::companions::{insertion, Insert};
use crate::call::{Memo, Payload, Static};
use crate::key::Args;

impl Static {
    /// `func::clear_async()`.
    pub async fn clear_async(&'static self) {
        let memo = self.here();
        memo.ask_store(|| memo.clear()).await;
    }
}

impl Memo {
    /// Does what waits for the store, if there is one. The double of a function has none, and is not
    /// kept busy while it may be used again.
    async fn ask_store<R: Send + 'static>(
        &'static self,
        ask: impl FnOnce() -> R + Send + 'static,
    ) -> Option<R> {
        if self.cache.has_store() {
            spawn_blocking(ask).await
        } else {
            Some(ask())
        }
    }

    async fn sync_invalidations_async(&'static self) {
        if self.cache.has_store() && self.cache.backing.needs_sync() {
            spawn_blocking(|| self.cache.sync_invalidations()).await;
        }
    }
}

/// `func::get_async(…)`: the stored result, without computing one.
pub fn get_async<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    _: P,
    args: A,
) -> impl Future<Output = Option<R>> {
    let memo = memo.here();
    let key = memo.key(&args, memo.trust.expected_len());
    async move {
        let key = key?;
        memo.sync_invalidations_async().await;
        memo.cache.note_look(&key.digest, None);
        let found = memo.cache.find_key(&key);
        let found = found.filter(|found| memo.cache.note_hit(&key.digest, found.view()));
        if let Some(result) = found.and_then(|found| P::take(found.view())) {
            return Some(result);
        }
        if !memo.cache.has_store() {
            return None;
        }
        let digest = key.digest;
        let found = spawn_blocking(move || memo.cache.load_only(&key)).await.flatten()?;
        memo.cache.note_look(&digest, memo.cache.until(&found));
        memo.restore_found::<R, P>(&found)
    }
}

/// `func::contains_async(…)`.
pub fn contains_async<R, P: Payload<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: A,
) -> impl Future<Output = bool> {
    let found = get_async(memo, payload, args);
    async move { found.await.is_some() }
}

/// `func::remove_async(…)`: whether there was something to forget.
pub fn remove_async<A: Args>(memo: &'static Static, args: A) -> impl Future<Output = bool> {
    let memo = memo.here();
    let key = memo.cache.key_without_tags(&args, 0);
    async move {
        let Ok(key) = key else { return false };
        memo.ask_store(move || memo.remove_key(&key)).await.unwrap_or(false)
    }
}

/// `func::insert_async(…)`: stores a result that was come by otherwise.
pub fn insert_async<R, P: Insert<R>, A: Args>(
    memo: &'static Static,
    payload: P,
    args: A,
    result: R,
) -> impl Future<Output = ()> {
    let memo = memo.here();
    let insertion = insertion(memo, &payload, &args, result);
    async move {
        if let Some(insertion) = insertion {
            memo.ask_store(move || memo.insert(insertion)).await;
        }
    }
}
