//! Our reader against bincode's own.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Any {
    Unit,
    Number(i128),
    Pair(char, Option<Box<Any>>),
    Fields { text: String, bytes: Vec<(bool, f32)>, map: BTreeMap<u8, ()> },
}

/// Asserts that both readers of the format agree, on what was written and on what never was.
fn assert_agree<T: DeserializeOwned + Serialize + PartialEq + fmt::Debug>(value: &T) {
    let bytes = options().serialize(value).unwrap();
    let theirs = |bytes: &[u8]| options().reject_trailing_bytes().deserialize::<T>(bytes).ok();
    assert_eq!(decode::<T>(&bytes).as_ref(), Some(value));
    for at in 0..bytes.len() {
        assert_eq!(decode::<T>(&bytes[..at]), theirs(&bytes[..at]), "cut at {at}");
        for change in [1, 0x10, 0x7F, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            let (own, theirs) = (decode::<T>(&damaged), theirs(&damaged));
            // By their encoding, as a damaged number may not equal itself.
            let encoded =
                |value: Option<T>| value.map(|value| options().serialize(&value).unwrap());
            assert_eq!(encoded(own), encoded(theirs), "{change:#x} at {at}");
        }
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(decode::<T>(&longer).is_none() && theirs(&longer).is_none());
}

#[test]
fn both_readers_of_the_format_agree() {
    assert_agree(&(1_u8, -2_i16, 3_u32, -4_i64, u128::MAX));
    assert_agree(&(String::from("tëxt"), 'é', '\u{10FFFF}', "a".repeat(300)));
    assert_agree(&(Some(Some(1.5_f64)), None::<()>, ((), [true, false])));
    assert_agree(&Any::Pair('x', Some(Box::new(Any::Number(-1)))));
    let map = BTreeMap::from([(1, ()), (2, ())]);
    assert_agree(&vec![Any::Unit, Any::Fields { text: "t".into(), bytes: vec![(true, 0.5)], map }]);
}
