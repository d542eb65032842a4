//! The flights of one cache: who computes what, and what was computed and not yet taken.

use std::sync::Arc;
use std::time::Duration;

use super::by_digest::ByDigest;
use super::{Flight, Wait};
use crate::clock::Tick;
use crate::function::dependents::Dependent;
use crate::key::tags::TagHash;
use crate::key::DIGEST;
use crate::platform::sync::atomic::Ordering;

/// Behind the cache's lock.
#[derive(Debug)]
pub(crate) struct Flights {
    keys: ByDigest<OfKey>,
    /// How many were claimed.
    claimed: u64,
}

/// The flights of one key; never none.
#[derive(Debug, Default)]
struct OfKey {
    /// Calls with that key find it.
    leading: Option<Arc<Flight>>,
    /// Computations beside it, which can be fenced but not waited for; and ended ones whose waiters
    /// have not come to take the result, or whose leaders were overtaken, which can be fenced still.
    others: Vec<Arc<Flight>>,
}

/// What a call is to the flights there are.
pub(crate) enum Joined {
    /// Its flight is the flight of its key now.
    Leads,
    /// Another one is, and is to be waited for.
    Waits(Wait),
}

impl Flights {
    pub(crate) const fn new() -> Self {
        Self { keys: ByDigest::new(), claimed: 0 }
    }

    /// Joins the flight of its key, or becomes it.
    pub(crate) fn join(&mut self, flight: &Arc<Flight>) -> Joined {
        self.claimed += 1;
        let of_key = self.keys.get_or_default(&flight.digest);
        match &of_key.leading {
            Some(leading) => Joined::Waits(Wait::new(leading)),
            None => {
                flight.claim(self.claimed);
                of_key.leading = Some(Arc::clone(flight));
                Joined::Leads
            }
        }
    }

    /// Becomes the flight of its key, or one beside it.
    pub(crate) fn force(&mut self, flight: &Arc<Flight>) {
        // Relaxed, as its order is.
        flight.is_forced.store(true, Ordering::Relaxed);
        let of_key = self.keys.get_or_default(&flight.digest);
        if of_key.leading.is_some() {
            self.note(flight);
        } else {
            of_key.leading = Some(Arc::clone(flight));
            self.claimed += 1;
            flight.claim(self.claimed);
        }
    }

    /// Notes a flight that is not to be found, but to be fenced.
    pub(crate) fn note(&mut self, flight: &Arc<Flight>) {
        self.claimed += 1;
        flight.claim(self.claimed);
        self.note_ended(flight);
    }

    /// Notes an ended flight, whose result has not been taken yet, or whose own leader computes still.
    pub(crate) fn note_ended(&mut self, flight: &Arc<Flight>) {
        self.keys.get_or_default(&flight.digest).others.push(Arc::clone(flight));
    }

    /// Fences what computes this key; who waits for it is to be woken outside the lock.
    pub(crate) fn fence(&mut self, digest: &[u8; DIGEST]) -> Fenced {
        self.fence_if(digest, |_| true)
    }

    /// Fences what began to compute this key before a flight did.
    pub(crate) fn fence_older(&mut self, flight: &Flight) -> Fenced {
        let order = flight.order();
        self.fence_if(&flight.digest, |other| other.order() < order)
    }

    /// Fences what may have been found for this key, where only what is forced computes for certain.
    pub(crate) fn fence_found(&mut self, digest: &[u8; DIGEST]) -> Fenced {
        self.fence_if(digest, |flight| !flight.is_forced.load(Ordering::Relaxed))
    }

    /// Fences what is computed so, for what it has used.
    pub(crate) fn fence_dependent(&mut self, dependent: &Arc<Dependent>) -> Fenced {
        let is_it = |own: &Arc<Dependent>| Arc::ptr_eq(own, dependent);
        let fenced =
            self.fence_if(&dependent.digest, |flight| flight.dependent().is_some_and(is_it));
        fenced.leaving_older()
    }

    fn fence_if(&mut self, digest: &[u8; DIGEST], is_meant: impl Fn(&Flight) -> bool) -> Fenced {
        let fenced = self.keys.change(digest, |of_key| {
            let fenced = of_key.fence_if(is_meant);
            (fenced, of_key.is_empty())
        });
        fenced.unwrap_or(Fenced::none())
    }

    /// Fences what computes a result that will have this tag.
    pub(crate) fn fence_tagged(&mut self, tag: TagHash) -> Fenced {
        let mut fenced = Fenced::none();
        self.keys.change_each(|of_key| {
            fenced.add(of_key.fence_if(|flight| flight.has_tag(tag)));
            of_key.is_empty()
        });
        fenced
    }

    pub(crate) fn fence_all(&mut self) -> Fenced {
        Fenced(self.keys.take_all().flat_map(|mut of_key| of_key.fence_if(|_| true).0).collect())
    }

    /// For how long a key has been computed, if it is.
    pub(crate) fn since(&self, digest: &[u8; DIGEST]) -> Option<Duration> {
        let leading = self.keys.get(digest)?.leading.as_ref()?;
        Some(leading.started_at().map_or(Duration::ZERO, Tick::elapsed))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Forgets what is computed by threads that are not in this process.
    #[cfg(unix)]
    pub(crate) fn forget_all(&mut self) {
        self.keys.take_all().for_each(std::mem::forget);
    }

    /// Whether calls with its key find it.
    pub(crate) fn leads(&self, flight: &Arc<Flight>) -> bool {
        let leading = self.keys.get(&flight.digest).and_then(|of_key| of_key.leading.as_ref());
        leading.is_some_and(|leading| Arc::ptr_eq(leading, flight))
    }

    /// Takes a flight out; a fenced one is out already.
    pub(crate) fn depart(&mut self, flight: &Arc<Flight>) {
        self.keys.change(&flight.digest, |of_key| {
            let OfKey { leading, others } = of_key;
            leading.take_if(|leading| Arc::ptr_eq(leading, flight));
            if let Some(at) = others.iter().position(|other| Arc::ptr_eq(other, flight)) {
                others.swap_remove(at);
            }
            ((), of_key.is_empty())
        });
    }
}

impl OfKey {
    fn is_empty(&self) -> bool {
        self.leading.is_none() && self.others.is_empty()
    }

    fn fence_if(&mut self, is_meant: impl Fn(&Flight) -> bool) -> Fenced {
        let leading = self.leading.take_if(|leading| is_meant(leading));
        let others = self.others.extract_if(.., |other| is_meant(other));
        let fenced: Vec<_> = leading.into_iter().chain(others).collect();
        fenced.iter().for_each(|flight| flight.fence());
        Fenced(fenced)
    }
}

/// Flights that were fenced.
#[must_use]
pub(crate) struct Fenced(Vec<Arc<Flight>>);

impl Fenced {
    /// Has who waits for them ask again, outside locks.
    pub(crate) fn wake(&self) {
        self.0.iter().for_each(|flight| flight.wake_all());
    }

    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// The same: what is older of the same calls may still be there. Under the cache's lock.
    pub(crate) fn leaving_older(self) -> Self {
        self.0.iter().for_each(|flight| flight.leaves_older.store(true, Ordering::Relaxed));
        self
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Flight {
    fn claim(&self, order: u64) {
        // Relaxed, here and below: read and written under the cache's lock.
        self.order.store(order, Ordering::Relaxed);
    }

    /// Whether something newer of the same call has fenced it, and has seen to what is older.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.is_fenced() && !self.leaves_older.load(Ordering::Relaxed)
    }

    fn order(&self) -> u64 {
        self.order.load(Ordering::Relaxed)
    }
}
