use crate::Runs;
use memo::memo;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

#[test]
fn a_mutable_parameter_keeps_its_name_in_the_companions() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn next(mut x: u32) -> u32 {
        RUNS.add();
        x += 1;
        x
    }
    assert_eq!((next(1), next(1), next::get(1)), (2, 2, Some(2)));
    assert_eq!(RUNS.count(), 1);
}

#[test]
fn a_pattern_is_hashed_whole() {
    #[derive(Serialize, Clone, Copy)]
    struct Point {
        x: i32,
        y: i32,
    }
    static RUNS: Runs = Runs::new();
    #[memo]
    fn sum((a, _): (i32, i32), Point { x, .. }: Point, [first, ..]: [i32; 2]) -> i32 {
        RUNS.add();
        a + x + first
    }
    let point = Point { x: 10, y: 20 };
    assert_eq!(sum((1, 2), point, [100, 200]), 111);
    assert_eq!(sum((1, 2), point, [100, 200]), 111);
    assert_eq!(RUNS.count(), 1);
    sum((1, 3), point, [100, 200]);
    sum((1, 2), Point { y: 0, ..point }, [100, 200]);
    sum((1, 2), point, [100, 0]);
    assert_eq!(RUNS.count(), 4);
}

#[test]
fn what_starts_with_an_underscore_may_be_anything() {
    struct Opaque;
    static RUNS: Runs = Runs::new();
    #[memo]
    fn log(x: u32, _: Opaque, _out: &mut Vec<u32>, (_a, _b): (Opaque, Opaque)) -> u32 {
        RUNS.add();
        _out.push(x);
        x
    }
    let mut out = Vec::new();
    log(1, Opaque, &mut out, (Opaque, Opaque));
    log(1, Opaque, &mut out, (Opaque, Opaque));
    assert_eq!((out, RUNS.count(), log::contains(1)), (vec![1], 1, true));
}

#[test]
fn attributes_on_parameters_are_honoured() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn pick(
        #[cfg(test)] a: u32,
        #[cfg(not(test))] b: Missing,
        #[allow(unused_variables)] c: u32,
        #[cfg(not(test))] _d: Missing,
        #[cfg(test)]
        #[cfg(not(doc))]
        _e: &str,
    ) -> u32 {
        RUNS.add();
        a
    }
    assert_eq!((pick(1, 2, ""), pick(1, 2, "other"), pick::get(1, 2)), (1, 1, Some(1)));
    assert_eq!(RUNS.count(), 1);
    assert_eq!((pick(2, 2, ""), pick(1, 3, ""), RUNS.count()), (2, 1, 3));
}

#[test]
fn borrowed_arguments_are_compared_by_content() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn measure(a: &str, b: &[u8], c: Option<&str>, d: Cow<'_, str>, e: &Path, f: &&u32) -> usize {
        RUNS.add();
        a.len() + b.len() + c.map_or(0, str::len) + d.len() + e.as_os_str().len() + **f as usize
    }
    let path = String::from("p");
    measure("a", &[1], Some("c"), Cow::Borrowed("d"), Path::new("p"), &&1);
    measure(
        &String::from("a"),
        Vec::from([1]).as_slice(),
        Some("c"),
        Cow::Owned("d".into()),
        path.as_ref(),
        &&1,
    );
    assert_eq!(RUNS.count(), 1);
    measure("a", &[1], None, Cow::Borrowed("d"), Path::new("p"), &&1);
    assert_eq!(RUNS.count(), 2);
}

#[test]
fn owned_arguments_need_no_clone_no_hash_and_no_eq() {
    #[derive(Serialize)]
    struct Query {
        threshold: f64,
    }
    type Map = HashMap<String, f64>;
    static RUNS: Runs = Runs::new();
    #[memo]
    fn ask(query: Query, id: [u8; 32], name: Cow<str>, map: &Map, set: HashSet<u8>) -> usize {
        RUNS.add();
        let _ = query.threshold;
        id.len() + name.len() + map.len() + set.len()
    }
    let map = Map::from([("a".into(), 1.0), ("b".into(), 2.0)]);
    let again = || ask(Query { threshold: 0.5 }, [7; 32], "name".into(), &map, HashSet::from([1]));
    assert_eq!((again(), again(), RUNS.count()), (39, 39, 1));
}

#[test]
fn names_of_the_expansion_are_free_for_parameters() {
    #[memo]
    fn sum(key: u8, result: u8, cache: u8, memo: u8, value: u8, call: u8, sum: u8) -> u8 {
        key + result + cache + memo + value + call + sum
    }
    assert_eq!(sum(1, 2, 3, 4, 5, 6, 7), 28);
    sum::insert(1, 2, 3, 4, 5, 6, 7, 29);
    assert_eq!(sum::get(1, 2, 3, 4, 5, 6, 7), Some(29));
}
