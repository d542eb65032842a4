//! `tags(…)` and `memo::clear_tag`: what is about the same goes together.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{mpsc, Arc, Barrier};
use std::thread;

use memo::{memo, singleton};

/// A tag that no other test has.
fn tag(of: &str, id: u64) -> String {
    format!("{of}:{id}")
}

#[test]
fn what_has_the_tag_goes_and_the_rest_stays() {
    #[memo(tags(tag("rest", id)))]
    fn name(id: u64, _language: &str) -> String {
        format!("name of {id}")
    }
    for id in 0..10 {
        name(id, "en");
    }
    memo::clear_tag(tag("rest", 7));
    assert_eq!((0..10).filter(|id| !name::contains(*id)).collect::<Vec<_>>(), [7]);
    memo::clear_tag("rest:unknown");
    assert_eq!(name::stats().entries, 9);
}

#[test]
fn results_and_resources_of_all_functions_go_together() {
    #[memo(tags(format!("together:{user}")))]
    fn profile(user: u64) -> u64 {
        user
    }
    #[memo(clone, tags(format!("together:{user}")))]
    fn cart(user: u64) -> Vec<u64> {
        vec![user]
    }
    #[singleton(tags(format!("together:{user}")))]
    fn session(user: u64) -> String {
        user.to_string()
    }
    let held = session(1);
    for user in 1..3 {
        let _ = (profile(user), cart(user), session(user));
    }
    memo::clear_tag("together:1");
    assert!(!profile::contains(1) && !cart::contains(1) && !session::contains(1));
    assert!(profile::contains(2) && cart::contains(2) && session::contains(2));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn texts_and_collections_of_them_are_tags() {
    struct Page {
        path: String,
        words: Vec<String>,
    }
    #[memo(
        key = page.path,
        tags(
            &page.path,
            page.words,
            "kinds-of-tags",
            owner,
            ["kinds-a", "kinds-b"],
            set,
            ordered,
            page.words.first()
        )
    )]
    fn render(
        page: &Page,
        owner: Option<&str>,
        set: &HashSet<String>,
        ordered: BTreeSet<&'static str>,
    ) -> usize {
        page.words.len() + usize::from(owner.is_some()) + set.len() + ordered.len()
    }
    let set = HashSet::from(["kinds-set".to_owned()]);
    let page = Page { path: "kinds-path".into(), words: vec!["kinds-1".into(), "kinds-2".into()] };
    let all = [
        "kinds-path",
        "kinds-1",
        "kinds-2",
        "kinds-of-tags",
        "kinds-owner",
        "kinds-a",
        "kinds-b",
        "kinds-set",
        "kinds-ordered",
    ];
    for tag in all {
        let ordered = || BTreeSet::from(["kinds-ordered"]);
        render(&page, Some("kinds-owner"), &set, ordered());
        assert_eq!(render::stats().entries, 1);
        memo::clear_tag(tag);
        assert!(!render::contains(&page, Some("kinds-owner"), &set, ordered()), "{tag}");
    }
    render(&page, None, &set, BTreeSet::new());
    memo::clear_tag("kinds-owner");
    assert!(render::contains(&page, None, &set, BTreeSet::new()));
}

#[test]
fn a_computation_under_way_with_the_tag_is_not_stored_and_one_without_it_is() {
    #[memo(tags(tag("under way", id)))]
    fn slow(id: u64, _begun: mpsc::Sender<()>, _go_on: mpsc::Receiver<()>) -> u64 {
        _begun.send(()).unwrap();
        _go_on.recv().unwrap();
        id
    }
    thread::scope(|scope| {
        let (begun, has_begun) = mpsc::channel();
        let lets = [1, 2].map(|id| {
            let (let_go, go_on) = mpsc::channel();
            let begun = begun.clone();
            (let_go, scope.spawn(move || slow(id, begun, go_on)))
        });
        (0..2).for_each(|_| has_begun.recv().unwrap());
        memo::clear_tag(tag("under way", 1));
        for (let_go, computed) in lets {
            let_go.send(()).unwrap();
            computed.join().unwrap();
        }
    });
    assert!(!slow::contains(1) && slow::contains(2));
}

#[test]
fn what_is_computed_from_another_with_the_tag_while_that_is_cleared_is_never_stale() {
    static SOURCE: AtomicU32 = AtomicU32::new(0);
    #[memo(tags("chained"))]
    fn inner() -> u32 {
        SOURCE.load(SeqCst)
    }
    #[memo(tags("chained"))]
    fn outer() -> u32 {
        inner()
    }
    let (start, is_over) = (Barrier::new(4), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                start.wait();
                while is_over.load(SeqCst) == 0 {
                    let least = SOURCE.load(SeqCst).saturating_sub(1);
                    assert!(outer() >= least);
                }
            });
        }
        start.wait();
        for _ in 0..2_000 {
            let now = SOURCE.fetch_add(1, SeqCst) + 1;
            memo::clear_tag("chained");
            let found = outer();
            if found < now {
                is_over.store(1, SeqCst);
                panic!("{found} is older than {now}");
            }
        }
        is_over.store(1, SeqCst);
    });
}

#[test]
fn tags_that_panic_or_are_too_many_run_the_body_uncached() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(tags(words(id)))]
    fn tagged(id: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        id
    }
    fn words(id: u32) -> Vec<String> {
        assert!(id != 1, "no tags today");
        (0..id).map(|word| word.to_string()).collect()
    }
    for id in [1, 5_000, 4_096, 0] {
        assert_eq!((tagged(id), tagged(id)), (id, id));
    }
    assert_eq!(RUNS.load(SeqCst), 6);
    let stats = tagged::stats();
    assert_eq!((stats.uncacheable, stats.entries), (4, 2));
    tagged::insert(1, 7);
    assert!(!tagged::contains(1) && !tagged::remove(1));
}

#[test]
fn tags_are_not_asked_for_by_hits() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    #[memo(tags(asked(id)))]
    fn counted(id: u32) -> u32 {
        id
    }
    fn asked(id: u32) -> String {
        ASKED.fetch_add(1, SeqCst);
        format!("asked {id}")
    }
    for _ in 0..100 {
        counted(1);
    }
    assert!(counted::contains(1) && counted::get(1).is_some() && counted::remove(1));
    assert_eq!(ASKED.load(SeqCst), 1);
}

#[test]
fn what_is_inserted_or_refreshed_has_its_tags() {
    #[memo(tags(tag("primed", id)))]
    fn primed(id: u64) -> u64 {
        id
    }
    primed::insert(1, 10);
    assert_eq!(primed(1), 10);
    memo::clear_tag(tag("primed", 1));
    assert_eq!(primed(1), 1);
    primed::insert(1, 10);
    assert_eq!(primed::refresh(1), 1);
    memo::clear_tag(tag("primed", 1));
    assert!(!primed::contains(1));
}

#[test]
fn what_was_replaced_evicted_or_cleared_leaves_no_tag_behind() {
    #[memo(max_entries = 3, tags(format!("left {}", id % 2), "left"))]
    fn bounded(id: u64) -> u64 {
        id
    }
    for round in 0..50 {
        for id in 0..10 {
            bounded(id);
        }
        bounded::insert(1, round);
        bounded::refresh(2);
        memo::clear_tag("left 1");
        assert!((0..10).filter(|id| id % 2 == 1).all(|id| !bounded::contains(id)));
        assert!(bounded::stats().entries <= 3);
        if round % 3 == 0 {
            bounded::clear();
        }
        memo::clear_tag("left 0");
        assert_eq!(bounded::stats().entries, 0);
    }
}

#[test]
fn methods_patterns_and_generics_have_tags() {
    #[derive(serde::Serialize)]
    struct Shop {
        id: u64,
    }
    impl Shop {
        #[memo(tags(tag("shop", self.id), tag("item", *item)))]
        fn price(&self, (item, _): (u64, u8)) -> u64 {
            self.id * 100 + item
        }

        #[memo(in_impl, tags(tag("any", id.into())))]
        fn any<T: Into<u64> + Copy + serde::Serialize>(id: T) -> u64 {
            id.into()
        }
    }
    let (one, two) = (Shop { id: 1 }, Shop { id: 2 });
    for item in [(3, 0), (4, 0)] {
        let _ = (one.price(item), two.price(item));
    }
    memo::clear_tag("shop:1");
    memo::clear_tag("item:3");
    assert!(!one.price_contains((4, 0)) && !two.price_contains((3, 0)));
    assert!(two.price_contains((4, 0)));
    let _ = (Shop::any(7_u8), Shop::any(7_u32), Shop::any(8_u8));
    memo::clear_tag("any:7");
    assert!(!Shop::any_contains(7_u8) && !Shop::any_contains(7_u32) && Shop::any_contains(8_u8));
}

#[test]
fn tags_may_speak_of_what_is_not_in_the_key() {
    struct Context {
        tenant: u64,
    }
    #[memo(tags(tag("tenant", _context.tenant)))]
    fn of_tenant(id: u64, _context: &Context) -> u64 {
        id
    }
    of_tenant(1, &Context { tenant: 9 });
    assert!(of_tenant::contains(1, &Context { tenant: 9 }));
    memo::clear_tag("tenant:9");
    assert!(!of_tenant::contains(1, &Context { tenant: 8 }));
}

#[test]
fn a_tag_is_cleared_inside_an_isolated_block_alone() {
    #[memo(tags("isolated tag"))]
    fn inside() -> u32 {
        1
    }
    inside();
    memo::isolated(|| {
        inside();
        memo::clear_tag("isolated tag");
        assert!(!inside::contains());
        inside();
    });
    assert!(inside::contains());
    memo::isolated(|| {
        inside();
        memo::clear_tag("another tag");
        assert!(inside::contains());
    });
}

#[test]
fn a_tag_of_a_hundred_thousand_results_is_cleared() {
    #[memo(tags("many", format!("many {}", id % 1_000)))]
    fn many(id: u64) -> u64 {
        id
    }
    for id in 0..100_000 {
        many(id);
    }
    memo::clear_tag("many 7");
    assert_eq!(many::stats().entries, 99_900);
    memo::clear_tag("many");
    assert_eq!(many::stats().entries, 0);
    assert_eq!(many::stats().bytes, 0);
}

#[test]
fn what_ends_by_a_clear_may_compute_what_is_stored() {
    struct Pool(u64);
    impl Drop for Pool {
        fn drop(&mut self) {
            pool(self.0 + 1);
        }
    }
    #[singleton(tags("reopened"))]
    fn pool(x: u64) -> Pool {
        Pool(x)
    }
    pool(1);
    memo::clear_tag("reopened");
    // A reader of another test may keep the old one for a moment.
    while !pool::contains(2) {
        thread::yield_now();
    }
    assert_eq!((pool::contains(1), pool::stats().entries), (false, 1));
}
