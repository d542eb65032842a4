//! What a function without a scope computes from one with it, in a session, is for its caller alone.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Arc, Barrier};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use memo::{memo, singleton, Session};

use crate::schedule::{block_on, eventually, End, Gate, Runs, Task};

#[memo(scope = "session")]
fn name(_whose: &str) -> String {
    _whose.into()
}

/// Pending once.
async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

fn ann_and_bob() -> (Session, Session) {
    let (ann, bob) = (Session::new(), Session::new());
    ann.enter(|| name("ann"));
    bob.enter(|| name("bob"));
    (ann, bob)
}

#[test]
fn a_result_that_was_computed_from_a_session_is_not_stored() {
    #[memo]
    fn page(number: u32) -> String {
        format!("{} {number}", name("nobody"))
    }
    let (ann, bob) = ann_and_bob();
    for _ in 0..2 {
        assert_eq!(ann.enter(|| page(1)), "ann 1");
        assert_eq!(bob.enter(|| page(1)), "bob 1");
    }
    assert!(!page::contains(1));
    let stats = page::stats();
    assert_eq!((stats.misses, stats.uncacheable, stats.entries), (4, 4, 0));
}

#[test]
fn outside_sessions_it_is_stored_and_so_is_what_has_nothing_of_a_session() {
    #[memo]
    fn page(number: u32) -> String {
        format!("{} {number}", name("the process"))
    }
    #[memo]
    fn plain(x: u32) -> u32 {
        x
    }
    page(1);
    assert!(page::contains(1));
    let (ann, _) = ann_and_bob();
    ann.enter(|| plain(1));
    assert_eq!((plain::get(1), plain::stats().uncacheable), (Some(1), 0));
}

#[test]
fn a_function_of_the_same_session_stores_what_it_computes_and_of_another_does_not() {
    #[memo(scope = "session")]
    fn page(number: u32) -> String {
        format!("{} {number}", name("nobody"))
    }
    #[memo(scope = "session")]
    fn page_as(_other: &Session, number: u32) -> String {
        _other.enter(|| format!("{} {number}", name("nobody")))
    }
    let (ann, bob) = ann_and_bob();
    assert_eq!(ann.enter(|| page(1)), "ann 1");
    assert!(ann.enter(|| page::contains(1)));
    assert_eq!(ann.enter(|| page_as(&bob, 1)), "bob 1");
    assert_eq!(page_as(&bob, 1), "bob 1");
    assert!(!ann.enter(|| page_as::contains(1)) && !page_as::contains(1));
}

#[test]
fn looking_is_enough_and_it_reaches_through_all_that_is_around() {
    #[memo]
    fn looks(x: u32) -> (u32, Option<String>) {
        (x, name::get())
    }
    #[memo(enabled = false)]
    fn disabled(x: u32) -> (u32, Option<String>) {
        looks(x)
    }
    #[memo]
    fn outermost(x: u32) -> (u32, Option<String>) {
        disabled(x)
    }
    let (ann, bob) = ann_and_bob();
    assert_eq!(ann.enter(|| outermost(1)), (1, Some("ann".into())));
    assert_eq!(bob.enter(|| outermost(1)), (1, Some("bob".into())));
    assert!(!outermost::contains(1) && !looks::contains(1));
}

#[test]
fn it_reaches_through_tasks() {
    #[memo(scope = "session")]
    async fn slow_name(_whose: &str) -> String {
        pause().await;
        _whose.into()
    }
    #[memo]
    async fn inner(x: u32, _whose: &'static str) -> String {
        format!("{} {x}", slow_name(_whose).await)
    }
    #[memo]
    async fn page(x: u32, _whose: &'static str) -> String {
        pause().await;
        inner(x, _whose).await
    }
    let (ann, bob) = (Session::new(), Session::new());
    assert_eq!(block_on(ann.wrap(page(1, "ann"))), "ann 1");
    assert_eq!(block_on(bob.wrap(page(1, "bob"))), "bob 1");
    // A hit in the session is told as well as a miss.
    assert_eq!(block_on(ann.wrap(page(1, "nobody"))), "ann 1");
    assert!(!page::contains(1) && !inner::contains(1));
    assert_eq!((page::stats().uncacheable, inner::stats().uncacheable), (3, 3));
}

#[test]
fn who_waits_computes_for_itself() {
    static ENTERED: Barrier = Barrier::new(2);
    static IS_FIRST: AtomicBool = AtomicBool::new(true);
    static GO: Barrier = Barrier::new(2);
    #[memo]
    fn page(x: u32) -> String {
        if IS_FIRST.swap(false, SeqCst) {
            ENTERED.wait();
            GO.wait();
        }
        format!("{} {x}", name("nobody"))
    }
    let (ann, bob) = ann_and_bob();
    thread::scope(|scope| {
        let of_ann = scope.spawn(|| ann.enter(|| page(1)));
        ENTERED.wait();
        let (sender, waits) = mpsc::channel();
        let bob = &bob;
        let of_bob = scope.spawn(move || {
            bob.enter(|| {
                sender.send(()).unwrap();
                page(1)
            })
        });
        waits.recv().unwrap();
        GO.wait();
        assert_eq!(
            (of_ann.join().unwrap(), of_bob.join().unwrap()),
            ("ann 1".into(), "bob 1".into())
        );
    });
    assert_eq!((page::stats().misses, page::stats().hits, page::stats().entries), (2, 0, 0));
}

#[test]
fn a_task_that_waits_computes_for_itself() {
    static GATE: Gate = Gate::new();
    #[memo]
    async fn page(x: u32) -> String {
        GATE.pass().await;
        format!("{} {x}", name("nobody"))
    }
    let (ann, bob) = ann_and_bob();
    let (mut of_ann, mut of_bob) = (Task::new(ann.wrap(page(1))), Task::new(bob.wrap(page(1))));
    assert!(of_ann.poll().is_pending() && of_bob.poll().is_pending());
    GATE.open();
    assert_eq!(of_ann.poll(), Poll::Ready("ann 1".into()));
    assert_eq!(of_bob.poll(), Poll::Ready("bob 1".into()));
}

#[test]
fn a_resource_of_a_session_is_its_callers() {
    #[singleton]
    fn connection(x: u32) -> String {
        format!("{} {x}", name("nobody"))
    }
    let (ann, bob) = ann_and_bob();
    assert_eq!(*ann.enter(|| connection(1)), "ann 1");
    assert_eq!(*bob.enter(|| connection(1)), "bob 1");
    assert!(!connection::contains(1));
    assert_eq!(connection::stats().uncacheable, 2);
}

#[test]
fn a_refresh_from_a_session_leaves_nothing_behind() {
    #[memo]
    fn page(x: u32) -> String {
        format!("{} {x}", name("the process"))
    }
    name("the process");
    let (ann, _) = ann_and_bob();
    page(1);
    assert!(page::contains(1));
    assert_eq!(ann.enter(|| page::refresh(1)), "ann 1");
    assert!(!page::contains(1));
}

#[test]
fn a_refresh_in_the_background_from_a_session_is_not_stored() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(ttl = "1h", refresh = "background")]
    fn page(x: u32) -> String {
        let text = format!("{} {x}", name("nobody"));
        RUNS.fetch_add(1, SeqCst);
        text
    }
    memo::isolated(|| {
        name("the process");
        assert_eq!(page(1), "the process 1");
        memo::advance(Duration::from_secs(5400));
        let ann = Session::new();
        ann.enter(|| name("ann"));
        assert_eq!(ann.enter(|| page(1)), "the process 1");
        eventually(|| RUNS.load(SeqCst) == 2 && page::stats().uncacheable == 1);
        assert_ne!(page(1), "ann 1");
    });
}

#[test]
fn an_error_from_a_session_is_not_told_to_who_waits() {
    static RUNS: Runs = Runs::new();
    #[memo(share_err)]
    fn page(x: u32) -> Result<u32, String> {
        RUNS.held()?;
        Err(format!("{} {x}", name("nobody")))
    }
    let (ann, bob) = ann_and_bob();
    thread::scope(|scope| {
        let of_ann = scope.spawn(|| ann.enter(|| page(1)));
        RUNS.wait_for(1);
        let (sender, waits) = mpsc::channel();
        let bob = &bob;
        let of_bob = scope.spawn(move || {
            bob.enter(|| {
                sender.send(()).unwrap();
                page(1)
            })
        });
        waits.recv().unwrap();
        RUNS.end(0, End::Returns(0));
        assert_eq!(of_ann.join().unwrap(), Err("ann 1".into()));
        RUNS.wait_for(2);
        RUNS.end(1, End::Returns(0));
        assert_eq!(of_bob.join().unwrap(), Err("bob 1".into()));
    });
}

#[test]
fn an_old_result_answers_for_a_session_whose_call_fails() {
    static FAILS: AtomicBool = AtomicBool::new(false);
    #[memo(ttl = "1h", stale_if_error = "1d")]
    fn page(x: u32) -> Result<String, String> {
        let text = format!("{} {x}", name("the process"));
        if FAILS.load(SeqCst) {
            Err(text)
        } else {
            Ok(text)
        }
    }
    memo::isolated(|| {
        assert_eq!(page(1), Ok("the process 1".into()));
        memo::advance(Duration::from_secs(7200));
        FAILS.store(true, SeqCst);
        let ann = Session::new();
        ann.enter(|| name("ann"));
        assert_eq!(ann.enter(|| page(1)), Ok("the process 1".into()));
        FAILS.store(false, SeqCst);
        assert_eq!(ann.enter(|| page(1)), Ok("ann 1".into()));
        assert!(!page::contains(1));
    });
}

#[test]
fn with_clones_and_errors_stored_it_is_the_same() {
    #[memo(clone, cache_err)]
    fn page(x: u32) -> Result<Arc<str>, Arc<str>> {
        let text = format!("{} {x}", name("nobody")).into();
        if x == 0 {
            Err(text)
        } else {
            Ok(text)
        }
    }
    let (ann, bob) = ann_and_bob();
    for x in 0..2 {
        assert_ne!(ann.enter(|| page(x)), bob.enter(|| page(x)));
        assert!(!page::contains(x));
    }
}

#[test]
fn another_key_of_the_same_function_is_stored_as_ever() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn page(x: u32) -> String {
        RUNS.fetch_add(1, SeqCst);
        if x == 0 {
            name("nobody")
        } else {
            x.to_string()
        }
    }
    let (ann, bob) = ann_and_bob();
    for session in [&ann, &bob] {
        session.enter(|| (page(0), page(1), page(0), page(1)));
    }
    assert_eq!((RUNS.load(SeqCst), page::stats().entries), (5, 1));
}

#[test]
fn what_ends_in_another_session_computes_nothing_that_anybody_finds() {
    struct Connection(String);
    #[memo(scope = "session")]
    fn name(_user: &str) -> String {
        _user.to_owned()
    }
    #[singleton(scope = "session", on_release = released)]
    fn connection(_user: &str) -> Connection {
        Connection(_user.to_owned())
    }
    fn released(connection: &Connection) {
        name(&connection.0);
    }
    let (ann, bob) = (Session::new(), Session::new());
    drop(ann.enter(|| connection("ann")));
    bob.enter(|| drop(ann));
    assert_eq!(bob.enter(|| name("bob")), "bob");
    assert_eq!(name("nobody"), "nobody");
}

#[test]
fn a_session_is_there_in_the_destructors_of_a_thread() {
    #[memo(scope = "session")]
    fn name(_user: &str) -> String {
        _user.to_owned()
    }
    #[memo]
    fn greeting(_user: &str) -> String {
        format!("hello {}", name(_user))
    }
    struct Bye(Session);
    impl Drop for Bye {
        fn drop(&mut self) {
            self.0.enter(|| greeting("ann"));
        }
    }
    thread_local!(static BYE: std::cell::RefCell<Option<Bye>> = const { std::cell::RefCell::new(None) });
    let (ann, bob) = (Session::new(), Session::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            BYE.with(|bye| *bye.borrow_mut() = Some(Bye(ann.clone())));
            ann.enter(|| ());
        });
    });
    assert_eq!(bob.enter(|| greeting("bob")), "hello bob");
}

#[test]
fn what_is_counted_after_a_session_has_ended_is_counted() {
    #[memo(scope = "session")]
    fn late(x: u32) -> u32 {
        x
    }
    struct Ends(Session);
    let ends = std::cell::RefCell::new(Some(Ends(Session::new())));
    // The session ends inside itself, where two more calls are made.
    let share = ends.borrow().as_ref().map(|ends| ends.0.clone()).unwrap();
    share.enter(|| late(0));
    let misses = || late::stats().misses;
    assert_eq!(misses(), 1);
    let mut call = Box::pin(share.wrap(async {
        late(1);
    }));
    drop((ends.take(), share));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::future::Future::poll(call.as_mut(), &mut context).is_ready());
    drop(call);
    assert_eq!(misses(), 2);
    Session::new().enter(|| late(2));
    assert_eq!(misses(), 3);
}
