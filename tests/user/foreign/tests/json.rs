//! JSON values, as `serde_json` has them when some crate of the build wants all digits of a number.

use memo::memo;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{json, Number, Value};

const DIGITS: &str = "0.30000000000000004440892098500626161694526672363281250";

fn document(id: u64) -> Value {
    let exact: Number = serde_json::from_str(DIGITS).unwrap();
    json!({ "id": id, "exact": exact, "list": [1, -2.5, null, { "deep": [id, 1e300] }] })
}

#[test]
fn a_number_of_arbitrary_precision_is_stored_with_all_its_digits() {
    #[memo]
    fn number() -> Number {
        serde_json::from_str(DIGITS).unwrap()
    }
    assert_eq!(number().to_string(), DIGITS);
    assert_eq!(number().to_string(), DIGITS);
    let stats = number::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (1, 1, 0));
}

#[test]
fn documents_with_such_numbers_are_stored_wherever_the_numbers_are() {
    #[memo]
    fn documents(count: u64) -> Vec<Value> {
        (0..count).map(document).collect()
    }
    for count in [0, 1, 5] {
        let first = documents(count);
        assert_eq!(first.len() as u64, count);
        assert_eq!(documents(count), first);
    }
    let stats = documents::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (3, 3, 0));
}

#[test]
fn documents_with_such_numbers_are_keys() {
    #[memo]
    fn length(document: &Value) -> usize {
        document.to_string().len()
    }
    let more: Value = serde_json::from_str("0.3000000000000000444089209850062616").unwrap();
    let fewer: Value = serde_json::from_str("0.3000000000000000444089209850062").unwrap();
    assert_ne!(length(&more), length(&fewer));
    assert_eq!(length(&document(1)), length(&document(1)));
    let stats = length::stats();
    assert_eq!((stats.misses, stats.hits), (3, 1));
}

#[test]
fn raw_json_inside_a_struct_is_stored_as_it_is_written() {
    #[derive(Clone, Debug, Deserialize, Serialize)]
    struct Message {
        id: u32,
        body: Box<RawValue>,
        after: String,
    }
    #[memo]
    fn message(id: u32) -> Message {
        let body = RawValue::from_string(r#"{ "spaces":   [1,2 ] }"#.into()).unwrap();
        Message { id, body, after: "and more".into() }
    }
    let (first, second) = (message(1), message(1));
    assert_eq!((first.body.get(), &first.after), (second.body.get(), &second.after));
    let stats = message::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (1, 1, 0));
}
