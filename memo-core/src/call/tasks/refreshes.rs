//! Refreshes in the background: on a thread of memo's own, or in a task of the user's runtime.

use std::future::Future;

use crate::background::carried::{carried, Carried};
use crate::background::pool::REFRESHES;
use crate::background::spawner;
use crate::cache::Refreshed;
use crate::call::find::Found;
use crate::call::{Call, Memo, Payload, Static};
use crate::function::error::Kind;
use crate::key::Args;
use crate::platform::unwind::catch;

impl<R, P: Payload<R>> Call<R, P> {
    /// Has the result refreshed in the background, if it is old and this call is the first to see it.
    ///
    /// `job` makes the refreshing call, from arguments of its own; `refreshed` finds once more what that is
    /// of, as hits that are not old have no use for it.
    #[inline]
    pub fn refresh_in_background<J: FnOnce() + Send + 'static>(
        &self,
        refreshed: impl FnOnce() -> Refreshed,
        job: impl FnOnce() -> J,
    ) {
        if let Found::Stale(_) = &self.found {
            begin_job(refreshed(), job);
        }
    }

    /// The same of an async function, whose refresh is a task.
    #[inline]
    pub fn refresh_in_task<F>(
        &self,
        refreshed: impl FnOnce() -> Refreshed,
        task: impl FnOnce() -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Found::Stale(_) = &self.found {
            begin_task(self.memo, refreshed(), task);
        }
    }
}

/// What a call is to have refreshed.
#[cold]
#[inline(never)]
pub fn refreshed<A: Args>(memo: &'static Static, args: A) -> Refreshed {
    let cache = &memo.here().cache;
    Refreshed::new(cache.key(&args, 0).ok().and_then(|key| cache.entry(&key)))
}

#[cold]
#[inline(never)]
fn begin_job<J: FnOnce() + Send + 'static>(refreshed: Refreshed, job: impl FnOnce() -> J) {
    // An argument's `Clone` may panic: that is no reason to lose what is there.
    let Some(job) = catch(job) else { return };
    let job = move || {
        let _refreshed = refreshed;
        job();
    };
    // Without a thread the old result is served for as long as it may be.
    let _ = REFRESHES.run(carried(Box::new(job)));
}

#[cold]
#[inline(never)]
fn begin_task<F>(memo: &'static Memo, refreshed: Refreshed, task: impl FnOnce() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(spawner) = spawner::find() else {
        let why = spawner::without("an old result is served until it expires");
        return memo.cache.report(Kind::Task, why);
    };
    let Some(task) = catch(task) else { return };
    let task = async move {
        let _refreshed = refreshed;
        task.await;
    };
    spawner.spawn(Box::pin(Carried::new(Box::pin(task)).in_background()));
}
