//! Bytes that were changed: whatever a codec makes of them, it ends, and neither panics nor takes
//! more memory than there are bytes for.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use super::*;
use crate::fuzz::{rounds, Random};

/// A tree, whose depth the bytes decide.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Segment(u32, u32),
    Named { name: String, inner: Option<Box<Shape>> },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Record {
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    columns: Vec<f64>,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

fn tree(depth: usize) -> Tree {
    let children = if depth == 0 { vec![] } else { vec![tree(depth - 1), tree(0)] };
    Tree { name: "node".into(), children }
}

/// One change of bytes, of those that break readers.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len().max(1));
    match random.below(7) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.one_of(&[0, 1, 127, 128, 254, 255]),
        2 => bytes.truncate(at),
        3 => bytes.insert(at.min(bytes.len()), random.next().to_le_bytes()[0]),
        4 if !bytes.is_empty() => drop(bytes.remove(at)),
        // A count that there are no elements for.
        5 if bytes.len() >= 8 => {
            let at = random.below(bytes.len() - 7);
            let count = random.one_of(&[u64::MAX, 1 << 62, 1 << 32, 1 << 20, 0]);
            bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
        }
        // A piece of it once more.
        _ if !bytes.is_empty() => {
            let len = random.below((bytes.len() - at).min(64)) + 1;
            let piece = bytes[at..at + len].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => bytes.push(random.next().to_le_bytes()[0]),
    }
}

fn assert_mutants_do_no_harm<T: Data + PartialEq + Debug>(value: &T, random: &mut Random) {
    type Write<T> = fn(&T, &mut Builder) -> Result<(), String>;
    let codecs: [(u8, Write<T>); 2] = [
        (BINARY, |value, into| binary::encode(value, into).map(drop).map_err(|_| String::new())),
        (TAGGED, |value, into| tagged::encode(value, into)),
    ];
    for (codec, write) in codecs {
        let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
        if write(value, &mut builder).is_err() || check(codec, value, builder.value()).is_err() {
            // No codec of this type.
            continue;
        }
        let original = builder.value().to_vec();
        assert_eq!(decode_as::<T>(codec, &original).as_ref(), Ok(value), "codec {codec}");
        for _ in 0..rounds(20) {
            let mut mutant = original.clone();
            for _ in 0..=random.below(3) {
                mutate(&mut mutant, random);
            }
            // A panic in here fails the test, and what takes all memory ends it.
            let read = decode_as::<T>(codec, &mutant);
            if mutant == original {
                assert_eq!(read.as_ref(), Ok(value));
            }
            // As from a store, whose reader tells by the structure whether it is of this type.
            let _ = decode_stored::<T>(codec, random.next(), &mutant);
        }
    }
}

/// The value by itself, and in whatever may hold it.
fn assert_mutants_of_all_do_no_harm<T>(value: &T, random: &mut Random)
where
    T: Data + PartialEq + Clone + Debug,
{
    let (one, text) = (|| value.clone(), || "text".to_owned());
    assert_mutants_do_no_harm(value, random);
    assert_mutants_do_no_harm(&Some(one()), random);
    assert_mutants_do_no_harm(&vec![one(), one(), one()], random);
    assert_mutants_do_no_harm(&vec![Some(one()), None], random);
    assert_mutants_do_no_harm(&(text(), one()), random);
    assert_mutants_do_no_harm(&[one(), one()], random);
    assert_mutants_do_no_harm(&HashMap::from([(text(), one())]), random);
    assert_mutants_do_no_harm(&BTreeMap::from([(1_u8, vec![one()])]), random);
    assert_mutants_do_no_harm(&Ok::<_, String>(one()), random);
}

#[test]
fn no_mutant_of_a_value_panics_or_takes_all_there_is() {
    let random = &mut Random::of_test();
    assert_mutants_of_all_do_no_harm(&(), random);
    assert_mutants_of_all_do_no_harm(&true, random);
    assert_mutants_of_all_do_no_harm(&7_u8, random);
    assert_mutants_of_all_do_no_harm(&-7_i64, random);
    assert_mutants_of_all_do_no_harm(&u128::MAX, random);
    assert_mutants_of_all_do_no_harm(&1.5_f64, random);
    assert_mutants_of_all_do_no_harm(&'x', random);
    assert_mutants_of_all_do_no_harm(&"some text".to_owned(), random);
    assert_mutants_of_all_do_no_harm(&Shape::Nothing, random);
    let named = Shape::Named { name: "n".into(), inner: Some(Box::new(Shape::Circle(1.0))) };
    assert_mutants_of_all_do_no_harm(&vec![named, Shape::Segment(1, 2)], random);
    assert_mutants_of_all_do_no_harm(&tree(3), random);
    let rest = BTreeMap::from([("more".to_owned(), 4)]);
    let record = Record { id: 1, note: Some("note".into()), columns: vec![0.5; 9], rest };
    assert_mutants_of_all_do_no_harm(&record, random);
}
