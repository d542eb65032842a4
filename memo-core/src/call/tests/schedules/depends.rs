//! What is computed from something goes with that, whoever is at it.

use super::*;
use crate::function::registry::clear_tag;
use crate::key::tags::{hash_of_tag, tag_of, tagged, TagList};
use crate::platform::sync::atomic::AtomicU64;

/// An inner function, and one with `depends` that computes from it; and one that does so from that.
#[derive(Clone, Copy)]
struct Chain {
    inner: &'static Static,
    middle: &'static Static,
    outer: &'static Static,
}

impl Chain {
    fn of(functions: &Functions) -> Self {
        let depends = || functions.function(false, Memo::depends);
        Self { inner: functions.data(), middle: depends(), outer: depends() }
    }

    fn inner(self, source: &AtomicU64) -> u64 {
        run(self.inner, 1, || {
            let now = source.load(Ordering::SeqCst);
            point();
            now
        })
    }

    fn middle(self, source: &AtomicU64) -> u64 {
        run(self.middle, 1, || {
            let inner = self.inner(source);
            point();
            10 + inner
        })
    }

    fn outer(self, source: &AtomicU64) -> u64 {
        run(self.outer, 1, || 100 + self.middle(source))
    }
}

/// Threads compute while another changes the source and forgets what was computed from it: from then on,
/// nobody has anything from before.
fn check_forgetting(
    options: impl Fn(&Functions) -> Chain + Copy + Send + Sync + 'static,
    forget: impl Fn(Chain, &AtomicU64) + Copy + Send + Sync + 'static,
) {
    check(move |functions| {
        let chain = options(functions);
        let source = Arc::new(AtomicU64::new(0));
        let (first, second, writer) =
            (Arc::clone(&source), Arc::clone(&source), Arc::clone(&source));
        at_once([
            boxed(move || assert!(chain.outer(&first) <= 111)),
            boxed(move || {
                assert!(chain.middle(&second) <= 11);
                assert!(chain.outer(&second) <= 111);
            }),
            boxed(move || {
                writer.store(1, Ordering::SeqCst);
                forget(chain, &writer);
                assert_eq!(chain.outer(&writer), 111);
            }),
        ]);
        assert_eq!((chain.middle(&source), chain.outer(&source)), (11, 111));
    });
}

#[test]
fn a_clear_reaches_what_is_stored_and_what_is_computed() {
    check_forgetting(Chain::of, |chain, _| chain.inner.clear());
}

#[test]
fn a_removal_reaches_it() {
    check_forgetting(Chain::of, |chain, _| {
        remove(chain.inner, (&1_u64, ()));
    });
}

#[test]
fn an_insertion_reaches_it() {
    check_forgetting(Chain::of, |chain, _| insert(chain.inner, Bytes(Plain), (&1_u64, ()), 1_u64));
}

#[test]
fn a_refresh_reaches_it() {
    check_forgetting(Chain::of, |chain, source| {
        let refreshed = refresh(chain.inner, Bytes(Plain), (&1_u64, ()));
        assert_eq!(refreshed.run(|| source.load(Ordering::SeqCst)), 1);
    });
}

#[test]
fn the_chain_holds_where_what_is_between_is_evicted() {
    check_forgetting(
        |functions| {
            let chain = Chain::of(functions);
            Chain {
                middle: functions.function(false, |memo| memo.depends().max_entries(1)),
                ..chain
            }
        },
        |chain, source| {
            // Another entry takes the place of the one between.
            run(chain.middle, 2, || source.load(Ordering::SeqCst));
            chain.inner.clear();
        },
    );
}

#[test]
fn who_finds_nothing_to_forget_waits_until_it_is_forgotten() {
    check(|functions| {
        let chain = Chain::of(functions);
        let source = Arc::new(AtomicU64::new(0));
        assert_eq!(chain.outer(&source), 110);
        source.store(1, Ordering::SeqCst);
        let forget = |source: Arc<AtomicU64>| {
            move || {
                chain.inner.clear();
                assert_eq!(chain.outer(&source), 111);
            }
        };
        at_once([boxed(forget(Arc::clone(&source))), boxed(forget(Arc::clone(&source)))]);
    });
}

#[test]
fn two_clears_of_different_functions_meet_in_what_depends_on_both() {
    check(|functions| {
        let (chain, other) = (Chain::of(functions), functions.data());
        let sum = functions.function(false, Memo::depends);
        let source = Arc::new(AtomicU64::new(0));
        let call = move |source: &AtomicU64| {
            run(sum, 1, || {
                let theirs = run(other, 1, || source.load(Ordering::SeqCst));
                point();
                chain.middle(source) + theirs
            })
        };
        assert_eq!(call(&source), 10);
        source.store(1, Ordering::SeqCst);
        let (first, second) = (Arc::clone(&source), Arc::clone(&source));
        at_once([
            boxed(move || {
                chain.inner.clear();
                assert!(call(&first) >= 11);
            }),
            boxed(move || {
                other.clear();
                assert!(call(&second) >= 11);
            }),
        ]);
        assert_eq!(call(&source), 12);
    });
}

#[test]
fn a_tag_reaches_what_was_computed_from_what_has_it() {
    check(|functions| {
        let outer = functions.function(false, Memo::depends);
        let inner = functions.function(false, Memo::tagged);
        let (registry, source) = (functions.registry(), Arc::new(AtomicU64::new(0)));
        let inner_of = move |source: &AtomicU64| {
            let tags = || TagList::new().and(&"red");
            enter(inner, Bytes(Plain), tagged((&1_u64, ()), tags)).run(|| {
                let now = source.load(Ordering::SeqCst);
                point();
                now
            })
        };
        let call = move |source: &AtomicU64| run(outer, 1, || 10 + inner_of(source));
        let (reader, writer) = (Arc::clone(&source), Arc::clone(&source));
        at_once([
            boxed(move || assert!(call(&reader) <= 11)),
            boxed(move || {
                writer.store(1, Ordering::SeqCst);
                clear_tag(&[registry], hash_of_tag(&tag_of("red")), point);
                assert_eq!(call(&writer), 11);
            }),
        ]);
        assert_eq!(call(&source), 11);
    });
}

#[test]
fn a_clear_of_all_functions_reaches_it() {
    check(|functions| {
        let chain = Chain::of(functions);
        let source = Arc::new(AtomicU64::new(0));
        let (reader, writer) = (Arc::clone(&source), Arc::clone(&source));
        let registry = functions.registry();
        at_once([
            boxed(move || assert!(chain.outer(&reader) <= 111)),
            boxed(move || {
                writer.store(1, Ordering::SeqCst);
                registry.clear_all();
                assert_eq!(chain.outer(&writer), 111);
            }),
        ]);
    });
}
