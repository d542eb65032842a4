//! Types whose serde code does not treat all values alike, and still no wrong answer.

use std::cell::{Cell, RefCell};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;

use memo::{memo, singleton};
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{Error, Serializer};
use serde::{Deserialize, Serialize};

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[test]
fn an_untagged_enum_comes_back_as_the_variant_it_was() {
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    #[serde(untagged)]
    enum Id {
        Small(u8),
        Large(u64),
    }
    #[memo]
    fn large(n: u64) -> Id {
        Id::Large(n)
    }
    // Too large for the variant that is tried first.
    assert_eq!((large(300), large(300)), (Id::Large(300), Id::Large(300)));
    // Serde reads this one back as the other variant, so it is not stored.
    assert_eq!((large(5), large(5)), (Id::Large(5), Id::Large(5)));
    let stats = large::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (3, 1, 2));

    #[memo]
    fn small(n: u8) -> Id {
        Id::Small(n)
    }
    assert_eq!((small(5), small(5)), (Id::Small(5), Id::Small(5)));
    assert_eq!(small::stats().hits, 1);
}

#[test]
fn like_variants_of_two_enums_are_told_apart() {
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    enum Full {
        Some { f: u32 },
    }
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    enum Sparse {
        Some {
            f: u32,
            #[serde(default, skip_serializing_if = "is_zero")]
            g: u64,
        },
        None,
    }
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    struct Both {
        full: Full,
        sparse: Sparse,
        tail: Vec<u64>,
    }
    #[memo]
    fn both(is_sparse: bool) -> Both {
        let full = Full::Some { f: 1 };
        if is_sparse {
            // Says to serde what `full` says, and means another field.
            Both { full, sparse: Sparse::Some { f: 2, g: 0 }, tail: vec![1, 7] }
        } else {
            Both { full, sparse: Sparse::None, tail: vec![] }
        }
    }
    both(false);
    let first = both(true);
    assert_eq!(both(true), first);
    assert_eq!(both::stats().hits, 1);
}

#[test]
fn like_structs_of_a_generic_functions_instances_are_told_apart() {
    mod full {
        #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        pub(super) struct List {
            pub(super) list: Vec<u64>,
        }
    }
    mod sparse {
        #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        pub(super) struct List {
            #[serde(default, skip_serializing_if = "super::is_zero")]
            pub(super) number: u64,
            pub(super) list: Vec<u64>,
        }
    }
    #[memo]
    fn made<T: Serialize + DeserializeOwned>(_make: fn() -> T) -> T {
        _make()
    }
    made(|| full::List { list: vec![] });
    let make = || sparse::List { number: 0, list: vec![2, 7, 8] };
    made(make);
    assert_eq!(made(make), make());
    assert_eq!(made::stats().hits, 1);
}

/// Holds its thread in one of the walks over a value.
struct Gate {
    walks_before: usize,
    inside: Sender<()>,
    go_on: Receiver<()>,
}

thread_local!(static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) });

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Gated {
    #[serde(default, skip_serializing_if = "is_zero")]
    number: u64,
    #[serde(serialize_with = "through_the_gate")]
    list: Vec<u64>,
}

fn through_the_gate<S: Serializer>(list: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    GATE.with_borrow_mut(|gate| match gate {
        Some(Gate { walks_before: 0, .. }) => {
            let Gate { inside, go_on, .. } = gate.take().unwrap();
            inside.send(()).unwrap();
            go_on.recv().unwrap();
        }
        Some(gate) => gate.walks_before -= 1,
        None => {}
    });
    list.serialize(serializer)
}

/// While one value is held in a walk, another one shows that its like needs more care.
macro_rules! while_in_walk {
    ($function:ident, $walks_before:literal) => {{
        #[memo]
        fn $function(which: u8) -> Gated {
            match which {
                0 | 1 => Gated { number: 9, list: vec![which.into()] },
                2 => Gated { number: 0, list: vec![9] },
                _ => Gated { number: 0, list: vec![2, 7, 8] },
            }
        }
        $function(0);
        let (inside, is_inside) = channel();
        let (let_on, go_on) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                GATE.set(Some(Gate { walks_before: $walks_before, inside, go_on }));
                $function(1);
            });
            // An error means that there were fewer walks: the value is stored, and nobody held.
            let is_held = is_inside.recv().is_ok();
            $function(2);
            if is_held {
                let_on.send(()).unwrap();
            }
        });
        for which in 0..4 {
            let first = $function(which);
            assert_eq!($function(which), first);
        }
        assert_eq!($function::stats().hits, 7);
    }};
}

#[test]
fn a_value_under_way_does_not_undo_what_another_has_shown() {
    while_in_walk!(in_the_first, 0);
    while_in_walk!(in_the_second, 1);
    while_in_walk!(in_the_third, 2);
}

#[test]
fn a_value_that_its_own_type_refuses_is_computed_by_every_call() {
    #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
    #[serde(try_from = "u8", into = "u8")]
    struct Percent(u8);
    impl From<Percent> for u8 {
        fn from(percent: Percent) -> Self {
            percent.0
        }
    }
    impl TryFrom<u8> for Percent {
        type Error = &'static str;
        fn try_from(number: u8) -> Result<Self, Self::Error> {
            if number <= 100 {
                Ok(Self(number))
            } else {
                Err("more than all of it")
            }
        }
    }
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[memo]
    fn percent(n: u8) -> Percent {
        RUNS.fetch_add(1, SeqCst);
        Percent(n)
    }
    // Serde carries the first one.
    percent(1);
    for _ in 0..10 {
        assert_eq!(percent(200), Percent(200));
    }
    let stats = percent::stats();
    assert_eq!((RUNS.load(SeqCst), stats.misses, stats.hits), (11, 11, 0));
    assert!(stats.uncacheable > 0);
    assert_eq!(percent(1), Percent(1));
    assert_eq!(percent::stats().hits, 1);
}

/// Panics without a message.
fn panic_quietly() -> ! {
    resume_unwind(Box::new("too much"))
}

#[test]
fn a_result_whose_serialize_panics_is_returned_and_counted() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Locked(u8);
    impl Serialize for Locked {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 >= 100 {
                panic_quietly();
            }
            serializer.serialize_u8(self.0)
        }
    }
    #[memo]
    fn locked(n: u8) -> Vec<Locked> {
        vec![Locked(1), Locked(n)]
    }
    for _ in 0..3 {
        // What was written before the panic is no result.
        assert_eq!(locked(200), [Locked(1), Locked(200)]);
        assert_eq!(locked(2), [Locked(1), Locked(2)]);
    }
    let stats = locked::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable, stats.entries), (4, 2, 3, 1));
}

/// Reads numbers below a hundred.
#[derive(Debug, PartialEq, Serialize)]
struct Picky(u8);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        if number >= PICKY_FROM.get() {
            panic_quietly();
        }
        Ok(Self(number))
    }
}

thread_local!(static PICKY_FROM: Cell<u8> = const { Cell::new(100) });

#[test]
fn a_result_whose_deserialize_panics_when_it_is_checked_is_returned() {
    #[memo]
    fn picky(n: u8) -> Picky {
        Picky(n)
    }
    for _ in 0..4 {
        assert_eq!(picky(200), Picky(200));
    }
    assert_eq!((picky(1), picky(1)), (Picky(1), Picky(1)));
    let stats = picky::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (5, 1, 4));
}

#[test]
fn a_panic_in_deserialize_on_a_hit_is_the_callers_and_leaves_the_entry() {
    #[memo]
    fn picky(n: u8) -> Picky {
        Picky(n)
    }
    assert_eq!(picky(7), Picky(7));
    PICKY_FROM.set(5);
    let panic = catch_unwind(|| picky(7)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"too much"));
    assert!(catch_unwind(|| picky::get(7)).is_err());
    PICKY_FROM.set(100);
    assert_eq!((picky(7), picky(8)), (Picky(7), Picky(8)));
    let stats = picky::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (2, 1, 0));
}

#[test]
fn a_panic_in_an_arguments_serialize_is_the_callers() {
    struct Locked(Cell<bool>);
    impl Serialize for Locked {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0.get() {
                panic_quietly();
            }
            serializer.serialize_unit()
        }
    }
    #[memo]
    fn opened(locked: &Locked) -> bool {
        !locked.0.get()
    }
    let locked = Locked(Cell::new(true));
    assert!(catch_unwind(AssertUnwindSafe(|| opened(&locked))).is_err());
    locked.0.set(false);
    assert!(opened(&locked) && opened(&locked));
    let stats = opened::stats();
    assert_eq!((stats.misses, stats.hits), (1, 1));
}

#[test]
fn a_long_argument_is_found_through_errors_that_are_reworded() {
    struct Map(Vec<u8>);
    impl Serialize for Map {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let written = serializer.serialize_bytes(&self.0);
            written.map_err(|error| S::Error::custom(format_args!("in a map: {error}")))
        }
    }
    #[memo]
    fn last(map: &Map) -> Option<u8> {
        map.0.last().copied()
    }
    #[singleton]
    fn shared(map: &Map) -> Option<u8> {
        map.0.last().copied()
    }
    let mut map = Map(vec![1; 200_000]);
    for byte in [1, 2] {
        map.0[199_999] = byte;
        for _ in 0..2 {
            assert_eq!((last(&map), *shared(&map)), (Some(byte), Some(byte)));
        }
    }
    for stats in [last::stats(), shared::stats()] {
        assert_eq!((stats.misses, stats.hits, stats.uncacheable), (2, 2, 0));
    }
}
