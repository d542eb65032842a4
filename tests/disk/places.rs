//! Where a function is written is part of what it is known by: two of one name and text are two, in
//! one process and from one run to the next.

use std::sync::Mutex;

use memo::{memo, singleton};
use serde::Serialize;

use crate::children::{ask_another, command, computed, Child, Scratch};

#[derive(Debug, Serialize)]
struct Point {
    x: u64,
    y: u64,
}

/// Functions that are one, but for what the name of each file says. A file's lines are its own, so
/// that all are at one place: as builds of a program have them, of which each process runs another.
fn ways(build: &str) -> fn(Point) -> u64 {
    match build {
        "way" => include!("ways/way.rs"),
        "again" => include!("ways/again.rs"),
        "edited" => include!("ways/edited.rs"),
        "versioned" => include!("ways/versioned.rs"),
        "named" => include!("ways/named.rs"),
        "keyed" => include!("ways/keyed.rs"),
        _ => unreachable!("{build}"),
    }
}

/// Functions of one name and text, whose results differ by what stands around them.
fn scaled(place: &str) -> fn(u64) -> u64 {
    match place {
        "block 2" => {
            const FACTOR: u64 = 2;
            #[memo(store = "disk")]
            fn scaled(x: u64) -> u64 {
                computed(x * FACTOR)
            }
            scaled
        }
        "block 3" => {
            const FACTOR: u64 = 3;
            #[memo(store = "disk")]
            fn scaled(x: u64) -> u64 {
                computed(x * FACTOR)
            }
            scaled
        }
        "closure 2" => {
            let closure = || {
                const FACTOR: u64 = 2;
                #[memo(store = "disk")]
                fn scaled(x: u64) -> u64 {
                    computed(x * FACTOR)
                }
                scaled as fn(u64) -> u64
            };
            closure()
        }
        "closure 3" => {
            let closure = || {
                const FACTOR: u64 = 3;
                #[memo(store = "disk")]
                fn scaled(x: u64) -> u64 {
                    computed(x * FACTOR)
                }
                scaled as fn(u64) -> u64
            };
            closure()
        }
        "macro 2" => both_by_macro()[0],
        "macro 3" => both_by_macro()[1],
        "module 2" => modules::two::scaled,
        "module 3" => modules::three::scaled,
        "method 2" => |x| methods::by_two(methods::Factor(x)),
        "method 3" => |x| methods::by_three(methods::Factor(x)),
        _ => included(place),
    }
}

macro_rules! by {
    ($factor:literal) => {{
        const FACTOR: u64 = $factor;
        #[memo(store = "disk")]
        fn scaled(x: u64) -> u64 {
            computed(x * FACTOR)
        }
        scaled
    }};
}

/// At one line and column, and from one line and column of the macro.
fn both_by_macro() -> [fn(u64) -> u64; 2] {
    macro_rules! both {
        () => {
            [by!(2), by!(3)]
        };
    }
    both!()
}

mod modules {
    pub(super) mod two {
        const FACTOR: u64 = 2;
        #[memo::memo(store = "disk", name = "scaled")]
        pub(in super::super) fn scaled(x: u64) -> u64 {
            crate::children::computed(x * FACTOR)
        }
    }

    pub(super) mod three {
        const FACTOR: u64 = 3;
        #[memo::memo(store = "disk", name = "scaled")]
        pub(in super::super) fn scaled(x: u64) -> u64 {
            crate::children::computed(x * FACTOR)
        }
    }
}

mod methods {
    use crate::children::computed;
    use memo::memo;

    #[derive(serde::Serialize)]
    pub(super) struct Factor(pub(super) u64);

    pub(super) fn by_two(x: Factor) -> u64 {
        const FACTOR: u64 = 2;
        trait Scaled {
            fn scaled(&self) -> u64;
        }
        impl Scaled for Factor {
            #[memo(store = "disk", in_trait)]
            fn scaled(&self) -> u64 {
                computed(self.0 * FACTOR)
            }
        }
        x.scaled()
    }

    pub(super) fn by_three(x: Factor) -> u64 {
        const FACTOR: u64 = 3;
        trait Scaled {
            fn scaled(&self) -> u64;
        }
        impl Scaled for Factor {
            #[memo(store = "disk", in_trait)]
            fn scaled(&self) -> u64 {
                computed(self.0 * FACTOR)
            }
        }
        x.scaled()
    }
}

/// As near to each other as two functions can be: one line of one file, in one function.
fn included(place: &str) -> fn(u64) -> u64 {
    match place {
        "included 2" => {
            const FACTOR: u64 = 2;
            include!("ways/scaled.rs")
        }
        "included 3" => {
            const FACTOR: u64 = 3;
            include!("ways/scaled.rs")
        }
        "included 4" => {
            const FACTOR: u64 = 4;
            include!("ways/scaled.rs")
        }
        "shared 2" => {
            const FACTOR: u64 = 2;
            include!("ways/shared.rs")
        }
        "shared 3" => {
            const FACTOR: u64 = 3;
            include!("ways/shared.rs")
        }
        _ => unreachable!("{place}"),
    }
}

pub(crate) fn role(line: &str) -> String {
    memo::set_reporter(|error| REPORTS.lock().unwrap().push(error.to_string()));
    let (what, x) = command(line);
    match what {
        "reports" => std::mem::take(&mut *REPORTS.lock().unwrap()).join("; "),
        _ if what.contains(' ') => scaled(what)(x).to_string(),
        build => ways(build)(Point { x, y: 2 }).to_string(),
    }
}

static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn an_edited_function_is_another_and_one_that_is_kept_otherwise_is_the_same() {
    let scratch = Scratch::new();
    let ask = |line: &str| ask_another("places", &scratch, line);
    assert_eq!(ask("way 1"), "12, computed");
    assert_eq!(ask("way 1"), "12");
    // How much is kept, and for how long, is not what it computes.
    assert_eq!(ask("again 1"), "12");
    assert_eq!(ask("again 2"), "22, computed");
    assert_eq!(ask("way 2"), "22");

    assert_eq!(ask("edited 1"), "13, computed");
    assert_eq!(ask("versioned 1"), "12, computed");
    assert_eq!(ask("named 1"), "12, computed");
    assert_eq!(ask("keyed 1"), "12, computed");
    // Nobody took anything from anybody.
    for (line, result) in [("way 1", "12"), ("edited 1", "13"), ("versioned 1", "12")] {
        assert_eq!(ask(line), result, "{line}");
    }
}

#[test]
fn functions_of_one_name_and_text_in_two_places_share_nothing_from_one_run_to_the_next() {
    for kind in ["block", "closure", "macro", "module", "method"] {
        let scratch = Scratch::new();
        let ask = |factor: u64| ask_another("places", &scratch, &format!("{kind} {factor} 10"));
        assert_eq!(ask(2), "20, computed", "{kind}");
        assert_eq!(ask(3), "30, computed", "{kind}: the other's result");
        assert_eq!((ask(2), ask(3)), ("20".into(), "30".into()), "{kind}: not found again");
    }
}

#[test]
fn nor_in_one_process() {
    let scratch = Scratch::new();
    for computes in [true, false] {
        let mut child = Child::new("places", &scratch);
        for kind in ["block", "closure", "macro", "module", "method"] {
            for (factor, result) in [(2, 20), (3, 30)] {
                let answer = format!("{result}{}", if computes { ", computed" } else { "" });
                assert_eq!(child.ask(&format!("{kind} {factor} 10")), answer);
            }
        }
        assert_eq!(child.ask("reports"), "");
    }
}

#[test]
fn functions_that_nothing_tells_apart_go_without_their_store_and_say_so() {
    let scratch = Scratch::new();
    // Only one of them is called: nobody can know.
    assert_eq!(ask_another("places", &scratch, "included 2 10"), "20, computed");
    assert_eq!(ask_another("places", &scratch, "included 2 10"), "20");

    let mut child = Child::new("places", &scratch);
    assert_eq!(child.ask("included 2 10"), "20");
    assert_eq!(child.ask("included 3 10"), "30, computed");
    let reports = child.ask("reports");
    assert_eq!(reports.matches("does without its store: another function").count(), 2, "{reports}");
    // What memory has may have been the other's, and what is computed now is kept there.
    assert_eq!(child.ask("included 2 10"), "20, computed");
    for (factor, result) in [(2, "20"), (3, "30")] {
        assert_eq!(child.ask(&format!("included {factor} 10")), result);
    }
    assert_eq!(child.ask("reports"), "");

    // What was stored by either is void, and neither has stored anything since.
    assert_eq!(ask_another("places", &scratch, "included 3 10"), "30, computed");
}

#[test]
fn a_third_one_goes_without_its_store_too_however_late_it_comes() {
    let scratch = Scratch::new();
    let mut child = Child::new("places", &scratch);
    for (factor, result) in [(2, "20, computed"), (3, "30, computed")] {
        assert_eq!(child.ask(&format!("included {factor} 10")), result);
    }
    child.ask("reports");
    assert_eq!(child.ask("included 4 10"), "40, computed");
    let reports = child.ask("reports");
    assert_eq!(reports.matches("does without its store: another function").count(), 1, "{reports}");
    // The first forgot what may have been the other's, once.
    assert_eq!(child.ask("included 2 10"), "20, computed");
    for (factor, result) in [(2, "20"), (3, "30"), (4, "40")] {
        assert_eq!(child.ask(&format!("included {factor} 10")), result);
    }
    assert_eq!(child.ask("reports"), "");
    assert_eq!(ask_another("places", &scratch, "included 4 10"), "40, computed");
}

#[test]
fn singletons_that_nothing_tells_apart_are_two_and_take_no_store_from_anybody() {
    let scratch = Scratch::new();
    let mut child = Child::new("places", &scratch);
    assert_eq!(child.ask("included 2 10"), "20, computed");
    for (factor, result) in [(2, "20"), (3, "30")] {
        assert_eq!(child.ask(&format!("shared {factor} 10")), format!("{result}, computed"));
        assert_eq!(child.ask(&format!("shared {factor} 10")), result);
    }
    assert_eq!(child.ask("reports"), "");
    assert_eq!(ask_another("places", &scratch, "included 2 10"), "20");
}
