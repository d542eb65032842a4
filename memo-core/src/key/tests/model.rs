//! Random values against what they mean: two are encoded alike exactly if they are equal.

use std::collections::HashMap;
use std::mem::discriminant;

use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};

use super::bytes;
use crate::fuzz::{rounds, Random};

/// Whatever serde may say of a value.
#[derive(Clone, Debug)]
enum Model {
    Unit,
    Bool(bool),
    Small(u8),
    Large(u64),
    Signed(i64),
    Float(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Option(Option<Box<Model>>),
    Seq(Vec<Model>),
    Tuple(Vec<Model>),
    Newtype(&'static str, Box<Model>),
    Variant(&'static str, Box<Model>),
    Struct(&'static str, Vec<(&'static str, Model)>),
    Ordered(Vec<(Model, Model)>),
    Unordered(HashMap<String, Model>),
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        use Model::*;
        match (self, other) {
            (Unit, Unit) => true,
            (Bool(a), Bool(b)) => a == b,
            (Small(a), Small(b)) => a == b,
            (Large(a), Large(b)) => a == b,
            (Signed(a), Signed(b)) => a == b,
            // Zeros of two signs differ, and the same bits are the same number.
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Char(a), Char(b)) => a == b,
            (Text(a), Text(b)) => a == b,
            (Bytes(a), Bytes(b)) => a == b,
            (Option(a), Option(b)) => a == b,
            (Seq(a), Seq(b)) | (Tuple(a), Tuple(b)) => a == b,
            (Newtype(a, x), Newtype(b, y)) | (Variant(a, x), Variant(b, y)) => a == b && x == y,
            (Struct(a, x), Struct(b, y)) => a == b && x == y,
            (Ordered(a), Ordered(b)) => a == b,
            (Unordered(a), Unordered(b)) => a == b,
            _ => {
                assert_ne!(discriminant(self), discriminant(other));
                false
            }
        }
    }
}

struct AsBytes<'a>(&'a [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => value.serialize(serializer),
            Self::Small(value) => value.serialize(serializer),
            Self::Large(value) => value.serialize(serializer),
            Self::Signed(value) => value.serialize(serializer),
            Self::Float(value) => value.serialize(serializer),
            Self::Char(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Bytes(value) => AsBytes(value).serialize(serializer),
            Self::Option(value) => value.serialize(serializer),
            Self::Seq(parts) => {
                let mut seq = serializer.serialize_seq(Some(parts.len()))?;
                parts.iter().try_for_each(|part| seq.serialize_element(part))?;
                seq.end()
            }
            Self::Tuple(parts) => {
                let mut tuple = serializer.serialize_tuple(parts.len())?;
                parts.iter().try_for_each(|part| tuple.serialize_element(part))?;
                tuple.end()
            }
            Self::Newtype(name, value) => serializer.serialize_newtype_struct(name, value),
            Self::Variant(name, value) => {
                serializer.serialize_newtype_variant("Enum", 0, name, value)
            }
            Self::Struct(name, fields) => {
                let mut parts = serializer.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, field)| parts.serialize_field(name, field))?;
                parts.end()
            }
            Self::Ordered(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Unordered(map) => map.serialize(serializer),
        }
    }
}

const NAMES: [&str; 5] = ["", "a", "ab", "b", "a\0b"];
const TEXTS: [&str; 7] = ["", "a", "ab", "b", "abc", "a\0", "\u{1F600}"];
const DEPTH: usize = 4;

fn any(random: &mut Random, depth: usize) -> Model {
    let kinds = if depth == 0 { 9 } else { 17 };
    let name = random.one_of(&NAMES);
    let few = random.below(4);
    let inner = |random: &mut Random| any(random, depth.saturating_sub(1));
    match random.below(kinds) {
        0 => Model::Unit,
        1 => Model::Bool(random.below(2) == 0),
        2 => Model::Small(random.one_of(&[0, 1, 2, 255])),
        3 => Model::Large(random.one_of(&[0, 1, 2, 255, 256, u64::MAX])),
        4 => Model::Signed(random.one_of(&[0, 1, -1, i64::MIN])),
        5 => Model::Float(random.one_of(&[0.0, -0.0, 1.0, f64::NAN, f64::INFINITY])),
        6 => Model::Char(random.one_of(&['a', 'b', '\0'])),
        7 => Model::Text(random.one_of(&TEXTS).to_owned()),
        8 => Model::Bytes(random.one_of(&TEXTS).as_bytes().to_vec()),
        9 => Model::Option((few > 0).then(|| Box::new(inner(random)))),
        10 => Model::Seq((0..few).map(|_| inner(random)).collect()),
        11 => Model::Tuple((0..few).map(|_| inner(random)).collect()),
        12 => Model::Newtype(name, Box::new(inner(random))),
        13 => Model::Variant(name, Box::new(inner(random))),
        14 => {
            Model::Struct(name, (0..few).map(|_| (random.one_of(&NAMES), inner(random))).collect())
        }
        15 => Model::Ordered((0..few).map(|_| (inner(random), inner(random))).collect()),
        _ => Model::Unordered(
            (0..few).map(|_| (random.one_of(&TEXTS).to_owned(), inner(random))).collect(),
        ),
    }
}

/// The same value, whose maps were filled in another order; with a part that is another, if it is to
/// be.
fn copy(model: &Model, random: &mut Random, is_changed: bool) -> Model {
    if is_changed && random.below(3) == 0 {
        return any(random, 1);
    }
    let mut part = |model: &Model| {
        let is_changed = is_changed && random.below(2) == 0;
        copy(model, random, is_changed)
    };
    match model {
        Model::Option(value) => Model::Option(value.as_ref().map(|value| Box::new(part(value)))),
        Model::Seq(parts) => Model::Seq(parts.iter().map(part).collect()),
        Model::Tuple(parts) => Model::Tuple(parts.iter().map(part).collect()),
        Model::Newtype(name, value) => Model::Newtype(name, Box::new(part(value))),
        Model::Variant(name, value) => Model::Variant(name, Box::new(part(value))),
        Model::Struct(name, fields) => {
            Model::Struct(name, fields.iter().map(|(name, field)| (*name, part(field))).collect())
        }
        Model::Ordered(entries) => {
            Model::Ordered(entries.iter().map(|(key, value)| (part(key), part(value))).collect())
        }
        Model::Unordered(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.reverse();
            Model::Unordered(
                entries.into_iter().map(|(key, value)| (key.clone(), part(value))).collect(),
            )
        }
        other => other.clone(),
    }
}

#[test]
fn two_values_are_encoded_alike_exactly_if_they_are_equal() {
    let mut random = Random::of_test();
    let (mut equal, mut different) = (0, 0);
    for _ in 0..rounds(5_000) {
        let one = any(&mut random, DEPTH);
        let is_changed = random.below(2) == 0;
        let other = match random.below(4) {
            0 => any(&mut random, DEPTH),
            _ => copy(&one, &mut random, is_changed),
        };
        let is_equal = one == other;
        let is_alike = bytes(&(&one, ())) == bytes(&(&other, ()));
        assert_eq!(is_alike, is_equal, "{one:?}\n{other:?}");
        // Nor do two arguments meet that are cut elsewhere.
        let cut = [bytes(&(&one, (&other, ()))), bytes(&(&other, (&one, ())))];
        assert_eq!(cut[0] == cut[1], is_equal, "{one:?}\n{other:?}");
        *if is_equal { &mut equal } else { &mut different } += 1;
    }
    assert!(equal > 0 && different > 0, "{equal} equal, {different} different");
}
