//! Hits that are verified: the body runs again, and what it returns is compared with what is stored.
//!
//! That is a computation that is made whatever is stored, so that a clear or a removal meanwhile wins
//! over what it stores; and as the call was a hit, it has nothing to lose.

use std::any::Any;
use std::convert::identity;
use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::task::Poll;

use super::find::Found;
use super::{AsyncMiss, Call, Memo, Payload};
use crate::background::pool::spawn_blocking;
use crate::cache::lead::{Body, Lead};
use crate::cache::tiered::Write;
use crate::cache::{Claimant, Outcome};
use crate::function::verify::{is_due, Inside};
use crate::key::Arguments;
use crate::memory::entry::Ref;
use crate::platform::unwind::discard;

/// What a body returned, or what it panicked with.
type Ran<R> = Result<R, Box<dyn Any + Send>>;

impl Memo {
    /// A hit as it was found, unless it is to be verified.
    pub(super) fn sampled<R, P: Payload<R>>(
        &'static self,
        found: Found<R>,
        args: &dyn Arguments,
    ) -> Found<R> {
        if P::VERIFIES && is_due() && matches!(found, Found::Hit(_)) {
            if let Some(call) = self.doubted(args, P::value_len(&self.trust)) {
                return Found::Miss(call);
            }
        }
        found
    }

    /// A call with what it found; nothing, if that has gone meanwhile.
    #[cold]
    fn doubted(&'static self, args: &dyn Arguments, value_len: usize) -> Option<Claimant> {
        let key = self.key(args, value_len)?;
        let found = self.cache.find_key(&key)?.view().share();
        let mut call = self.cache.claimant(key);
        call.doubted = Some(found);
        Some(call)
    }

    /// What the call returns, and what is left to do with the store.
    fn verified<R, P: Payload<R>>(
        &'static self,
        payload: &P,
        (lead, found): (Lead, &Ref),
        ran: Ran<R>,
    ) -> (R, Option<Write>) {
        let stored = P::take(found.view());
        let (mut ran, stored) = match (ran, stored) {
            (Ok(ran), Some(stored)) => (ran, stored),
            (ran, stored) => {
                let _ = lead.finish(Outcome::Leave);
                return (left(ran, stored), None);
            }
        };
        match payload.is_same(&stored, &ran) {
            Some(false) => {
                self.cache.count_differing(&lead.flight().digest);
                let write = payload.finish(self, lead, &mut ran);
                (ran, write)
            }
            // An error says nothing of what is stored.
            is_same => {
                let _ = lead.finish(Outcome::Leave);
                (if is_same.is_some() { ran } else { stored }, None)
            }
        }
    }
}

/// What there is of a body that panicked, or of an entry that cannot be read any more.
fn left<R>(ran: Ran<R>, stored: Option<R>) -> R {
    match (ran, stored) {
        (Err(payload), Some(stored)) => {
            discard(payload);
            stored
        }
        (Ok(ran), _) => ran,
        (Err(payload), None) => resume_unwind(payload),
    }
}

impl<R, P: Payload<R>> Call<R, P> {
    /// Runs the body of a hit on this thread.
    pub(super) fn verify(self, body: impl FnOnce() -> R) -> R {
        let (mut body, mut returned) = (Some(body), None);
        // What is not the body is compiled once for a type of results.
        self.verify_by(&mut || {
            if let Some(body) = body.take() {
                returned = Some(body());
            }
            returned.take()
        })
    }

    #[cold]
    #[inline(never)]
    fn verify_by(self, body: &mut dyn FnMut() -> Option<R>) -> R {
        let Self { memo, payload, found } = self;
        let Found::Miss(call) = found else { unreachable!("a hit that is doubted is a miss") };
        let found = call.found();
        let lead = memo.lead_forced::<R, P>(call);
        let ran = {
            let _inside = Inside::new();
            catch_unwind(AssertUnwindSafe(body))
        };
        let ran = ran.map(|ran| ran.unwrap_or_else(|| unreachable!("a body runs once")));
        let (result, write) = memo.verified(&payload, (lead, &found), ran);
        if let Some(write) = write {
            memo.cache.write_to_store(write);
        }
        result
    }
}

impl<R, P: Payload<R>> AsyncMiss<R, P> {
    /// Whether it is a hit whose body is to run again.
    pub(super) fn is_doubted(&self) -> bool {
        P::VERIFIES && self.call.as_ref().is_some_and(|(call, _)| call.doubted.is_some())
    }

    /// Runs the body of a hit in this task, and waits for the store.
    pub(super) async fn verify_stored<F: Future<Output = R>>(self, body: Pin<&mut Option<F>>) -> R {
        let memo = self.memo;
        let (result, write) = self.verify(body, identity).await;
        if let Some(write) = write {
            spawn_blocking(move || memo.cache.write_to_store(write)).await;
        }
        result
    }

    /// Runs the body of a hit in this task; what is left to do with the store.
    pub(super) async fn verify<F: Future>(
        self,
        body: Pin<&mut Option<F>>,
        result_of: impl FnOnce(F::Output) -> R,
    ) -> (R, Option<Write>) {
        let Self { memo, payload, call, .. } = self;
        let Some((call, _)) = call else { unreachable!("a hit that is doubted is a miss") };
        let found = call.found();
        let mut lead = Lead::forced_in_task(&memo.cache, call);
        if memo.cache.has_store() {
            let looked = memo.load_async(lead).await;
            lead = looked.0;
            memo.replaces(&mut lead, looked.1);
        }
        let ran = {
            let mut running = pin!(Body::new(body).run_in(lead.flight()));
            let ran = poll_fn(|context| {
                let _inside = Inside::new();
                match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
                    Ok(polled) => polled.map(Ok),
                    Err(payload) => Poll::Ready(Err(payload)),
                }
            });
            ran.await
        };
        lead.flight().forget_polls();
        memo.verified(&payload, (lead, &found), ran.map(result_of))
    }
}
