//! Functions of sessions, which are cleared from anywhere.

use memo::{memo, singleton, Session};

use crate::alone;
use crate::source::{nothing_stale, Source};

#[test]
fn every_session_is_cleared_from_outside_and_from_inside_another() {
    #[memo(scope = "session")]
    fn data(key: u64) -> u64 {
        key
    }
    #[singleton(scope = "session")]
    fn shared(key: u64) -> u64 {
        key
    }
    let _alone = alone();
    let sessions: Vec<_> = (0..100).map(|_| Session::new()).collect();
    let fill = || sessions.iter().for_each(|it| it.enter(|| drop((data(1), shared(1)))));
    let held = || {
        let held = |it: &Session| it.enter(|| (data::contains(1), shared::contains(1)));
        let held: Vec<_> = sessions.iter().map(held).collect();
        (held.iter().filter(|it| it.0).count(), held.iter().filter(|it| it.1).count())
    };
    fill();
    assert_eq!(held(), (100, 100));
    memo::clear_all();
    assert_eq!(held(), (0, 100));
    fill();
    Session::new().enter(memo::clear_all);
    assert_eq!(held(), (0, 100));
    sessions[0].enter(memo::singleton::clear_all);
    assert_eq!(held(), (0, 0));
}

#[test]
fn nothing_in_a_sessions_chain_of_functions_outlives_a_clear_of_all() {
    static SOURCE: Source = Source::new();
    #[memo(scope = "session")]
    fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo(scope = "session")]
    fn middle(key: u64) -> u64 {
        inner(key)
    }
    #[memo(scope = "session")]
    fn outer(key: u64) -> u64 {
        middle(key)
    }
    static SESSION: std::sync::LazyLock<Session> = std::sync::LazyLock::new(Session::new);
    let _alone = alone();
    nothing_stale(
        &SOURCE,
        400,
        memo::clear_all,
        [
            |key| SESSION.enter(|| outer(key)),
            |key| SESSION.enter(|| middle(key)),
            |key| SESSION.enter(|| inner(key)),
        ],
    );
}

#[test]
fn ten_thousand_sessions_end_in_any_order_and_memory_is_used_again() {
    #[memo(scope = "session", name = "clear_all::many")]
    fn data(key: u64, _whose: usize) -> (u64, usize) {
        (key, _whose)
    }
    const SESSIONS: usize = 10_000;
    let _alone = alone();
    for round in 1..3 {
        let mut sessions: Vec<_> = (0..SESSIONS).map(|_| Session::new()).collect();
        for (number, session) in sessions.iter().enumerate() {
            session.enter(|| {
                for key in 0..10 {
                    assert_eq!(data(key, number), (key, number));
                }
            });
        }
        assert_eq!(data::stats().entries, 10 * SESSIONS);
        let mut at = 7;
        while !sessions.is_empty() {
            at = (at * 31 + 17) % sessions.len();
            sessions.swap_remove(at);
        }
        let sum = data::stats();
        assert_eq!((sum.entries, sum.misses), (0, (10 * SESSIONS * round) as u64));
        assert_eq!(memo::stats().iter().filter(|row| row.name == "clear_all::many").count(), 1);
    }
}
