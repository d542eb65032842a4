//! Every shape of function that the attributes accept, each called until it is a hit.

#[path = "shapes/async_functions.rs"]
mod async_functions;
#[path = "shapes/functions.rs"]
mod functions;
#[path = "shapes/generics.rs"]
mod generics;
#[path = "shapes/methods.rs"]
mod methods;
#[path = "shapes/options.rs"]
mod options;
#[path = "shapes/parameters.rs"]
mod parameters;
#[path = "shapes/results.rs"]
mod results;
#[path = "shapes/singletons.rs"]
mod singletons;

use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a body ran.
struct Runs(AtomicUsize);

impl Runs {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
