//! Our reader against bincode's own.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::*;
use crate::key::Hashes;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Any {
    Unit,
    Number(i128),
    Pair(char, Option<Box<Any>>),
    Fields { text: String, bytes: Vec<(bool, f32)>, map: BTreeMap<u8, ()> },
}

/// Asserts that both writers of the format agree, and both readers, on what was written and on what
/// never was.
fn assert_agree<T: DeserializeOwned + Serialize + PartialEq + fmt::Debug>(value: &T) {
    let bytes = options().serialize(value).unwrap();
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    encode(value, &mut builder).unwrap();
    assert_eq!(builder.value(), bytes);
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
fn how_many_parts_there_are_is_counted() {
    /// Says one number before, and has another.
    struct Guess(Option<usize>, Vec<u16>);
    impl Serialize for Guess {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{SerializeMap, SerializeSeq};
            let mut map = serializer.serialize_map(self.0)?;
            for part in &self.1 {
                map.serialize_entry(part, &Elements(self))?;
            }
            return map.end();

            struct Elements<'g>(&'g Guess);
            impl Serialize for Elements<'_> {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    let mut seq = to.serialize_seq(self.0 .0)?;
                    self.0 .1.iter().try_for_each(|part| seq.serialize_element(part))?;
                    seq.end()
                }
            }
        }
    }
    impl<'de> Deserialize<'de> for Guess {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("it is only written"))
        }
    }
    for guess in [None, Some(0), Some(1), Some(3), Some(usize::MAX)] {
        for parts in [vec![], vec![7], vec![1, 2, 3]] {
            let map: BTreeMap<u16, Vec<u16>> = parts.iter().map(|&n| (n, parts.clone())).collect();
            let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
            encode(&(Guess(guess, parts), 7_u8), &mut builder).unwrap();
            assert_eq!(decode::<(BTreeMap<u16, Vec<u16>>, u8)>(builder.value()), Some((map, 7)));
        }
    }
}

#[test]
fn parts_of_no_bytes_are_as_many_as_may_be_made_up() {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    encode(&vec![(); 60_000], &mut builder).unwrap();
    assert_eq!(decode::<Vec<()>>(builder.value()), Some(vec![(); 60_000]));
    builder.reset_value();
    assert!(encode(&vec![(); 100_000], &mut builder).is_err());
    builder.reset_value();
    assert!(encode(&vec![vec![(); 1000]; 100], &mut builder).is_err());
    // Whoever reads does not loop for as long as eight bytes can say.
    for count in [100_000, u64::MAX / 2, u64::MAX] {
        assert!(decode::<Vec<()>>(&count.to_le_bytes()).is_none());
        assert!(decode::<BTreeMap<(), ()>>(&count.to_le_bytes()).is_none());
        let many = [1000_u64.to_le_bytes(), count.to_le_bytes()].concat();
        assert!(decode::<Vec<Vec<()>>>(&many).is_none());
    }
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

#[test]
fn a_text_is_one_wherever_it_is_not_ascii_and_whatever_its_length() {
    for len in (0..40).chain([63, 64, 65, 80]) {
        let ascii = "a".repeat(len);
        assert_agree(&ascii);
        for at in 0..len.saturating_sub(1) {
            // A letter of two bytes there.
            let text = format!("{}é{}", &ascii[..at], &ascii[at + 2..]);
            assert_agree(&text);
        }
    }
}
