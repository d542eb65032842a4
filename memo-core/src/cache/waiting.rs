//! From a miss to who computes: this call, or another that it waits for.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::lead::Lead;
use super::{Cache, Claim, Claimant};
use crate::clock::timer::Delay;
use crate::clock::{Instant, Tick};
use crate::flight::{span, TookOver, Wait, Waited};
use crate::function::event::{self, EventKind};
use crate::memory::entry::Ref;

/// What a miss came to.
pub(crate) enum Claimed {
    /// Another call had computed it, or did while this one waited.
    Found(Ref),
    /// This call computes.
    Lead(Lead),
}

/// Claims on this thread, which waits if it must.
pub(super) fn block(cache: &'static Cache, call: Claimant) -> Claimed {
    let mut asked = ask(cache, call, false);
    loop {
        match asked {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(mut waiting, call) => {
                let span = span::of_wait(cache.name(), waiting.wait.flight());
                let waited = waiting.wait.block();
                drop(span);
                asked = waiting.conclude(waited, call, false);
            }
        }
    }
}

/// Claims in a task, which waits if it must.
pub(crate) async fn wait(cache: &'static Cache, call: Claimant) -> Claimed {
    call.flight.set_task();
    let mut asked = ask(cache, call, true);
    loop {
        match asked {
            Asked::Claimed(claimed) => return claimed,
            Asked::Wait(mut waiting, call) => {
                let span = span::of_wait(cache.name(), waiting.wait.flight());
                let waited = poll_fn(|context| waiting.poll(context)).await;
                drop(span);
                asked = waiting.conclude(waited, call, true);
            }
        }
    }
}

/// What the cache says of a call.
enum Asked {
    Claimed(Claimed),
    /// Another call's computation is to be waited for.
    Wait(Waiting, Claimant),
}

fn ask(cache: &'static Cache, call: Claimant, is_task: bool) -> Asked {
    let wait = match cache.claim(&call) {
        Claim::Found(entry) => return Asked::Claimed(Claimed::Found(entry)),
        Claim::Lead => return Asked::Claimed(Claimed::Lead(Lead::claimed(cache, call))),
        Claim::Wait(wait) => wait,
    };
    let began = event::is_observed().then(Tick::now);
    let mut waiting = Waiting { cache, wait, timer: None, began };
    match waiting.wait.begin(cache.bound(), is_task) {
        Ok(()) => Asked::Wait(waiting, call),
        Err(_cycle) => {
            drop(waiting);
            Asked::Claimed(unshared(cache, call))
        }
    }
}

fn unshared(cache: &'static Cache, call: Claimant) -> Claimed {
    cache.claim_unshared(&call.flight);
    Claimed::Lead(Lead::claimed(cache, call))
}

/// A wait that tidies up when it is left.
struct Waiting {
    cache: &'static Cache,
    wait: Wait,
    /// For the wait's bound, in a task.
    timer: Option<Delay>,
    /// When it began, if somebody is to be told.
    began: Option<Tick>,
}

impl Waiting {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Waited> {
        loop {
            let next = match self.wait.look(context) {
                Waited::Pending(next) => next,
                waited => return Poll::Ready(waited),
            };
            let rest = Duration::from_nanos(next.nanos().saturating_sub(Tick::now().nanos()));
            // A moment that no clock reaches does not come.
            let Some(moment) = Instant::now().checked_add(rest) else { return Poll::Pending };
            let delay = self.timer.get_or_insert_with(|| Delay::until(moment));
            delay.reset(moment);
            if Pin::new(delay).poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() < moment {
                // There is no timer here, and so no bound that could be kept.
                self.wait.wait_no_more();
            }
        }
    }

    /// What the call does after it has waited.
    fn conclude(self, waited: Waited, mut call: Claimant, is_task: bool) -> Asked {
        let cache = self.cache;
        if !matches!(waited, Waited::Pending(_)) {
            call.flight.has_waited_for(self.wait.flight());
        }
        match waited {
            Waited::Shared(entry) => {
                cache.note_shared(&call.flight, self.wait.flight(), entry.view());
                if let Some(began) = self.began {
                    let took = began.elapsed();
                    drop(self);
                    cache.tell(&call.flight.digest, || EventKind::Waited { took });
                }
                Asked::Claimed(Claimed::Found(entry))
            }
            Waited::Fenced => {
                drop(self);
                ask(cache, call, is_task)
            }
            Waited::Alone => {
                drop(self);
                Asked::Claimed(unshared(cache, call))
            }
            Waited::Vacant => match cache.take_over(&self.wait, &call.flight) {
                Some(how) => {
                    if how == TookOver::Relieves {
                        cache.count_unshared();
                    }
                    let awaited = Arc::clone(self.wait.flight());
                    call.flight.has_waited_for(&awaited);
                    call.awaited = Some(awaited);
                    drop(self);
                    Asked::Claimed(Claimed::Lead(Lead::claimed(cache, call)))
                }
                // Another waiter was faster.
                None => Asked::Wait(self, call),
            },
            Waited::Pending(_) => Asked::Wait(self, call),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let flight = Arc::clone(self.wait.flight());
        self.wait.leave();
        self.cache.leave(&flight);
    }
}
