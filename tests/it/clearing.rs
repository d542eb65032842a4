//! `clear`, `remove`, `insert` and `refresh` win over computations in flight.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Mutex;
use std::thread;

use memo::memo;

/// A body that tells when it runs, and waits to be let on.
struct Gate {
    inside: Sender<()>,
    go_on: Mutex<Receiver<u32>>,
}

impl Gate {
    /// The result of one pass: what it is let on with.
    fn pass(&self) -> u32 {
        self.inside.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap()
    }
}

fn gate() -> (Gate, Receiver<()>, Sender<u32>) {
    let (inside, is_inside) = channel();
    let (let_on, go_on) = channel();
    (Gate { inside, go_on: Mutex::new(go_on) }, is_inside, let_on)
}

/// A memoized function whose body is held at a gate while `$meanwhile` happens.
macro_rules! while_in_flight {
    ($function:ident, $meanwhile:expr, $after:expr) => {{
        #[memo]
        fn $function(key: u32, _gate: &Gate) -> u32 {
            let _ = key;
            _gate.pass()
        }
        let (gate, is_inside, let_on) = gate();
        thread::scope(|scope| {
            let old = scope.spawn(|| $function(1, &gate));
            is_inside.recv().unwrap();
            $meanwhile;
            let_on.send(1).unwrap();
            // The caller that computed gets its own.
            assert_eq!(old.join().unwrap(), 1);
        });
        let after: fn(&Gate, &Sender<u32>) = $after;
        after(&gate, &let_on);
    }};
}

#[test]
fn a_late_result_is_not_stored_after_clear() {
    while_in_flight!(cleared, cleared::clear(), |gate, let_on| {
        assert_eq!(cleared::stats().entries, 0);
        assert_eq!(cleared::get(1), None);
        let_on.send(2).unwrap();
        assert_eq!(cleared(1, gate), 2);
    });
}

#[test]
fn a_late_result_is_not_stored_after_remove() {
    while_in_flight!(removed, assert!(!removed::remove(1)), |gate, let_on| {
        assert!(!removed::contains(1));
        let_on.send(2).unwrap();
        assert_eq!(removed(1, gate), 2);
        assert!(removed::remove(1));
    });
}

#[test]
fn a_late_result_does_not_replace_what_was_inserted() {
    while_in_flight!(inserted, inserted::insert(1, 5), |_, _| {
        assert_eq!(inserted::get(1), Some(5));
    });
}

#[test]
fn removing_another_key_leaves_a_flight_alone() {
    while_in_flight!(kept, assert!(!kept::remove(2)), |_, _| {
        assert_eq!(kept::get(1), Some(1));
    });
}

#[test]
fn a_call_after_clear_does_not_join_the_flight_from_before() {
    #[memo]
    fn held(key: u32, _gate: &Gate) -> u32 {
        let _ = key;
        _gate.pass()
    }
    let (old_gate, old_inside, old_on) = gate();
    let (new_gate, new_inside, new_on) = gate();
    thread::scope(|scope| {
        let old = scope.spawn(|| held(1, &old_gate));
        old_inside.recv().unwrap();
        held::clear();
        let new = scope.spawn(|| held(1, &new_gate));
        new_inside.recv().unwrap();
        new_on.send(2).unwrap();
        assert_eq!(new.join().unwrap(), 2);
        old_on.send(1).unwrap();
        assert_eq!(old.join().unwrap(), 1);
    });
    assert_eq!(held::get(1), Some(2));
}

#[test]
fn who_waits_during_clear_does_not_get_what_was_computed_before() {
    #[memo]
    fn awaited(key: u32, _gate: &Gate) -> u32 {
        let _ = key;
        _gate.pass()
    }
    let (old_gate, old_inside, old_on) = gate();
    let (new_gate, _new_inside, new_on) = gate();
    thread::scope(|scope| {
        let old = scope.spawn(|| awaited(1, &old_gate));
        old_inside.recv().unwrap();
        // Waits for the flight, or comes too late for it: both are after the clear's epoch only.
        let waiter = scope.spawn(|| awaited(1, &new_gate));
        awaited::clear();
        new_on.send(2).unwrap();
        assert_eq!(waiter.join().unwrap(), 2);
        old_on.send(1).unwrap();
        old.join().unwrap();
    });
    assert_eq!(awaited::get(1), Some(2));
}

#[test]
fn a_refresh_replaces_and_fences() {
    while_in_flight!(
        refreshed,
        {
            let (gate, inside, let_on) = gate();
            let_on.send(7).unwrap();
            assert_eq!(refreshed::refresh(1, &gate), 7);
            drop(inside);
        },
        |_, _| assert_eq!(refreshed::get(1), Some(7))
    );
}

#[test]
fn nothing_computed_before_a_clear_is_served_after_it() {
    static EPOCH: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn epoch(key: u32) -> u32 {
        let _ = key;
        EPOCH.load(SeqCst)
    }
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..4 {
            let done = &done;
            scope.spawn(move || {
                for call in 0..20_000_u32 {
                    // Read before the call: the call must not answer with anything older.
                    let at_least = EPOCH.load(SeqCst);
                    let served = epoch((call + number) % 3);
                    // The epoch advances before `clear`, so one clear may not have returned yet.
                    assert!(served + 1 >= at_least, "{served} was served at {at_least}");
                }
                done.fetch_add(1, SeqCst);
            });
        }
        while done.load(SeqCst) < 4 {
            EPOCH.fetch_add(1, SeqCst);
            epoch::clear();
        }
    });
    let now = EPOCH.load(SeqCst);
    epoch::clear();
    assert_eq!(epoch(0), now);
}
