//! The waits-for graph, and what would be a cycle in it.
//!
//! A wait inside a flight's body keeps that flight from ending, and all in whose bodies it is
//! nested. The graph has those waits alone: one outside any body is part of no cycle.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};

use crate::platform::sync::atomic::Ordering;
use crate::platform::sync::Mutex;

use super::{current, Flight};
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};

/// The flights in whose bodies is waited, by the address of what is waited for and the wait's
/// number there.
type Waits = BTreeMap<(usize, u64), Arc<Flight>>;

static WAITS: Mutex<Waits> = Mutex::new(BTreeMap::new());

/// An edge of the graph, while its call waits.
#[derive(Debug)]
pub(super) struct Edge {
    from: Arc<Flight>,
    /// The flight that is waited for, which the wait keeps alive, and the wait's number there.
    to: (usize, u64),
}

impl Edge {
    /// The edge of the wait of that number; none outside any flight's body.
    ///
    /// # Errors
    /// The wait would never end. Checked and added at once, so that of two waits that close a cycle
    /// together the second sees the first.
    pub(super) fn add(to: &Arc<Flight>, number: u64) -> Result<Option<Self>, Cycle> {
        let Some(from) = current() else { return Ok(None) };
        let mut waits = WAITS.lock();
        if closes_cycle(&waits, &from, to) {
            return Err(Cycle);
        }
        let to = (address(to), number);
        waits.insert(to, Arc::clone(&from));
        // Relaxed, here and below: the graph's lock orders what is read and written under it.
        each_around(&from, |flight| {
            flight.inner_waits.fetch_add(1, Ordering::Relaxed);
        });
        Ok(Some(Self { from, to }))
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        let from = waits.remove(&self.to);
        each_around(&self.from, |flight| {
            flight.inner_waits.fetch_sub(1, Ordering::Relaxed);
        });
        drop(waits);
        drop(from);
    }
}

/// In a child of `fork` nobody waits.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let mut waits = WAITS.lock();
    Box::new(move |side| {
        if side == Side::Child {
            std::mem::forget(std::mem::take(&mut *waits));
        }
    })
}

#[cfg(all(test, memo_shuttle))]
pub(crate) fn nobody_waits() -> bool {
    WAITS.lock().is_empty()
}

/// A wait would never end.
#[derive(Debug)]
pub(crate) struct Cycle;

fn address(flight: &Flight) -> usize {
    std::ptr::from_ref(flight).addr()
}

/// A flight and those around it, and what they lead as well.
fn each_around(flight: &Flight, mut each: impl FnMut(&Flight)) {
    for flight in flight.outwards() {
        each(flight);
        if let Some(relieved) = flight.relieved.get().and_then(Weak::upgrade) {
            each(&relieved);
        }
    }
}

/// Whether what `to` waits for, directly or not, is the end of `from`.
fn closes_cycle(waits: &Waits, from: &Arc<Flight>, to: &Arc<Flight>) -> bool {
    let target = address(to);
    let mut is_cycle = false;
    let mut around = Vec::new();
    each_around(from, |flight| {
        is_cycle |= address(flight) == target;
        around.push(address(flight));
    });
    // A flight that waits for nothing ends, which is nearly every one.
    if is_cycle || to.inner_waits.load(Ordering::Relaxed) == 0 {
        return is_cycle;
    }
    // Who waits for the end of `from`, and who for theirs, until nobody is left or `to` is found.
    let mut seen: HashSet<usize> = around.iter().copied().collect();
    while let Some(awaited) = around.pop() {
        for waiting in waits.range((awaited, 0)..=(awaited, u64::MAX)).map(|(_, waiting)| waiting) {
            each_around(waiting, |flight| {
                is_cycle |= address(flight) == target;
                if seen.insert(address(flight)) {
                    around.push(address(flight));
                }
            });
            if is_cycle {
                return true;
            }
        }
    }
    false
}
