//! What a function is known by: builds of a program that differ in one thing, as modules that define
//! one function of one name. Each process calls the function of one of them.

use std::time::Duration;

use memo::memo;
use memo::store::{Changes, DiskStore, Failure, FunctionId, Key, Lookup, Store, Ticket};
use serde::{Deserialize, Serialize};

use crate::children::{ask_another, command, computed, scale, Scratch};

/// What a process of a build does with its two functions.
struct Build {
    name: &'static str,
    find: fn(u64) -> String,
    contains: fn(u64) -> String,
    call: fn(u64) -> String,
    /// What is right.
    uncached: fn(u64) -> String,
}

/// A build whose functions have these names, and everything else as all builds.
macro_rules! build {
    ($build:ident, $row:item, $of:expr) => {
        mod $build {
            use super::*;

            #[derive(Debug, Deserialize, Serialize)]
            $row

            impl Row {
                fn of(number: u64) -> Self {
                    let of: fn(u64) -> Self = $of;
                    of(number)
                }
            }

            #[memo(store = OneBuild::store(), name = "identity::row")]
            fn row(number: u64) -> Row {
                computed(Row::of(number))
            }

            /// In a list, and not always.
            #[memo(store = OneBuild::store(), name = "identity::rows")]
            fn rows(number: u64) -> Vec<Option<Row>> {
                computed(vec![None, Some(Row::of(number)), Some(Row::of(number + 1))])
            }

            pub(super) const BUILD: Build = Build {
                name: stringify!($build),
                find: |n| format!("{} {}", row::get(n).is_some(), rows::get(n).is_some()),
                contains: |n| format!("{} {}", row::contains(n), rows::contains(n)),
                call: |n| format!("{:?} {:?}", row(n), rows(n)),
                uncached: |n| format!("{:?} {:?}", row::uncached(n), rows::uncached(n)),
            };
        }
    };
}

build!(
    original,
    struct Row {
        a: u64,
        b: u64,
    },
    |n| Self { a: n, b: n + 1 }
);
build!(
    swapped,
    struct Row {
        b: u64,
        a: u64,
    },
    |n| Self { a: n, b: n + 1 }
);
build!(
    renamed,
    struct Row {
        a: u64,
        c: u64,
    },
    |n| Self { a: n, c: n + 1 }
);
build!(
    signed,
    struct Row {
        a: u64,
        b: i64,
    },
    |n| Self { a: n, b: -(n as i64) }
);
build!(
    real,
    struct Row {
        a: u64,
        b: f64,
    },
    |n| Self { a: n, b: n as f64 / 2.0 }
);
build!(
    narrow,
    struct Row {
        a: u64,
        b: u32,
    },
    |n| Self { a: n, b: n as u32 * 3 }
);
build!(
    optional,
    struct Row {
        a: u64,
        b: Option<u64>,
    },
    |n| Self { a: n, b: Some(n) }
);
build!(
    text,
    struct Row {
        a: u64,
        b: String,
    },
    |n| Self { a: n, b: n.to_string() }
);
build!(
    added,
    struct Row {
        a: u64,
        b: u64,
        c: Option<u64>,
    },
    |n| Self { a: n, b: n, c: None }
);
build!(
    removed,
    struct Row {
        b: u64,
    },
    |n| Self { b: n + 2 }
);
build!(tuple, struct Row(u64, u64);, |n| Self(n, n + 3));
build!(array, struct Row([u64; 2]);, |n| Self([n, n + 4]));
build!(
    nested,
    struct Row {
        a: u64,
        b: Inner,
    },
    |n| Self { a: n, b: Inner { b: n + 5 } }
);
build!(
    either,
    enum Row {
        A(u64),
        B(u64),
    },
    |n| if n % 2 == 0 { Self::A(n) } else { Self::B(n) }
);
build!(
    other,
    enum Row {
        B(u64),
        A(u64),
    },
    |n| if n % 2 == 0 { Self::A(n) } else { Self::B(n) }
);

// The same bytes, as many of them.
build!(
    floats,
    struct Row {
        #[serde(with = "memo::bulk")]
        values: Vec<f64>,
    },
    |n| Self { values: vec![n as f64; 2] }
);
build!(
    integers,
    struct Row {
        #[serde(with = "memo::bulk")]
        values: Vec<u64>,
    },
    |n| Self { values: vec![(n as f64).to_bits(); 2] }
);

#[derive(Debug, Deserialize, Serialize)]
struct Inner {
    b: u64,
}

const BUILDS: [Build; 17] = [
    original::BUILD,
    swapped::BUILD,
    renamed::BUILD,
    signed::BUILD,
    real::BUILD,
    narrow::BUILD,
    optional::BUILD,
    text::BUILD,
    added::BUILD,
    removed::BUILD,
    tuple::BUILD,
    array::BUILD,
    nested::BUILD,
    either::BUILD,
    other::BUILD,
    floats::BUILD,
    integers::BUILD,
];

/// What an argument is called, and what is in it.
mod arguments {
    use super::*;

    macro_rules! argument {
        ($module:ident, $($field:ident)*) => {
            pub(super) mod $module {
                use super::*;

                #[derive(Debug, Serialize)]
                pub(in super::super) struct Point {
                    $(pub(in super::super) $field: u64,)*
                }

                #[memo(store = OneBuild::store(), name = "identity::argument")]
                pub(in super::super) fn argument(point: Point) -> u64 {
                    computed(point.x * 10 + point.y)
                }
            }
        };
    }

    argument!(original, x y);
    // The same fields in another order.
    argument!(turned, y x);
    // Another type of the same name.
    argument!(lengthened, x y z);
}

/// Tells functions apart by their names alone: so functions of several modules are one, as those of
/// several builds would be that differ in their types and not in their text.
#[derive(Debug)]
struct OneBuild(&'static DiskStore);

impl OneBuild {
    fn store() -> Self {
        Self(DiskStore::in_default_place().unwrap())
    }

    fn known<'a>(function: &FunctionId<'a>) -> FunctionId<'a> {
        let mut fingerprint = [0; 16];
        let end = &function.name.as_bytes()[function.name.len() - 13..];
        fingerprint[..13].copy_from_slice(end);
        FunctionId::new(function.name, fingerprint)
    }
}

impl Store for OneBuild {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.0.get(&Self::known(function), key)
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        self.0.put(&Self::known(function), key, ticket, value, life)
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        self.0.remove(&Self::known(function), key)
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.0.clear(&Self::known(function))
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.0.clear_all()
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        self.0.changes(&Self::known(function), since)
    }
}

pub(crate) fn role(line: &str) -> String {
    let (what, n) = command(line);
    if let Some((what, name)) = what.split_once(' ') {
        let build = BUILDS.iter().find(|build| build.name == name).unwrap();
        return match what {
            "find" => (build.find)(n),
            "contains" => (build.contains)(n),
            _ => (build.call)(n),
        };
    }
    let result = match what {
        "original" => arguments::original::argument(arguments::original::Point { x: n, y: 2 }),
        "turned" => arguments::turned::argument(arguments::turned::Point { y: n, x: 2 }),
        "lengthened" => {
            arguments::lengthened::argument(arguments::lengthened::Point { x: n, y: 2, z: 0 })
        }
        _ => unreachable!("{line}"),
    };
    result.to_string()
}

#[test]
fn a_result_of_another_make_is_never_given_out() {
    let right = |build: &Build| format!("{}, computed", (build.uncached)(3));
    let mut pairs = 0;
    for one in &BUILDS {
        let others = BUILDS.iter().filter(|other| other.name != one.name);
        // Each build after the next ones, or after every other.
        let after = BUILDS.iter().position(|build| build.name == one.name).unwrap();
        let few = if scale() > 1 { BUILDS.len() } else { 2 };
        for other in others.cycle().skip(after).take(few.min(BUILDS.len() - 1)) {
            let scratch = Scratch::new();
            let ask = |line: String| ask_another("identity", &scratch, &line);
            let (this, that) = (one.name, other.name);
            assert_eq!(ask(format!("call {this} 3")), right(one));
            assert_eq!(ask(format!("find {that} 3")), "false false", "{this}, then {that}");
            assert_eq!(ask(format!("call {that} 3")), right(other), "{this}, then {that}");
            // They are told apart by what their results are made of, and by nothing else.
            let functions = scratch.path().join("memo-v1").read_dir().unwrap().flatten();
            let functions = functions.filter(|entry| entry.path().is_dir());
            assert_eq!(functions.count(), 2, "the functions of {this} and {that} are others");
            pairs += 1;
        }
    }
    println!("{pairs} pairs");
}

#[test]
fn nor_is_one_said_to_be_there() {
    let scratch = Scratch::new();
    let ask = |line: &str| ask_another("identity", &scratch, line);
    ask("call original 3");
    assert_eq!(ask("contains original 3"), "true true");
    assert_eq!(ask("find renamed 3"), "false false");
    assert_eq!(ask("contains renamed 3"), "false false");
}

#[test]
fn a_build_finds_what_another_process_of_it_has_stored() {
    let scratch = Scratch::new();
    for Build { name, uncached, .. } in &BUILDS {
        let ask = |line: String| ask_another("identity", &scratch, &line);
        assert_eq!(ask(format!("call {name} 3")), format!("{}, computed", uncached(3)));
        assert_eq!(ask(format!("find {name} 3")), "true true");
        assert_eq!(ask(format!("call {name} 3")), uncached(3));
    }
}

#[test]
fn an_argument_of_another_make_is_another_call() {
    let scratch = Scratch::new();
    let ask = |line: &str| ask_another("identity", &scratch, line);
    assert_eq!(ask("original 1"), "12, computed");
    // The same numbers in the same places.
    assert_eq!(ask("turned 1"), "21, computed");
    assert_eq!(ask("lengthened 1"), "12, computed");
    assert_eq!(ask("original 1"), "12");
}
