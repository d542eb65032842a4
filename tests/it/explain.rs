//! `func::explain(…)`: why the next call would be a hit or a miss.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use memo::{memo, singleton, Why};

const SECOND: Duration = Duration::from_secs(1);

/// What an age may differ by from what it should be.
fn is_about(age: Duration, meant: Duration) -> bool {
    age >= meant.saturating_sub(SECOND) && age < meant + 60 * SECOND
}

#[test]
fn what_is_stored_is_a_hit_and_says_how_old_it_is() {
    #[memo]
    fn lasting(x: u64) -> u64 {
        x
    }
    #[memo(ttl = "10m")]
    fn expiring(x: u64) -> u64 {
        x
    }
    #[memo(max_entries = 9)]
    fn bounded(x: u64) -> u64 {
        x
    }
    #[singleton(idle = "10m")]
    fn idle(x: u64) -> String {
        x.to_string()
    }
    memo::isolated(|| {
        lasting(4);
        expiring(4);
        bounded(4);
        idle(4);
        memo::advance(120 * SECOND);
        let all =
            [lasting::explain(4), bounded::explain(4), expiring::explain(4), idle::explain(4)];
        for (at, explanation) in all.iter().enumerate() {
            let Why::Hit { age, left } = explanation.why() else { panic!("{explanation}") };
            assert!(is_about(*age, 120 * SECOND), "{explanation}");
            match left {
                None => assert!(at < 2, "{explanation}"),
                Some(left) => assert!(at >= 2 && is_about(*left, 480 * SECOND), "{explanation}"),
            }
        }
    });
}

#[test]
fn a_new_result_is_young_whatever_was_stored_before_it() {
    #[memo(max_entries = 3)]
    fn bounded(x: u64) -> u64 {
        x
    }
    #[memo]
    fn unbounded(x: u64) -> u64 {
        x
    }
    memo::isolated(|| {
        for x in 0..9 {
            bounded(x);
            unbounded(x);
            memo::advance(3600 * SECOND);
        }
        bounded::insert(9, 9);
        unbounded::refresh(8);
        for explanation in [bounded::explain(9), unbounded::explain(8)] {
            let Why::Hit { age, .. } = explanation.why() else { panic!("{explanation}") };
            assert!(is_about(*age, Duration::ZERO), "{explanation}");
        }
        let Why::Hit { age, .. } = *unbounded::explain(0).why() else { panic!("it is stored") };
        assert!(is_about(age, 9 * 3600 * SECOND));
    });
}

#[test]
fn what_was_never_called_is_said_never_to_have_been() {
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    assert_eq!(square::explain(4).why(), &Why::Never);
    square(5);
    assert_eq!(square::explain(4).why(), &Why::Never);
}

#[test]
fn what_is_too_old_has_expired_for_as_long_as_it_is() {
    #[memo(ttl = "10m")]
    fn square(x: u64) -> u64 {
        x * x
    }
    #[memo(ttl = "10m", stale_if_error = "1d")]
    fn kept(x: u64) -> Result<u64, String> {
        Ok(x)
    }
    memo::isolated(|| {
        square(4);
        kept(4).unwrap();
        memo::advance(900 * SECOND);
        for explanation in [square::explain(4), kept::explain(4)] {
            let Why::Expired { ago } = explanation.why() else { panic!("{explanation}") };
            assert!(is_about(*ago, 300 * SECOND), "{explanation}");
        }
        assert_eq!(square::stats().expirations, 1);
    });
}

#[test]
fn what_went_for_room_was_evicted() {
    #[memo(max_entries = 10)]
    fn square(x: u64) -> u64 {
        x * x
    }
    (0..200).for_each(|x| {
        square(x);
    });
    let evicted = |x: &u64| square::explain(*x).why() == &Why::Evicted;
    assert_eq!((0..200).filter(evicted).count(), 190);
    assert_eq!((0..200).filter(|x| square::contains(*x)).count(), 10);
}

#[test]
fn of_thousands_that_went_the_last_256_are_remembered() {
    #[memo(max_entries = 10)]
    fn square(x: u64) -> u64 {
        x * x
    }
    (0..5000).for_each(|x| {
        square(x);
    });
    let evicted = |x: &u64| square::explain(*x).why() == &Why::Evicted;
    assert_eq!((0..5000).filter(evicted).count(), 256);
    assert_eq!(square::explain(0).why(), &Why::Never);
}

#[test]
fn what_was_cleared_says_so_however_it_was() {
    #[memo(tags(format!("explain:{x}")))]
    fn square(x: u64) -> u64 {
        x * x
    }
    memo::isolated(|| {
        let clears: [fn(); 4] = [
            square::clear,
            memo::clear_all,
            || memo::clear_tag("explain:4"),
            || assert!(memo::clear(square::stats().name)),
        ];
        for clear in clears {
            square(4);
            clear();
            memo::advance(30 * SECOND);
            let explanation = square::explain(4);
            let Why::Cleared { ago } = explanation.why() else { panic!("{explanation}") };
            assert!(is_about(*ago, 30 * SECOND));
        }
        assert_eq!(square::explain(5).why(), &Why::Never);
    });
}

#[test]
fn a_clear_of_more_than_is_remembered_is_said_of_all_until_as_many_were_missed() {
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    (0..1000).for_each(|x| {
        square(x);
    });
    square::clear();
    for x in (0..1000).rev() {
        assert!(matches!(square::explain(x).why(), Why::Cleared { .. }));
        square(x);
    }
    square(1000);
    assert_eq!(square::explain(1001).why(), &Why::Never);
}

#[test]
fn what_was_removed_says_so_however_it_was() {
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    #[singleton(validate = |text| text.is_empty())]
    fn text(x: u64) -> String {
        x.to_string()
    }
    for remove in [|| assert!(square::remove(4)), || assert_eq!(square::retain(|_| false), 1)] {
        square(4);
        remove();
        assert_eq!(square::explain(4).why(), &Why::Removed);
        square(4);
        assert!(matches!(square::explain(4).why(), Why::Hit { .. }));
    }
    text(4);
    assert!(text::remove(4));
    assert_eq!(text::explain(4).why(), &Why::Removed);
}

#[test]
fn what_failed_was_refused_or_lives_for_no_time_was_not_stored() {
    #[memo]
    fn checked(x: u64) -> Result<u64, String> {
        Err(x.to_string())
    }
    #[memo(cache_if = |x| *x > 9)]
    fn large(x: u64) -> u64 {
        x
    }
    #[memo(ttl = |x: &u64| Duration::from_secs(*x))]
    fn lasting(x: u64) -> u64 {
        x
    }
    #[memo(clone, cache_if = |x| *x > 9)]
    fn kept(x: u64) -> u64 {
        x
    }
    #[memo(max_bytes = 8)]
    fn short(x: &str) -> String {
        x.to_owned()
    }
    #[singleton]
    fn pool(x: u64) -> Result<String, String> {
        Err(x.to_string())
    }
    checked(4).unwrap_err();
    large(4);
    lasting(0);
    kept(4);
    short("a long text");
    pool(4).unwrap_err();
    let all = [
        checked::explain(4),
        large::explain(4),
        lasting::explain(0),
        kept::explain(4),
        short::explain("a long text"),
        pool::explain(4),
    ];
    for explanation in all {
        assert_eq!(explanation.why(), &Why::NotStored, "{explanation}");
    }
}

#[test]
fn what_panicked_was_not_computed() {
    #[memo]
    fn square(x: u64) -> u64 {
        assert!(x > 9, "too small");
        x * x
    }
    assert!(thread::spawn(|| square(4)).join().is_err());
    assert_eq!(square::explain(4).why(), &Why::Never);
}

#[test]
fn what_makes_no_key_or_cannot_be_encoded_runs_uncached() {
    struct Keyless;
    impl serde::Serialize for Keyless {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no key"))
        }
    }
    #[derive(serde::Deserialize)]
    struct Valueless;
    impl serde::Serialize for Valueless {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no value"))
        }
    }
    #[memo]
    fn keyless(_key: &Keyless, key: Keyless) -> u64 {
        let _ = key;
        4
    }
    #[memo]
    fn valueless(x: u64) -> Valueless {
        let _ = x;
        Valueless
    }
    assert_eq!(keyless::explain(Keyless).why(), &Why::Uncacheable);
    assert_eq!(keyless::stats().uncacheable, 0);
    assert_eq!(keyless(&Keyless, Keyless), 4);
    valueless(4);
    assert_eq!(valueless::explain(4).why(), &Why::Uncacheable);
}

#[test]
fn what_is_being_computed_says_so() {
    #[memo]
    fn slow(x: u64, _begun: &mpsc::Sender<()>, _end: &mpsc::Receiver<()>) -> u64 {
        _begun.send(()).unwrap();
        _end.recv().unwrap();
        x
    }
    let ((begun, begins), (end, ends)) = (mpsc::channel(), mpsc::channel());
    let computing = thread::spawn(move || slow(4, &begun, &ends));
    begins.recv().unwrap();
    assert!(matches!(slow::explain(4).why(), Why::InFlight { .. }));
    assert_eq!(slow::explain(5).why(), &Why::Never);
    end.send(()).unwrap();
    computing.join().unwrap();
    assert!(matches!(slow::explain(4).why(), Why::Hit { .. }));
}

#[test]
fn what_is_cleared_or_removed_while_it_is_computed_says_so() {
    #[memo]
    fn cleared(x: u64) -> u64 {
        cleared::clear();
        x
    }
    #[memo]
    fn removed(x: u64) -> u64 {
        removed::remove(x);
        x
    }
    cleared(4);
    removed(4);
    assert!(matches!(cleared::explain(4).why(), Why::Cleared { .. }));
    assert_eq!(removed::explain(4).why(), &Why::Removed);
}

#[test]
fn to_explain_counts_nothing_and_renews_nothing() {
    #[memo(idle = "10m", max_entries = 2)]
    fn square(x: u64) -> u64 {
        x * x
    }
    memo::isolated(|| {
        square(4);
        let before = square::stats();
        memo::advance(300 * SECOND);
        for x in 0..9 {
            let _ = square::explain(x);
        }
        assert_eq!(square::stats(), before);
        memo::advance(300 * SECOND);
        assert!(matches!(square::explain(4).why(), Why::Expired { .. }));
    });
}

#[test]
fn a_block_of_a_test_remembers_nothing_of_the_one_before() {
    #[memo]
    fn square(x: u64) -> u64 {
        x * x
    }
    for _ in 0..3 {
        memo::isolated(|| {
            assert_eq!(square::explain(4).why(), &Why::Never);
            square(4);
            square::remove(4);
            assert_eq!(square::explain(4).why(), &Why::Removed);
        });
    }
}

#[test]
fn methods_and_given_keys_are_explained_and_the_sentence_names_the_function() {
    #[derive(serde::Serialize)]
    struct Rect(u64, u64);
    impl Rect {
        #[memo]
        fn area(&self, scale: u64) -> u64 {
            self.0 * self.1 * scale
        }
    }
    #[memo(key = name.len(), name = "lengths")]
    fn length(name: &str, _other: u64) -> usize {
        name.len()
    }
    let rect = Rect(2, 3);
    assert_eq!(rect.area_explain(4).why(), &Why::Never);
    rect.area(4);
    assert!(matches!(rect.area_explain(4).why(), Why::Hit { .. }));
    assert!(rect.area_explain(5).to_string().contains("area` computes this call"));
    length("four", 1);
    assert!(matches!(length::explain("five").why(), Why::Hit { .. }));
    assert!(length::explain("five").to_string().starts_with("`lengths` answers"));
    assert_eq!(length::explain("five").function(), "lengths");
}
