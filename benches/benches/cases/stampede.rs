//! Many threads that want one result at once, which none has yet.

use criterion::Criterion;

use crate::measure::Group;
use crate::systems;

const THREADS: usize = 64;

pub fn all(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "stampede", 1).few_samples();
    macro_rules! stampede {
        ($($system:ident),+) => {
            $(group.stampede(stringify!($system), THREADS, systems::$system::slow);)+
        };
    }
    stampede!(
        memo,
        naive,
        cached,
        concurrent_cached,
        cached_by_key,
        memoize,
        comemo,
        moka,
        quick_cache
    );
}
