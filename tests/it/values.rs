//! What is stored, and what comes back.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use memo::memo;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

/// Defines a memoized function that returns a value, and asserts that it is a hit the second time.
macro_rules! assert_stored {
    ($type:ty, $value:expr) => {{
        #[memo]
        fn function() -> $type {
            $value
        }
        let first = function();
        assert_eq!(first, $value);
        assert_eq!(function(), first);
        let stats = function::stats();
        assert_eq!((stats.misses, stats.hits, stats.uncacheable), (1, 1, 0), "{first:?}");
    }};
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
    Object { id: u32, inner: Box<Tagged> },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Tagged {
    Point { x: i32, y: i32 },
    Named(Named),
    Empty,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Named {
    name: Option<Option<String>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    point: Point,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Point {
    x: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

#[test]
fn what_bincode_cannot_represent_is_a_hit_all_the_same() {
    assert_stored!(Value, json!({"a": [1, 2.5, null, "x"], "b": {"c": true}}));
    assert_stored!(Vec<Untagged>, {
        let inner = Box::new(Tagged::Named(Named { name: Some(None) }));
        vec![Untagged::Number(1.5), Untagged::Text("t".into()), Untagged::Object { id: 1, inner }]
    });
    assert_stored!(Tagged, Tagged::Point { x: 1, y: -1 });
    assert_stored!(Vec<Tagged>, vec![Tagged::Empty, Tagged::Named(Named { name: None })]);
    assert_stored!(
        Flat,
        Flat {
            id: 1,
            point: Point { x: 2, label: None },
            rest: BTreeMap::from([("extra".into(), json!([1]))]),
        }
    );
    assert_stored!(
        Vec<Point>,
        vec![Point { x: 1, label: Some("l".into()) }, Point { x: 2, label: None }]
    );
}

#[test]
fn everyday_values_are_hits() {
    assert_stored!((), ());
    assert_stored!(i128, i128::MIN);
    assert_stored!(Vec<u8>, vec![7; 10_000_000]);
    assert_stored!(HashMap<u32, BTreeMap<String, Vec<i8>>>, {
        HashMap::from([(1, BTreeMap::from([("a".to_owned(), vec![-1])])), (2, BTreeMap::new())])
    });
    assert_stored!(Option<Option<()>>, Some(None));
    assert_stored!(Box<str>, Box::<str>::from("text"));
    assert_stored!((char, f32, [u16; 3], bool), ('ß', -0.0, [1, 2, 3], true));
}

#[test]
fn a_caller_that_changes_its_result_changes_nobody_elses() {
    #[memo]
    fn rows() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }
    let mut first = rows();
    first.clear();
    let mut second = rows();
    second.push("c".into());
    assert_eq!(rows(), ["a", "b"]);
}

#[test]
fn results_need_be_neither_send_nor_sync_nor_clone() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Local(Rc<Cell<u32>>);

    #[memo]
    fn local(x: u32) -> Local {
        Local(Rc::new(Cell::new(x)))
    }
    let first = local(5);
    first.0.set(9);
    assert_eq!(local(5).0.get(), 5);
    assert_eq!(local::stats().hits, 1);
}

#[test]
fn only_ok_is_stored_and_the_error_needs_nothing() {
    struct Opaque;
    type Alias<T> = Result<T, Opaque>;
    thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });

    #[memo]
    fn even(x: u32) -> Alias<u32> {
        RUNS.set(RUNS.get() + 1);
        if x.is_multiple_of(2) {
            Ok(x)
        } else {
            Err(Opaque)
        }
    }
    assert!(even(1).is_err() && even(1).is_err());
    assert_eq!(RUNS.get(), 2);
    assert!(even(2).is_ok_and(|x| x == 2) && even(2).is_ok_and(|x| x == 2));
    assert_eq!(RUNS.get(), 3);
    even::insert(3, Ok(7));
    assert!(even(3).is_ok_and(|x| x == 7));
}

#[test]
fn a_type_parameter_that_is_a_result_is_plain_data() {
    #[memo]
    fn same<T: Serialize + serde::de::DeserializeOwned + Clone>(value: T) -> T {
        value
    }
    let error: Result<u8, String> = Err("no".into());
    assert_eq!(same(error.clone()), error);
    assert_eq!(same(error.clone()), error);
    assert_eq!(same::stats().hits, 1);
}

#[test]
fn a_value_that_no_codec_carries_is_returned_and_counted() {
    #[derive(Debug)]
    struct Handle(u32);
    impl Serialize for Handle {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("handles stay here"))
        }
    }
    impl<'de> Deserialize<'de> for Handle {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("there are none"))
        }
    }
    #[memo]
    fn open(x: u32) -> Handle {
        Handle(x)
    }
    assert_eq!((open(1).0, open(1).0), (1, 1));
    let stats = open::stats();
    assert_eq!((stats.misses, stats.uncacheable, stats.entries), (2, 2, 0));
}

#[test]
fn a_skipped_field_comes_back_as_its_default() {
    #[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
    struct Page {
        rows: Vec<u32>,
        #[serde(skip)]
        seen: bool,
    }
    #[memo]
    fn page() -> Page {
        Page { rows: vec![1], seen: true }
    }
    assert!(page().seen);
    assert_eq!(page(), Page { rows: vec![1], seen: false });
}

#[test]
fn errors_are_reported_once_a_function() {
    use std::sync::Mutex;
    static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    struct Never;
    impl Serialize for Never {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never today"))
        }
    }
    #[memo(name = "reported")]
    fn refuse(never: &Never) -> u32 {
        let _ = never;
        1
    }
    fn keep(error: &memo::Error) {
        if error.function() == "reported" && error.is_key() && !error.is_value() {
            REPORTS.lock().unwrap().push(error.to_string());
        }
    }
    memo::set_reporter(keep);
    assert_eq!((refuse(&Never), refuse(&Never)), (1, 1));
    let reports = REPORTS.lock().unwrap();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("never today") && reports[0].contains("`reported`"), "{reports:?}");
}

#[test]
fn what_was_stored_before_a_value_of_its_like_came_back_changed_is_forgotten() {
    /// Comes back as another where it is empty.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    struct Title(String);
    impl<'de> Deserialize<'de> for Title {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Ok(Self(if text.is_empty() { "untitled".into() } else { text }))
        }
    }
    #[memo]
    fn title(page: usize) -> Title {
        Title(if page == 3 { String::new() } else { page.to_string() })
    }
    for page in 0..3 {
        assert_eq!(title(page), title(page));
    }
    assert_eq!(title::stats().entries, 3);
    assert_eq!(title(3), Title(String::new()));
    assert_eq!((title::stats().entries, title::stats().uncacheable), (0, 1));
    // Each value speaks for itself from now on: what does come back is stored.
    for page in 0..5 {
        assert_eq!([title(page), title(page)], [title::uncached(page), title::uncached(page)]);
    }
    assert_eq!(title::stats().entries, 4);
}
