//! The waits-for graph, and what would make a circle in it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Flight;

/// Who waits, inside which flight's body, for which flight.
type Waits = Vec<(Arc<Flight>, Arc<Flight>)>;

/// The waits-for graph, by the root of the waiting flight: a wait looks only at those of the flight
/// that it would wait for.
static WAITS: Mutex<Option<HashMap<usize, Waits>>> = Mutex::new(None);

/// An edge of the graph, while its call waits.
#[derive(Debug)]
pub(super) struct Edge {
    root: usize,
    from: Arc<Flight>,
    to: Arc<Flight>,
}

impl Edge {
    /// Nothing if the wait would never end. Checked and added at once, so that of two waits that
    /// close a circle together the second sees the first.
    pub(super) fn add(from: Arc<Flight>, to: &Arc<Flight>) -> Option<Self> {
        let mut waits = WAITS.lock();
        let waits = waits.get_or_insert_default();
        let mut needed = vec![Arc::clone(to)];
        let mut at = 0;
        while let Some(flight) = needed.get(at).cloned() {
            // Whatever the caller's flight is nested in cannot end before this wait does.
            if from.is_within(&flight) {
                return None;
            }
            for (waiter, awaited) in waits.get(&flight.root()).into_iter().flatten() {
                let is_seen = needed.iter().any(|seen| Arc::ptr_eq(seen, awaited));
                if !is_seen && waiter.is_within(&flight) {
                    needed.push(Arc::clone(awaited));
                }
            }
            at += 1;
        }
        let root = from.root();
        waits.entry(root).or_default().push((Arc::clone(&from), Arc::clone(to)));
        Some(Self { root, from, to: Arc::clone(to) })
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        let Some(waits) = waits.as_mut() else { return };
        let Some(edges) = waits.get_mut(&self.root) else { return };
        edges.retain(|(from, to)| !Arc::ptr_eq(from, &self.from) || !Arc::ptr_eq(to, &self.to));
        if edges.is_empty() {
            waits.remove(&self.root);
        }
    }
}
