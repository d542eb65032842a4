//! Sessions: what is one's is nobody else's, and ends with it.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Arc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use memo::{memo, singleton, Session};

use crate::schedule::{block_on, eventually, together, End, Gate, Runs, Task};

#[test]
fn each_session_has_results_and_resources_of_its_own() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(scope = "session")]
    fn data(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    #[singleton(scope = "session")]
    fn shared(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    let (ann, bob) = (Session::new(), Session::new());
    let outside = (data(0), shared(0));
    let of_ann = ann.enter(|| (data(0), shared(0)));
    let of_bob = bob.enter(|| (data(0), shared(0)));
    assert_eq!([outside.0, of_ann.0, of_bob.0], [0, 2, 4]);
    assert_eq!([*outside.1, *of_ann.1, *of_bob.1], [1, 3, 5]);
    for _ in 0..3 {
        assert_eq!((data(0), shared(0)), outside);
        assert_eq!(ann.enter(|| (data(0), shared(0))), of_ann);
        assert_eq!(bob.clone().enter(|| (data(0), shared(0))), of_bob);
    }
    assert!(Arc::ptr_eq(&ann.enter(|| shared(0)), &of_ann.1));
    assert_eq!(RUNS.load(SeqCst), 6);
}

#[test]
fn the_innermost_session_counts_and_a_panic_leaves_it() {
    #[memo(scope = "session")]
    fn data(_whose: &str) -> String {
        _whose.into()
    }
    let (ann, bob) = (Session::new(), Session::new());
    ann.enter(|| {
        assert_eq!(data("ann"), "ann");
        bob.enter(|| assert_eq!(data("bob"), "bob"));
        assert_eq!(data("nobody"), "ann");
        let left =
            catch_unwind(|| bob.enter(|| std::panic::resume_unwind(Box::new("told to panic"))));
        assert!(left.is_err());
        assert_eq!(data("nobody"), "ann");
    });
    assert_eq!(data("nobody"), "nobody");
}

#[test]
fn threads_that_are_started_inside_belong_to_no_session() {
    #[memo(scope = "session")]
    fn data(_whose: &str) -> String {
        _whose.into()
    }
    let ann = Session::new();
    ann.enter(|| {
        data("ann");
        let other = thread::spawn(|| data("the process")).join().unwrap();
        assert_eq!((other.as_str(), data("nobody").as_str()), ("the process", "ann"));
    });
}

#[test]
fn bounds_are_each_sessions_own() {
    #[memo(scope = "session", max_entries = 3)]
    fn data(x: u32) -> u32 {
        x
    }
    let sessions: Vec<_> = (0..5).map(|_| Session::new()).collect();
    for session in &sessions {
        session.enter(|| {
            (0..10).for_each(|x| assert_eq!(data(x), x));
            let stats = data::stats();
            assert_eq!((stats.entries, stats.evictions, stats.max_entries), (3, 7, Some(3)));
        });
    }
    let sum = data::stats();
    assert_eq!((sum.entries, sum.evictions, sum.misses), (15, 35, 50));
    assert_eq!(sum.max_entries, Some(3));
}

#[test]
fn the_end_of_the_last_clone_releases_what_the_session_has() {
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    #[singleton(scope = "session", on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn shared(_token: &Arc<()>, x: u32) -> (Arc<()>, u32) {
        (Arc::clone(_token), x)
    }
    let token = Arc::new(());
    let ann = Session::new();
    let clone = ann.clone();
    ann.enter(|| (0..4).for_each(|x| drop(shared(&token, x))));
    shared(&token, 9);
    drop(ann);
    assert_eq!((Arc::strong_count(&token), RELEASED.load(SeqCst)), (6, 0));
    drop(clone);
    eventually(|| RELEASED.load(SeqCst) == 4);
    eventually(|| Arc::strong_count(&token) == 2);
    assert!(shared::contains(9));
}

#[test]
fn what_is_used_again_has_nothing_of_the_session_before() {
    #[memo(scope = "session", ttl = "1h", max_entries = 100)]
    fn data(x: usize, _session: usize) -> (usize, usize) {
        (x, _session)
    }
    for round in 0..200 {
        let session = Session::new();
        session.enter(|| {
            assert!(!data::contains(0));
            let stats = data::stats();
            assert_eq!((stats.misses, stats.hits, stats.entries), (0, 0, 0));
            for x in 0..10 {
                assert_eq!(data(x, round), (x, round));
                assert_eq!(data(x, 999), (x, round));
            }
            assert_eq!((data::stats().misses, data::stats().hits), (10, 10));
        });
    }
    let sum = data::stats();
    assert_eq!((sum.misses, sum.hits, sum.entries), (2000, 2000, 0));
}

#[test]
fn sessions_on_many_threads_never_see_each_other() {
    #[memo(scope = "session")]
    fn data(x: usize, _whose: (usize, usize)) -> (usize, usize) {
        _whose
    }
    together(4, |thread| {
        for round in 0..200 {
            let session = Session::new();
            session.enter(|| {
                for x in 0..10 {
                    assert_eq!(data(x, (thread, round)), (thread, round));
                    assert_eq!(data(x, (9, 9)), (thread, round));
                }
            });
        }
    });
    let sum = data::stats();
    assert_eq!((sum.misses, sum.hits, sum.entries), (8000, 8000, 0));
}

#[test]
fn what_runs_when_its_session_ends_is_not_found_by_another() {
    static RUNS: Runs = Runs::new();
    #[memo(scope = "session")]
    async fn data(x: u32) -> u32 {
        RUNS.awaited().await.unwrap() + x
    }
    // Carried out of its session, and so without a clone of it.
    let mut task = Task::new(data(0));
    let ann = Session::new();
    assert!(ann.enter(|| task.poll()).is_pending());
    drop(ann);
    let mut tasks: Vec<_> = (1..4).map(|number| (Session::new(), number)).collect();
    for (session, number) in &mut tasks {
        let mut other = Task::new(session.wrap(data(0)));
        assert!(other.poll().is_pending());
        RUNS.end(*number as usize, End::Returns(*number));
        assert_eq!(other.poll(), Poll::Ready(*number));
    }
    RUNS.end(0, End::Returns(100));
    assert_eq!(task.poll(), Poll::Ready(100));
    for (session, number) in &tasks {
        assert_eq!(session.enter(|| data::get(0)), Some(*number));
    }
    assert_eq!(data::get(0), None);
    // Its double is used again, and has nothing.
    let next = Session::new();
    assert_eq!(next.enter(|| (data::get(0), data::stats().misses)), (None, 0));
}

#[test]
fn a_wrapped_future_is_inside_on_whichever_thread_and_holds_the_session() {
    #[memo(scope = "session")]
    async fn data(_whose: &str) -> String {
        _whose.into()
    }
    static GATE: Gate = Gate::new();
    let ann = Session::new();
    let mut task = Task::new(ann.wrap(async {
        let first = data("ann").await;
        GATE.pass().await;
        (first, data("nobody").await)
    }));
    assert!(task.poll().is_pending());
    drop(ann);
    GATE.open();
    let (first, second) = thread::spawn(|| block_on(task)).join().unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("ann", "ann"));
    assert!(block_on(data("the process")) == "the process");
}

#[test]
fn a_wrapped_future_that_is_dropped_is_dropped_inside() {
    #[memo(scope = "session")]
    fn data(_whose: &str) -> String {
        _whose.into()
    }
    struct Last(mpsc::Sender<String>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(data("nobody")).unwrap();
        }
    }
    let (sender, dropped) = mpsc::channel();
    let ann = Session::new();
    ann.enter(|| data("ann"));
    for polls in 0..2 {
        let last = Last(sender.clone());
        let mut task = Task::new(ann.wrap(async move {
            let _last = last;
            std::future::pending::<()>().await;
        }));
        (0..polls).for_each(|_| assert!(task.poll().is_pending()));
        drop(task);
        assert_eq!(dropped.recv().unwrap(), "ann");
    }
}

#[test]
fn wrapping_adds_a_pointer_to_a_future() {
    let session = Session::new();
    let future = async {
        let held = [0_u64; 100];
        std::future::pending::<()>().await;
        assert_eq!(held.len(), 100);
    };
    let size = size_of_val(&future);
    assert_eq!(size_of_val(&session.wrap(future)), size + size_of::<usize>());
}

#[test]
fn clear_concerns_the_session_inside_and_all_of_them_outside() {
    #[memo(scope = "session")]
    fn data(x: u32) -> u32 {
        x
    }
    #[memo(scope = "session")]
    fn other(x: u32) -> u32 {
        x
    }
    let (ann, bob) = (Session::new(), Session::new());
    let fill = || {
        for session in [&ann, &bob] {
            session.enter(|| (data(1), other(1)));
        }
        data(1);
    };
    let held = || {
        let here = || data::contains(1);
        (here(), ann.enter(here), bob.enter(here))
    };
    fill();
    assert_eq!(held(), (true, true, true));
    ann.enter(data::clear);
    assert_eq!(held(), (true, false, true));
    fill();
    bob.clear();
    assert_eq!(held(), (true, true, false));
    assert!(ann.enter(|| other::contains(1)) && !bob.enter(|| other::contains(1)));
    fill();
    data::clear();
    assert_eq!(held(), (false, false, false));
    assert!(ann.enter(|| other::contains(1)) && bob.enter(|| other::contains(1)));
}

#[test]
fn companions_of_one_call_concern_the_session_or_outside_the_process() {
    #[memo(scope = "session")]
    fn data(x: u32) -> u32 {
        x
    }
    let ann = Session::new();
    data(1);
    ann.enter(|| {
        assert!(!data::contains(1) && data::get(1).is_none() && !data::remove(1));
        data::insert(1, 10);
        assert_eq!((data(1), data::refresh(1)), (10, 1));
    });
    assert!(data::remove(1));
    assert_eq!(ann.enter(|| data::get(1)), Some(1));
    data::insert(1, 7);
    assert_eq!((data(1), ann.enter(|| data(1))), (7, 1));
}

#[test]
fn a_functions_statistics_outside_are_those_of_all_sessions_the_ended_included() {
    #[memo(scope = "session", name = "sessions::summed")]
    fn data(x: u32) -> u32 {
        x
    }
    let ann = Session::new();
    ann.enter(|| {
        data(1);
        data(1);
        data(2);
    });
    Session::new().enter(|| (data(1), data(1), data(1)));
    data(5);
    let row = |all: Vec<memo::Stats>| {
        let mut rows = all.into_iter().filter(|it| it.name == "sessions::summed");
        let row = rows.next().unwrap();
        assert!(rows.next().is_none());
        (row.misses, row.hits, row.entries)
    };
    let sum = data::stats();
    assert_eq!((sum.misses, sum.hits, sum.entries), (4, 3, 3));
    assert_eq!(row(memo::stats()), (4, 3, 3));
    ann.enter(|| {
        assert_eq!((data::stats().misses, data::stats().hits), (2, 1));
        assert_eq!(row(memo::stats()), (4, 3, 3));
    });
    drop(ann);
    assert_eq!(row(memo::stats()), (4, 3, 1));
    assert!(memo::clear("sessions::summed") && !data::contains(5));
}

#[test]
fn a_function_that_is_only_called_in_sessions_is_known_after_their_end() {
    #[singleton(scope = "session", name = "sessions::known")]
    fn shared() -> u32 {
        1
    }
    Session::new().enter(shared);
    assert!(memo::singleton::stats().iter().any(|row| row.name == "sessions::known"));
    assert!(memo::clear("sessions::known"));
    assert_eq!(shared::stats().misses, 1);
}

#[test]
fn clearing_by_name_reaches_every_session_from_anywhere() {
    #[memo(scope = "session", name = "sessions::named")]
    fn data(x: u32) -> u32 {
        x
    }
    let (ann, bob) = (Session::new(), Session::new());
    ann.enter(|| data(1));
    bob.enter(|| data(1));
    assert!(Session::new().enter(|| memo::clear("sessions::named")));
    assert!(!ann.enter(|| data::contains(1)) && !bob.enter(|| data::contains(1)));
}

#[test]
fn eight_threads_in_one_session_share_one_computation() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(scope = "session")]
    fn data(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    for round in 0..50 {
        let session = Session::new();
        together(8, |_| session.enter(|| data(round)));
    }
    assert_eq!(RUNS.load(SeqCst), 50);
    assert_eq!((data::stats().misses, data::stats().hits), (50, 350));
}

#[test]
fn a_refresh_in_the_background_is_the_sessions_that_asked_for_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(scope = "session", ttl = "1h", refresh = "background")]
    fn data(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    memo::isolated(|| {
        let (ann, bob) = (Session::new(), Session::new());
        assert_eq!((ann.enter(|| data(0)), bob.enter(|| data(0))), (0, 1));
        memo::advance(Duration::from_secs(5400));
        assert_eq!(ann.enter(|| data(0)), 0);
        eventually(|| ann.enter(|| data(0)) == 2);
        assert_eq!((bob.enter(|| data::get(0)), data::get(0)), (Some(1), None));
    });
}

#[test]
fn sessions_in_an_isolated_block_have_nothing_of_outside_and_leave_nothing() {
    #[memo(scope = "session")]
    fn data(_place: u32) -> u32 {
        _place
    }
    #[singleton(scope = "session")]
    fn shared(_token: &Arc<()>) -> Arc<()> {
        Arc::clone(_token)
    }
    let token = Arc::new(());
    let ann = Session::new();
    assert_eq!(ann.enter(|| data(1)), 1);
    for place in 2..5 {
        memo::isolated(|| {
            assert_eq!(ann.enter(|| data(place)), place);
            let bob = Session::new();
            bob.enter(|| shared(&token));
            assert_eq!(Arc::strong_count(&token), 2);
            drop(bob);
            eventually(|| Arc::strong_count(&token) == 1);
            assert_eq!((data::stats().misses, shared::stats().misses), (1, 1));
            data::clear();
            assert_eq!(ann.enter(|| (data(9), data(10))), (9, 9));
            ann.clear();
            assert!(!ann.enter(data::contains));
            ann.enter(|| (data(place), shared(&token)));
        });
        eventually(|| Arc::strong_count(&token) == 1);
    }
    assert_eq!(ann.enter(|| data(7)), 1);
    assert_eq!(data::stats().misses, 1);
}

#[test]
fn an_isolated_block_in_a_session_has_a_clock_for_it() {
    #[memo(scope = "session", ttl = "1h")]
    fn data(_place: u32) -> u32 {
        _place
    }
    let ann = Session::new();
    ann.enter(|| {
        assert_eq!(data(1), 1);
        memo::isolated(|| {
            assert_eq!((data(2), data(3)), (2, 2));
            memo::advance(Duration::from_secs(3600));
            assert_eq!(data(4), 4);
            memo::clear_all();
            assert_eq!(data(5), 5);
        });
        assert_eq!(data(6), 1);
    });
}

#[test]
fn methods_generic_functions_and_traits_have_sessions() {
    struct Of(u32);
    impl Of {
        #[memo(scope = "session", skip(self))]
        fn own(&self) -> u32 {
            self.0
        }
    }
    #[memo(scope = "session")]
    fn any<T: std::str::FromStr + serde::Serialize + serde::de::DeserializeOwned>(
        _text: &str,
    ) -> Option<T> {
        _text.parse().ok()
    }
    trait Shape {
        fn area(&self, _scale: u32) -> u32;
    }
    #[derive(serde::Serialize)]
    struct Square;
    impl Shape for Square {
        #[memo(in_trait, scope = "session")]
        fn area(&self, _scale: u32) -> u32 {
            _scale
        }
    }
    let (ann, bob) = (Session::new(), Session::new());
    for (session, number) in [(&ann, 1), (&bob, 2), (&ann, 1), (&bob, 2)] {
        session.enter(|| {
            assert_eq!(Of(number).own(), number);
            assert_eq!(any::<u32>(&number.to_string()), Some(number));
            assert_eq!(any::<String>(&number.to_string()), Some(number.to_string()));
            assert_eq!(Square.area(number), number);
        });
    }
    assert_eq!(ann.enter(|| (Of(9).own(), any::<u32>("9"), Square.area(9))), (1, Some(1), 1));
}
