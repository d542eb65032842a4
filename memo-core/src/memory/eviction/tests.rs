//! How often the policy hits, beside LRU, on traces that caches meet.

mod traces;

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use super::*;
use traces::zipf;

/// An entry of a simulated cache.
#[derive(Debug)]
struct Simulated {
    key: u64,
    marks: Cell<u8>,
}

impl Item for &Simulated {
    fn hash(self) -> u64 {
        let wide = u128::from(self.key ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
        (wide >> 64) as u64 ^ wide as u64
    }

    fn take_mark(self) -> bool {
        let marks = self.marks.get();
        self.marks.set(marks.saturating_sub(1));
        marks > 0
    }

    fn clear_marks(self) {
        self.marks.set(0);
    }
}

/// Hits of a cache with room for `capacity` entries, in percent.
fn hits(trace: &[u64], capacity: usize) -> f64 {
    // Entries live as long as the simulation.
    let entries: Vec<_> = trace.iter().map(|&key| Simulated { key, marks: Cell::new(0) }).collect();
    let mut queues: Queues<&Simulated> = Queues::new();
    let mut places: HashMap<u64, (Place, &Simulated)> = HashMap::new();
    let mut hits = 0;
    for entry in &entries {
        if let Some((_, found)) = places.get(&entry.key) {
            found.marks.set((found.marks.get() + 1).min(3));
            hits += 1;
            continue;
        }
        while queues.len() >= capacity {
            let (place, victim, _) = queues.victim().unwrap();
            queues.evict(place);
            assert!(places.remove(&victim.key).is_some());
        }
        let place = queues.push(entry);
        places.insert(entry.key, (place, entry));
        assert_eq!(queues.len(), places.len());
    }
    100.0 * f64::from(hits) / trace.len() as f64
}

fn hits_of_lru(trace: &[u64], capacity: usize) -> f64 {
    let mut newest = HashMap::new();
    let mut order = VecDeque::new();
    let mut hits = 0;
    for (time, &key) in trace.iter().enumerate() {
        order.push_back((key, time));
        if newest.insert(key, time).is_some() {
            hits += 1;
        } else {
            while newest.len() > capacity {
                let Some((key, time)) = order.pop_front() else { unreachable!() };
                if newest.get(&key) == Some(&time) {
                    newest.remove(&key);
                }
            }
        }
    }
    100.0 * f64::from(hits) / trace.len() as f64
}

/// A loop over `len` keys, every second of which is followed by one that never comes again.
fn loop_with_scan(len: u64, rounds: u64) -> Vec<u64> {
    let mut scan = 1 << 40;
    (0..rounds * len)
        .flat_map(|step| {
            scan += 1;
            let own = (step % len) + (1 << 50);
            [Some(own), (step % 2 == 0).then_some(scan)].into_iter().flatten()
        })
        .collect()
}

#[test]
fn skewed_accesses_hit_well_above_lru() {
    for exponent in [0.7, 0.9, 1.1] {
        let trace = zipf(20_000, exponent, 200_000);
        for capacity in [100, 1000, 4000] {
            let (own, lru) = (hits(&trace, capacity), hits_of_lru(&trace, capacity));
            assert!(own > lru + 1.0, "{own} after {lru} at {exponent}, {capacity}");
        }
    }
}

#[test]
fn a_loop_larger_than_the_cache_keeps_part_of_itself() {
    let trace = loop_with_scan(1500, 60);
    for (capacity, least) in [(500, 12.0), (1000, 30.0), (1400, 50.0)] {
        assert!(hits_of_lru(&trace, capacity) < 1.0);
        let own = hits(&trace, capacity);
        assert!(own > least, "{own} at {capacity}");
    }
}

#[test]
fn what_fits_is_never_evicted() {
    let trace: Vec<u64> = (0..10_000).map(|step| step % 100).collect();
    assert!((hits(&trace, 100) - 99.0).abs() < 1e-9);
}

#[test]
fn the_smallest_caches_work() {
    let trace = zipf(50, 1.1, 10_000);
    for capacity in [1, 2, 4] {
        assert!(hits(&trace, capacity) >= hits_of_lru(&trace, capacity) - 1.0, "{capacity}");
    }
}

#[test]
fn items_that_leave_early_leave_no_trace() {
    let entries: Vec<_> = (0..1000).map(|key| Simulated { key, marks: Cell::new(0) }).collect();
    let mut queues: Queues<&Simulated> = Queues::new();
    for round in 0..10 {
        let places: Vec<_> = entries.iter().map(|entry| queues.push(entry)).collect();
        assert!(places.iter().all(|&place| place <= 1000), "round {round}");
        for place in places.into_iter().rev() {
            queues.remove(place);
        }
        assert_eq!(queues.len(), 0);
        assert!(queues.victim().is_none());
    }
}
