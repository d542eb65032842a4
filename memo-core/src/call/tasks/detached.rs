//! A miss whose computation is a task of its own: it goes on though its caller gives up.
//!
//! The call that misses lays the lead of its flight down where its [task](crate::background::task) takes
//! it when the body is done. What comes back is its own result, and not what others are told of it. Where
//! the lead comes back instead, the call computes itself, with arguments that it has kept; if it has
//! gone meanwhile, the lead is dropped, and a waiter inherits.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{pin, Pin};
use std::sync::Arc;

use crate::background::pool::begin_blocking;
use crate::background::spawner::{self, Spawner};
use crate::background::task::{self, End, Ended, Slot, Starter, Written};
use crate::cache::lead::{Body, Lead};
use crate::call::{AsyncMiss, Memo, Payload};
use crate::flight::{Entered, Flight};
use crate::function::error::Kind;

/// A type of results that a task can hand over.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot come from a detached computation: it is not `Send + 'static`",
    label = "not `Send + 'static`, so a task cannot hand it over",
    note = "leave `detached` out: the computation then is part of its caller's task"
)]
pub trait Detached: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<R: Send + 'static> Detached for R {}

/// What is to be computed, in the hands of who does.
struct Work<P> {
    lead: Lead,
    payload: P,
    /// The store has nothing.
    is_loaded: bool,
}

impl Memo {
    /// What the task does.
    async fn compute<R, P: Payload<R>, F: Future<Output = R>>(
        &'static self,
        slot: Arc<Slot<R, Work<P>>>,
        flight: Arc<Flight>,
        is_forced: bool,
        body: Pin<Box<F>>,
    ) {
        let body = pin!(Some(body));
        if P::HAS_STORE && self.cache.has_store() {
            let (lookup, lease) = self.look_async(Arc::clone(&flight), is_forced).await;
            let Some(Work { mut lead, payload, .. }) = slot.take() else { return };
            lead.leased(lease);
            match self.received::<R, P>(lead, lookup) {
                Ok(result) => return drop(slot.tell(End::Done(result, None))),
                Err(lead) => slot.put(Work { lead, payload, is_loaded: true }),
            }
        } else {
            // It may have waited for its turn.
            flight.start();
        }
        let mut result = Body::new(body).run_in(&flight).await;
        let Some(Work { mut lead, payload, .. }) = slot.take() else { return };
        lead.computed();
        let write = payload.finish(self, lead, &mut result);
        // Begun here, and awaited by the call: the write needs no task.
        let written = write.map(|write| -> Written {
            Box::pin(begin_blocking(move || self.cache.write_to_store(write)))
        });
        drop(slot.tell(End::Done(result, written)));
    }
}

impl<R, P: Payload<R>> AsyncMiss<R, P> {
    /// The result, computed in a task of its own if it must be, and if there is what runs tasks.
    ///
    /// `body` makes the body from arguments of its own; more than once, where the task came to nothing.
    pub async fn run_detached<F>(self, body: impl Fn() -> F) -> R
    where
        R: Detached,
        P: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        if self.is_doubted() {
            // Who gives this up gives up nothing that is not stored.
            let mut body = Box::pin(Some(body()));
            return Box::pin(self.verify_stored(body.as_mut())).await;
        }
        let Self { memo, payload, call, .. } = self;
        let lead = match memo.take_found::<R, P>(memo.lead(call).await) {
            Ok(result) => return result,
            Err(lead) => lead,
        };
        let Some(lead) = lead else {
            let result = Box::pin(body()).await;
            payload.uncached(memo, &result);
            return result;
        };
        let work = Work { lead, payload, is_loaded: false };
        let ended = match spawner::find() {
            Some(spawner) => begin(memo, work, spawner, &body).await,
            None => {
                let why = spawner::without("whoever gives up the call gives up the computation");
                memo.cache.report(Kind::Task, why);
                Ended::Back(work)
            }
        };
        match ended {
            Ended::Done(result, written) => {
                if let Some(written) = written {
                    written.await;
                }
                result
            }
            Ended::Panicked(panic) => resume_unwind(panic),
            Ended::Back(Work { lead, payload, is_loaded }) => {
                let mut body = Box::pin(Some(make(lead.flight(), &body)));
                // In a box, so that the future of the call has no place for it.
                Box::pin(memo.run_lead(&payload, lead, body.as_mut(), is_loaded)).await
            }
        }
    }
}

/// A body, whose arguments are cloned as a part of it.
fn make<F>(flight: &Arc<Flight>, body: &impl Fn() -> F) -> F {
    let _entered = Entered::new(flight);
    body()
}

/// Begins a task, and returns what waits for it.
fn begin<R, P, F>(
    memo: &'static Memo,
    work: Work<P>,
    spawner: Spawner,
    body: &impl Fn() -> F,
) -> Starter<R, Work<P>>
where
    R: Send + 'static,
    P: Payload<R> + Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let (flight, is_forced) = (Arc::clone(work.lead.flight()), work.lead.is_forced());
    let body = Box::pin(make(&flight, body));
    let (task, starter) = task::new(work, &flight, |slot| {
        Box::pin(memo.compute(slot, Arc::clone(&flight), is_forced, body))
    });
    spawner.spawn(task);
    starter
}
