//! The flights of one cache: who computes what, and what was computed and not yet taken.

use std::collections::{hash_map, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::{Flight, Wait};
use crate::key::DIGEST;

/// Behind the cache's lock.
#[derive(Debug)]
pub(crate) struct Flights {
    /// The flight of each key: calls with that key find it.
    leading: HashMap<[u8; DIGEST], Arc<Flight>, BuildHasherDefault<FirstBytes>>,
    /// Computations beside a flight, which can be fenced but not waited for; and ended ones whose
    /// waiters have not come to take the result, which can be fenced still.
    others: Vec<Arc<Flight>>,
}

/// What a call is to the flights there are.
pub(crate) enum Joined {
    /// Its flight is the flight of its key now.
    Leads,
    /// Another one is, and is to be waited for.
    Waits(Wait),
    /// So it would be, but the wait would never end.
    Circle,
}

impl Flights {
    pub(crate) const fn new() -> Self {
        Self { leading: HashMap::with_hasher(BuildHasherDefault::new()), others: Vec::new() }
    }

    /// Joins the flight of its key, or becomes it.
    pub(crate) fn join(&mut self, flight: &Arc<Flight>) -> Joined {
        match self.leading.entry(flight.digest) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(Arc::clone(flight));
                Joined::Leads
            }
            hash_map::Entry::Occupied(other) => {
                Wait::new(other.get()).map_or(Joined::Circle, Joined::Waits)
            }
        }
    }

    /// Becomes the flight of its key; what was is fenced.
    pub(crate) fn replace(&mut self, flight: &Arc<Flight>) -> Vec<Arc<Flight>> {
        let fenced = self.fence(&flight.digest);
        self.leading.insert(flight.digest, Arc::clone(flight));
        fenced
    }

    /// Notes a flight that is not to be found, but to be fenced.
    pub(crate) fn note(&mut self, flight: &Arc<Flight>) {
        self.others.push(Arc::clone(flight));
    }

    /// Fences what computes this key; who waits for it is to be woken outside the lock.
    pub(crate) fn fence(&mut self, digest: &[u8; DIGEST]) -> Vec<Arc<Flight>> {
        let fenced: Vec<_> = self.leading.remove(digest).into_iter().collect();
        fenced
            .iter()
            .chain(self.others.iter().filter(|flight| flight.digest == *digest))
            .for_each(|flight| flight.fence());
        fenced
    }

    pub(crate) fn fence_all(&mut self) -> Vec<Arc<Flight>> {
        let fenced: Vec<_> = self.leading.drain().map(|(_, flight)| flight).collect();
        fenced.iter().chain(&self.others).for_each(|flight| flight.fence());
        fenced
    }

    pub(crate) fn leads(&self, flight: &Arc<Flight>) -> bool {
        self.leading.get(&flight.digest).is_some_and(|leading| Arc::ptr_eq(leading, flight))
    }

    /// Takes a flight out; a fenced one may be out already.
    pub(crate) fn depart(&mut self, flight: &Arc<Flight>) {
        if self.leads(flight) {
            self.leading.remove(&flight.digest);
        } else if let Some(at) = self.others.iter().position(|other| Arc::ptr_eq(other, flight)) {
            self.others.swap_remove(at);
        }
    }
}

/// A digest is its own hash.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}
