//! How long a singleton is good, and what is done at its end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use memo::singleton;

use crate::schedule::eventually;

/// A resource that can go stale, and that tells when it is released.
struct Session {
    number: usize,
    is_open: AtomicBool,
    released: Sender<usize>,
}

impl Session {
    fn new(number: usize, released: &Sender<usize>) -> Self {
        Self { number, is_open: AtomicBool::new(true), released: released.clone() }
    }

    fn is_open(&self) -> bool {
        self.is_open.load(SeqCst)
    }

    fn close(&self) {
        self.is_open.store(false, SeqCst);
    }

    fn release(&self) {
        let _ = self.released.send(self.number);
    }
}

/// The next one to be released. The bound is there for a failure to be one.
fn next(released: &Receiver<usize>) -> usize {
    released.recv_timeout(Duration::from_secs(10)).expect("nothing was released")
}

#[test]
fn what_is_no_longer_valid_is_replaced() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    #[singleton(validate = Session::is_open)]
    fn session(_released: &Sender<usize>) -> Session {
        Session::new(MADE.fetch_add(1, SeqCst), _released)
    }
    let (sender, _released) = channel();
    let first = session(&sender);
    assert!(Arc::ptr_eq(&first, &session(&sender)));
    first.close();
    let second = session(&sender);
    assert_eq!((first.number, second.number), (0, 1));
    assert!(Arc::ptr_eq(&second, &session(&sender)));
    let stats = session::stats();
    assert_eq!((stats.misses, stats.hits, stats.entries), (2, 2, 1));
}

#[test]
fn validity_is_asked_for_on_each_hit_and_of_nothing_fresh() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    #[singleton(validate = |number| ASKED.fetch_add(1, SeqCst) < 3 || *number > 0)]
    fn counted(x: usize) -> usize {
        x
    }
    for asked in 0..3 {
        counted(0);
        assert_eq!(ASKED.load(SeqCst), asked);
    }
    assert!(counted::get(0).is_some() && counted::contains(0));
    counted::refresh(0);
    assert_eq!(ASKED.load(SeqCst), 2);
    // Still good, then not, and the new one is not asked about.
    counted(0);
    counted(0);
    assert_eq!((ASKED.load(SeqCst), counted::stats().misses), (4, 2));
}

#[test]
fn an_error_instead_of_a_replacement_is_returned_and_the_next_call_tries_again() {
    static IS_DOWN: AtomicBool = AtomicBool::new(false);
    #[singleton(validate = Session::is_open)]
    fn session(_released: &Sender<usize>) -> Result<Session, &'static str> {
        if IS_DOWN.load(SeqCst) {
            return Err("down");
        }
        Ok(Session::new(0, _released))
    }
    let (sender, _released) = channel();
    session(&sender).ok().unwrap().close();
    IS_DOWN.store(true, SeqCst);
    assert_eq!(session(&sender).err(), Some("down"));
    assert!(!session::contains());
    IS_DOWN.store(false, SeqCst);
    assert!(session(&sender).is_ok_and(|session| session.is_open()));
}

#[test]
fn validate_may_use_the_function_that_it_is_for() {
    static IS_NESTED: AtomicBool = AtomicBool::new(false);
    fn is_valid(_: &usize) -> bool {
        if IS_NESTED.swap(true, SeqCst) {
            return true;
        }
        assert!(nested::get(1).is_some() && nested::contains(1));
        assert_eq!((*nested(1), nested::stats().entries), (1, 1));
        assert!(nested::remove(1));
        nested::refresh(1);
        nested::clear();
        assert!(!memo::singleton::stats().is_empty());
        IS_NESTED.store(false, SeqCst);
        false
    }
    #[singleton(validate = is_valid)]
    fn nested(x: usize) -> usize {
        x
    }
    nested(1);
    assert_eq!(*nested(1), 1);
}

#[test]
fn eight_threads_that_find_it_invalid_make_one_new_one() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static ALL_ASKED: Barrier = Barrier::new(8);
    fn is_new(session: &Session) -> bool {
        if session.number == 0 {
            ALL_ASKED.wait();
        }
        session.number > 0
    }
    #[singleton(validate = is_new)]
    fn session(_released: &Sender<usize>) -> Session {
        Session::new(MADE.fetch_add(1, SeqCst), _released)
    }
    let (sender, _released) = channel();
    assert_eq!(session(&sender).number, 0);
    thread::scope(|scope| {
        let threads = [(); 8].map(|()| scope.spawn(|| session(&sender)));
        assert!(threads.map(|thread| thread.join().unwrap().number).iter().all(|&n| n == 1));
    });
    assert_eq!(MADE.load(SeqCst), 2);
}

#[test]
fn what_the_cache_alone_holds_is_released_when_it_goes() {
    #[singleton(on_release = Session::release)]
    fn session(number: usize, _released: &Sender<usize>) -> Session {
        Session::new(number, _released)
    }
    let (sender, released) = channel();
    session(1, &sender);
    session::clear();
    assert_eq!(next(&released), 1);
    session(2, &sender);
    assert!(session::remove(2));
    assert_eq!(next(&released), 2);
    session(3, &sender);
    drop(session::refresh(3, &sender));
    assert_eq!(next(&released), 3);
    assert_eq!(released.try_recv(), Err(TryRecvError::Empty));
    session::clear();
    assert_eq!(next(&released), 3);
}

#[test]
fn what_is_replaced_is_released() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    #[singleton(validate = Session::is_open, on_release = Session::release)]
    fn session(_released: &Sender<usize>) -> Session {
        Session::new(MADE.fetch_add(1, SeqCst), _released)
    }
    let (sender, released) = channel();
    session(&sender).close();
    assert_eq!((session(&sender).number, next(&released)), (1, 0));
}

#[test]
fn what_somebody_holds_is_released_after_they_let_go() {
    #[singleton(on_release = Session::release)]
    fn session(number: usize, _released: &Sender<usize>) -> Session {
        Session::new(number, _released)
    }
    let (sender, released) = channel();
    let (held, also_held) = (session(0, &sender), session(0, &sender));
    assert!(session::remove(0));
    drop(also_held);
    // To release another one that was held takes a look at all; after two, one look is over.
    for number in [1, 2] {
        let other = session(number, &sender);
        session::clear();
        drop(other);
        assert_eq!(next(&released), number);
    }
    assert!(held.is_open());
    assert_eq!(released.try_recv(), Err(TryRecvError::Empty));
    drop(held);
    assert_eq!(next(&released), 0);
}

#[test]
fn a_resource_is_released_once_however_many_held_it() {
    #[singleton(on_release = Session::release)]
    fn session(number: usize, _released: &Sender<usize>) -> Session {
        Session::new(number, _released)
    }
    let (sender, released) = channel();
    for round in 0..100 {
        let held = [(); 4].map(|()| session(round, &sender));
        thread::scope(|scope| {
            for held in held {
                scope.spawn(move || drop(held));
            }
            scope.spawn(session::clear);
        });
        assert_eq!(next(&released), round);
    }
    drop(sender);
    // Every session has gone with its sender, so this is all that ever comes.
    assert_eq!(released.iter().count(), 0);
}

#[test]
fn on_release_may_use_the_function_that_it_is_for() {
    fn release(ending: &Session) {
        assert!(!session::contains(ending.number));
        session::clear();
        if ending.number == 0 {
            session(1, &ending.released);
            assert!(session::remove(1));
        }
        ending.release();
    }
    #[singleton(on_release = release)]
    fn session(number: usize, _released: &Sender<usize>) -> Session {
        Session::new(number, _released)
    }
    let (sender, released) = channel();
    session(0, &sender);
    session::clear();
    assert_eq!([next(&released), next(&released)], [1, 0]);
}

#[test]
fn an_arc_of_the_functions_own_is_released_too() {
    trait Port: Send + Sync {
        fn closed(&self);
    }
    impl Port for Session {
        fn closed(&self) {
            self.release();
        }
    }
    #[singleton(on_release = |port| port.closed())]
    fn port(number: usize, _released: &Sender<usize>) -> Result<Arc<dyn Port>, String> {
        Ok(Arc::new(Session::new(number, _released)))
    }
    let (sender, released) = channel();
    let held = port(7, &sender);
    port::clear();
    drop(held);
    assert_eq!(next(&released), 7);
}

#[test]
fn what_is_valid_and_old_is_refreshed_in_the_background() {
    static RUNS: Mutex<Vec<thread::ThreadId>> = Mutex::new(Vec::new());

    #[singleton(ttl = "20ms", refresh = "background", validate = |_| true)]
    fn session() -> usize {
        let mut runs = RUNS.lock().unwrap();
        runs.push(thread::current().id());
        runs.len()
    }

    // Whoever comes too late to have it refreshed runs the body.
    eventually(|| {
        session();
        RUNS.lock().unwrap().iter().any(|run| *run != thread::current().id())
    });
}
