//! What is forgotten stays forgotten, and what is newer is not replaced by what is older.

use super::*;
use crate::function::registry::clear_tag;
use crate::key::tags::{hash_of_tag, tag_of, tagged, TagHash, TagList};
use crate::platform::sync::atomic::AtomicU64;

/// What the functions compute from, and what changes.
#[derive(Clone)]
struct Source(Arc<AtomicU64>);

impl Source {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, version: u64) {
        self.0.fetch_max(version, Ordering::SeqCst);
    }

    /// A call that computes from it, if there is nothing to be found.
    fn call(&self, memo: &'static Static) -> u64 {
        run(memo, 1, || {
            let now = self.now();
            point();
            now
        })
    }

    /// A call that computes from what another does.
    fn call_outer(&self, outer: &'static Static, inner: &'static Static) -> u64 {
        run(outer, 1, || 10 + self.call(inner))
    }

    fn refresh(&self, memo: &'static Static) -> u64 {
        refresh(memo, Bytes(Plain), (&1_u64, ())).run(|| {
            let now = self.now();
            point();
            now
        })
    }
}

/// One thread computes while another changes the source and forgets what was computed: from then
/// on, nobody has it from before.
fn check_forgetting(forget: impl Fn(&'static Static, &Source) + Copy + Send + Sync + 'static) {
    check(move |functions| {
        let (memo, source) = (functions.data(), Source::new());
        let (reader, writer) = (source.clone(), source.clone());
        at_once([
            boxed(move || {
                assert!(reader.call(memo) <= 1);
            }),
            boxed(move || {
                writer.set(1);
                forget(memo, &writer);
                assert_eq!(writer.call(memo), 1);
            }),
        ]);
        assert_eq!(source.call(memo), 1);
    });
}

#[test]
fn what_is_computed_during_a_clear_is_not_stored() {
    check_forgetting(|memo, _| memo.clear());
}

#[test]
fn what_is_computed_during_a_removal_is_not_stored() {
    check_forgetting(|memo, _| {
        remove(memo, (&1_u64, ()));
    });
}

#[test]
fn what_is_computed_during_an_insertion_is_not_stored() {
    check_forgetting(|memo, _| insert(memo, Bytes(Plain), (&1_u64, ()), 1_u64));
}

#[test]
fn what_is_computed_during_a_refresh_is_not_stored_after_it() {
    check_forgetting(|memo, source| assert_eq!(source.refresh(memo), 1));
}

#[test]
fn who_waits_for_what_is_cleared_asks_again() {
    check(|functions| {
        let (memo, source) = (functions.data(), Source::new());
        let (first, second, writer) = (source.clone(), source.clone(), source.clone());
        at_once([
            boxed(move || assert!(first.call(memo) <= 1)),
            boxed(move || assert!(second.call(memo) <= 1)),
            boxed(move || {
                writer.set(1);
                memo.clear();
                assert_eq!(writer.call(memo), 1);
            }),
        ]);
        assert_eq!(source.call(memo), 1);
    });
}

#[test]
fn nothing_is_stored_that_comes_from_what_all_clears_forget() {
    check(|functions| {
        let (outer, inner) = (functions.data(), functions.data());
        let (registry, source) = (functions.registry(), Source::new());
        let (reader, writer) = (source.clone(), source.clone());
        at_once([
            boxed(move || assert!(reader.call_outer(outer, inner) <= 11)),
            boxed(move || {
                writer.set(1);
                registry.clear_all_and(point);
                assert_eq!(writer.call_outer(outer, inner), 11);
            }),
        ]);
        assert_eq!((source.call_outer(outer, inner), source.call(inner)), (11, 1));
    });
}

#[test]
fn nothing_is_stored_that_comes_from_what_was_stored_when_all_was_cleared() {
    check(|functions| {
        let (outer, inner) = (functions.data(), functions.data());
        let (registry, source) = (functions.registry(), Source::new());
        let (first, second, writer) = (source.clone(), source.clone(), source.clone());
        assert_eq!(source.call_outer(outer, inner), 10);
        at_once([
            boxed(move || assert!(first.call(inner) <= 1)),
            boxed(move || assert!(second.call_outer(outer, inner) <= 11)),
            boxed(move || {
                writer.set(1);
                registry.clear_all();
                assert_eq!(writer.call_outer(outer, inner), 11);
            }),
        ]);
        assert_eq!((source.call_outer(outer, inner), source.call(inner)), (11, 1));
    });
}

#[test]
fn of_refreshes_that_overlap_the_one_that_began_last_stays() {
    check(|functions| {
        let (memo, source) = (functions.data(), Source::new());
        assert_eq!(source.call(memo), 0);
        let refreshing = |version| {
            let source = source.clone();
            boxed(move || {
                source.set(version);
                assert!(source.refresh(memo) >= version);
                assert!(source.call(memo) >= version);
            })
        };
        let reader = source.clone();
        at_once([
            refreshing(1),
            refreshing(2),
            boxed(move || {
                let before = reader.call(memo);
                assert!(reader.call(memo) >= before, "something older came after it");
            }),
        ]);
        assert_eq!(source.call(memo), 2);
    });
}

#[test]
fn a_refresh_in_a_task_that_is_dropped_changes_nothing() {
    check(|functions| {
        let (memo, source) = (functions.data(), Source::new());
        let (reader, writer) = (source.clone(), source.clone());
        at_once([
            boxed(move || {
                let mut task =
                    Task::new(
                        async move { awaited(refreshing(memo, 1), std::future::pending()).await },
                    );
                let _ = task.poll();
                point();
            }),
            boxed(move || assert!(reader.call(memo) <= 1)),
            boxed(move || {
                writer.set(1);
                assert_eq!(writer.refresh(memo), 1);
            }),
        ]);
        assert_eq!(source.call(memo), 1);
    });
}

/// A call whose result has a tag.
fn call_tagged(memo: &'static Static, tag: &'static str, body: impl FnOnce() -> u64) -> u64 {
    let args = tagged((&1_u64, ()), || TagList::new().and(tag));
    enter(memo, Bytes(Plain), args).run(body)
}

fn hash_of(tag: &str) -> TagHash {
    hash_of_tag(&tag_of(tag))
}

#[test]
fn nothing_with_a_cleared_tag_is_stored_that_comes_from_before() {
    check(|functions| {
        let [outer, inner] = [(); 2].map(|()| functions.function(false, Memo::tagged));
        let (registry, source) = (functions.registry(), Source::new());
        let call = move |source: &Source| {
            call_tagged(outer, "a", || {
                call_tagged(inner, "a", || {
                    let now = source.now();
                    point();
                    now
                })
            })
        };
        let (reader, writer) = (source.clone(), source.clone());
        at_once([
            boxed(move || {
                assert!(call(&reader) <= 1);
            }),
            boxed(move || {
                writer.set(1);
                clear_tag(&[registry], hash_of("a"), point);
                assert_eq!(call(&writer), 1);
            }),
        ]);
        assert_eq!(call(&source), 1);
    });
}

#[test]
fn what_is_computed_while_a_tag_is_cleared_in_stores_is_not_stored() {
    check(|functions| {
        let memo = functions.function(false, Memo::tagged);
        let (registry, source) = (functions.registry(), Source::new());
        let call = move |source: &Source| {
            call_tagged(memo, "a", || {
                let now = source.now();
                point();
                now
            })
        };
        let (reader, writer) = (source.clone(), source.clone());
        at_once([
            boxed(move || {
                assert!(call(&reader) <= 1);
                assert!(call(&reader) <= 1);
            }),
            boxed(move || {
                clear_tag(&[registry], hash_of("a"), || {
                    // As the old one is there in a store until now.
                    writer.set(1);
                    point();
                });
                assert_eq!(call(&writer), 1);
            }),
        ]);
        assert_eq!(call(&source), 1);
    });
}

#[test]
fn another_tag_is_no_matter() {
    check(|functions| {
        let memo = functions.function(false, Memo::tagged);
        let registry = functions.registry();
        at_once([
            boxed(move || assert_eq!(call_tagged(memo, "a", || 1), 1)),
            boxed(move || clear_tag(&[registry], hash_of("b"), || ())),
        ]);
        assert_eq!(call_tagged(memo, "a", || 2), 1);
    });
}
