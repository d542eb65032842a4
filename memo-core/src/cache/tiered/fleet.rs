//! `flight = "fleet"`: the wait for a call that another process computes.

use std::sync::Arc;
use std::time::Duration;

use super::stamps::Look;
use super::Unknown;
use crate::cache::life::random;
use crate::cache::Cache;
use crate::clock::{self, Instant};
use crate::flight::Flight;
use crate::store::Lease;

/// About as long as a clock goes.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// The wait for a call that another process computes.
pub(crate) struct FleetWait {
    cache: &'static Cache,
    deadline: Option<Instant>,
}

/// What a call does that has nothing to take.
pub(crate) enum FleetStep {
    /// It computes, for all.
    Lead(Lease),
    /// It computes, for itself.
    Compute,
    /// It looks again after a while.
    Wait(Duration),
}

impl Cache {
    /// Whether there may be another process that computes what was not found.
    pub(crate) fn is_worth_waiting(&self, flight: &Arc<Flight>, look: Option<&Look>) -> bool {
        self.backing.is_fleet()
            && look.is_some_and(|look| look.found.is_none())
            && self.leads_for_all(flight)
    }

    /// Whether it is the one computation of this process: who computes beside it would wait for the right
    /// that this process has.
    fn leads_for_all(&self, flight: &Arc<Flight>) -> bool {
        let shared = self.lock();
        shared.flights.leads(flight) || flight.leads_alone_for_others()
    }
}

impl FleetWait {
    pub(crate) const fn new(cache: &'static Cache) -> Self {
        Self { cache, deadline: None }
    }

    pub(crate) fn after(&mut self, lease: Result<Option<Lease>, Unknown>) -> FleetStep {
        match lease {
            Err(Unknown) => FleetStep::Compute,
            Ok(Some(lease)) => FleetStep::Lead(lease),
            Ok(None) => {
                if !clock::EXISTS {
                    // Nobody could tell when it has waited for long enough.
                    self.cache.count_unshared();
                    return FleetStep::Compute;
                }
                let now = Instant::now();
                let deadline = *self.deadline.get_or_insert_with(|| {
                    let bound = Duration::from_nanos(self.cache.bound());
                    now.checked_add(bound).unwrap_or(now + FOREVER)
                });
                if now >= deadline {
                    self.cache.count_unshared();
                    return FleetStep::Compute;
                }
                FleetStep::Wait(pause().min(deadline - now))
            }
        }
    }
}

/// Between 20 and 60 ms, so that not all who wait ask at once.
fn pause() -> Duration {
    Duration::from_millis(20 + random() % 40)
}
