//! The cases, by what they are about.

/// One line of a case: a function of each of these systems, called alike.
macro_rules! hits {
    ($group:ident, $keys:expr, |$i:pat_param| $function:ident $arguments:tt) => {
        hits!(
            $group, $keys, |$i| $function $arguments
            of memo, naive, cached, concurrent_cached, memoize, comemo, moka, quick_cache
        );
    };
    (
        $group:ident, $keys:expr, |$i:pat_param| $function:ident $arguments:tt
        of $($system:ident),+
    ) => {
        $($group.hits(
            stringify!($system),
            $keys,
            |$i| crate::systems::$system::$function $arguments,
        );)+
    };
}

mod asynchronous;
mod cold;
mod disk;
mod engine;
mod keys;
mod large;
mod redis;
mod results;
mod singletons;
mod stampede;

use criterion::Criterion;

pub fn all(criterion: &mut Criterion) {
    keys::all(criterion);
    results::all(criterion);
    large::all(criterion);
    engine::all(criterion);
    asynchronous::all(criterion);
    cold::all(criterion);
    stampede::all(criterion);
    singletons::all(criterion);
    disk::all(criterion);
    redis::all(criterion);
}
