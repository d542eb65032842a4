//! What is stored, and what it is known by: the options and the shapes of functions.

use std::collections::HashMap;
use std::sync::Mutex;

use memo::memo;
use serde::Serialize;

use crate::children::{ask_another, command, computed, Child, Scratch};

#[memo(store = "disk", cache_if = |number| *number < 10)]
fn small(number: u64) -> u64 {
    computed(number)
}

#[memo(store = "disk")]
fn checked(number: u64) -> Result<u64, String> {
    computed(if number < 10 { Ok(number) } else { Err("too large".into()) })
}

#[memo(store = "disk", cache_err)]
fn known(number: u64) -> Result<u64, String> {
    computed(if number < 10 { Ok(number) } else { Err("too large".into()) })
}

#[memo(store = "disk")]
fn square(number: u64) -> u64 {
    computed(number * number)
}

#[memo(store = "disk")]
fn size<T: Serialize>(value: T) -> usize {
    let _ = value;
    computed(size_of::<T>())
}

#[memo(store = "disk")]
fn filled<const N: usize>(number: u64) -> Vec<u64> {
    computed(vec![number; N])
}

/// Not in the key, and still it makes the function another.
#[memo(store = "disk")]
fn applied<F: Fn(u64) -> u64>(_apply: F, number: u64) -> u64 {
    computed(_apply(number))
}

#[derive(Serialize)]
struct Rect {
    width: u64,
    height: u64,
}

#[derive(Serialize)]
struct Side {
    width: u64,
    height: u64,
}

trait Shape {
    fn measure(&self) -> u64;
}

impl Shape for Rect {
    #[memo(store = "disk", in_trait)]
    fn measure(&self) -> u64 {
        computed(self.width * self.height)
    }
}

impl Shape for Side {
    #[memo(store = "disk", in_trait)]
    fn measure(&self) -> u64 {
        computed(self.width + self.height)
    }
}

macro_rules! named {
    ($type:ident) => {
        impl $type {
            const NAME: &str = stringify!($type);

            // Of both types, to the last token.
            #[memo(store = "disk")]
            fn name(&self) -> String {
                computed(Self::NAME.into())
            }
        }
    };
}

named!(Rect);
named!(Side);

impl Rect {
    #[memo(store = "disk")]
    fn area(&self, scale: u64) -> u64 {
        computed(self.width * self.height * scale)
    }
}

#[memo(store = "disk", key = text.len())]
fn shout(text: &str, _times: &mut u64) -> String {
    *_times += 1;
    computed(text.to_uppercase())
}

/// Many kinds of values, one a function.
#[memo(store = "disk")]
fn counted(number: u64) -> HashMap<String, Option<Vec<u32>>> {
    let entries = (0..number).map(|n| (n.to_string(), (n > 1).then(|| vec![n as u32; 3])));
    computed(entries.collect())
}

#[memo(store = "disk")]
fn object(number: u64) -> serde_json::Value {
    computed(serde_json::json!({ "number": number, "nothing": null, "list": [1.5, "two"] }))
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    let rect = Rect { width: number, height: 3 };
    let side = Side { width: number, height: 3 };
    match what {
        "small" => small(number).to_string(),
        "checked" => format!("{:?}", checked(number)),
        "known" => format!("{:?}", known(number)),
        "square" => square(number).to_string(),
        "get" => format!("{:?} {}", square::get(number), square::contains(number)),
        "remove" => square::remove(number).to_string(),
        "stats" => {
            let stats = square::stats();
            format!("{} {} {}", stats.hits, stats.misses, stats.entries)
        }
        "size" => format!("{} {} {}", size(0_u8), size(0_u16), size("0")),
        "filled" => format!("{:?} {:?}", filled::<1>(number), filled::<2>(number)),
        "applied" => {
            reports(|| format!("{} {}", applied(|n| n + 1, number), applied(|n| n * 3, number)))
        }
        "measure" => format!("{} {}", rect.measure(), side.measure()),
        "name" => format!("{} {}", rect.name(), side.name()),
        "area" => format!("{} {:?}", rect.area(2), rect.area_get(3)),
        "shout" => {
            let mut times = 0;
            format!("{} {times}", shout("abc", &mut times))
        }
        "counted" => {
            let mut counted: Vec<_> = counted(number).into_iter().collect();
            counted.sort();
            format!("{counted:?}")
        }
        "object" => object(number).to_string(),
        _ => unreachable!("{line}"),
    }
}

/// What is answered, and what was reported meanwhile.
fn reports(answer: impl FnOnce() -> String) -> String {
    static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    memo::set_reporter(|error| {
        let report = format!("{} {}", error.function(), error.is_store());
        REPORTS.lock().unwrap().push(report);
    });
    format!("{} {:?}", answer(), std::mem::take(&mut *REPORTS.lock().unwrap()))
}

/// Whether another process finds what one has computed, told by this line.
#[track_caller]
fn assert_found(line: &str, result: &str) {
    let scratch = Scratch::new();
    assert_eq!(ask_another("options", &scratch, line), format!("{result}, computed"));
    assert_eq!(ask_another("options", &scratch, line), result);
}

#[track_caller]
fn assert_not_found(line: &str, result: &str) {
    let scratch = Scratch::new();
    for _ in 0..2 {
        assert_eq!(ask_another("options", &scratch, line), format!("{result}, computed"));
    }
}

#[test]
fn what_is_not_to_be_stored_is_not_stored_on_the_disk() {
    assert_found("small 1", "1");
    assert_not_found("small 10", "10");
    assert_found("checked 1", "Ok(1)");
    assert_not_found("checked 10", "Err(\"too large\")");
    assert_found("known 1", "Ok(1)");
    assert_found("known 10", "Err(\"too large\")");
}

#[test]
fn looking_and_removing_see_what_only_the_disk_has() {
    let scratch = Scratch::new();
    assert_eq!(ask_another("options", &scratch, "square 4"), "16, computed");
    let mut other = Child::new("options", &scratch);
    assert_eq!(other.ask("get 4"), "Some(16) true");
    assert_eq!(other.ask("get 5"), "None false");
    assert_eq!(other.ask("stats"), "0 0 0", "looking counts nothing and keeps nothing");
    assert_eq!(other.ask("square 4"), "16");
    assert_eq!(other.ask("stats"), "1 0 1", "what the disk has is a hit");

    assert_eq!(ask_another("options", &scratch, "remove 4"), "true");
    assert_eq!(ask_another("options", &scratch, "remove 4"), "false");
    assert_eq!(ask_another("options", &scratch, "get 4"), "None false");
    assert_eq!(ask_another("options", &scratch, "square 4"), "16, computed");
}

#[test]
fn values_of_all_kinds_come_back_as_they_went() {
    assert_found("counted 0", "[]");
    let counted = r#"[("0", None), ("1", None), ("2", Some([2, 2, 2]))]"#;
    assert_found("counted 3", counted);
    assert_found("object 7", r#"{"list":[1.5,"two"],"nothing":null,"number":7}"#);
}

#[test]
fn functions_of_all_shapes_are_found() {
    assert_found("size", "1 2 16");
    assert_found("filled 6", "[6] [6, 6]");
    assert_found("area 5", "30 None");
    // The other process's body does not run, and so does not count.
    let scratch = Scratch::new();
    assert_eq!(ask_another("options", &scratch, "shout"), "ABC 1, computed");
    assert_eq!(ask_another("options", &scratch, "shout"), "ABC 0");
}

#[test]
fn methods_of_two_types_are_two_functions() {
    assert_found("measure 4", "12 7");
    // Though of one name, one body and one `self`.
    assert_found("name 4", "Rect Side");
}

#[test]
fn a_function_of_a_closure_is_kept_in_memory_and_says_so_once() {
    let scratch = Scratch::new();
    let mut child = Child::new("options", &scratch);
    let answer = child.ask("applied 5");
    assert_eq!(answer, r#"6 15 ["disk::options::applied true"], computed"#);
    // Nothing is computed again, and nothing said again.
    assert_eq!(child.ask("applied 5"), "6 15 []");
    let again = ask_another("options", &scratch, "applied 5");
    assert_eq!(again, answer, "another process has its own");
    let store = memo::store::DiskStore::open(scratch.path());
    assert_eq!(store.entries(), []);
}

#[test]
fn entries_say_whose_they_are() {
    let scratch = Scratch::new();
    for line in ["square 1", "square 2", "small 1", "small 10"] {
        ask_another("options", &scratch, line);
    }
    let store = memo::store::DiskStore::open(scratch.path());
    let mut functions: Vec<_> = store.entries().into_iter().map(|entry| entry.function).collect();
    functions.sort();
    assert_eq!(
        functions,
        ["disk::options::small", "disk::options::square", "disk::options::square"]
    );
}
