//! Vectors of numbers come back by a copy, wherever they are.
//!
//! A copy has room for exactly what it holds. serde makes room for 1 MiB at the most and grows it
//! as numbers come one by one, so that of more than that it has room for more than it holds.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize, Serializer};

use super::*;

/// So many numbers that those which come one by one have more room than they need.
fn many<N: From<u8>>() -> Vec<N> {
    let count = (1 << 20) / size_of::<N>() + 1;
    (0..count).map(|index| N::from(index as u8)).collect()
}

#[track_caller]
fn assert_copied<N>(numbers: &Vec<N>) {
    assert!(!numbers.is_empty());
    assert_eq!(numbers.capacity(), numbers.len(), "they came one by one");
}

/// What comes back by each codec, which is the same.
#[track_caller]
fn both<T: Data + PartialEq + Debug>(value: &T) -> [T; 2] {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    tagged::encode(value, &mut builder).unwrap();
    let tagged = decode_as::<T>(TAGGED, builder.value()).expect("it comes back");
    let (codec, binary) = round_trip(value).unwrap();
    assert_eq!(codec, BINARY);
    assert!([&tagged, &binary].into_iter().all(|back| back == value), "it came back as another");
    [tagged, binary]
}

/// As arrays of several dimensions are serialized: element by element, whatever is in memory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Grid {
    v: u8,
    dim: (usize, usize),
    #[serde(serialize_with = "one_by_one")]
    data: Vec<f64>,
}

fn one_by_one<S: Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(numbers.iter())
}

#[test]
fn numbers_that_come_one_by_one_have_more_room_than_they_need() {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    tagged::encode(&many::<u16>(), &mut builder).unwrap();
    let wider = decode_as::<Vec<u64>>(TAGGED, builder.value()).unwrap();
    assert!(wider.capacity() > wider.len(), "what the tests below assert says nothing");
}

/// The tagged codec has a tag before each of such elements, and nothing to copy.
#[test]
fn an_array_that_is_serialized_element_by_element_is_copied_by_bincode() {
    let data = many::<f64>();
    let grid = Grid { v: 1, dim: (1, data.len()), data };
    let [_, back] = both(&grid);
    assert_copied(&back.data);
    let [_, back] = both(&(grid.clone(), vec![grid.clone(), grid.clone()], Some(grid)));
    assert_copied(&back.0.data);
    back.1.iter().chain(&back.2).for_each(|grid| assert_copied(&grid.data));
    both(&Grid { v: 1, dim: (0, 7), data: vec![] });
}

#[test]
fn numbers_in_options_tuples_fields_variants_and_maps_are_copied() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    enum Answer {
        Bytes(Vec<u8>),
        Series { name: String, values: Vec<i32> },
    }
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Column(Vec<u16>);

    both(&Some(many::<f64>())).iter().for_each(|back| assert_copied(back.as_ref().unwrap()));
    for back in both(&Some(Some(many::<u8>()))) {
        assert_copied(back.flatten().as_ref().unwrap());
    }
    both(&("text".to_owned(), many::<f64>())).iter().for_each(|back| assert_copied(&back.1));
    for back in both(&vec![Ok::<_, String>(many::<i64>()), Err("no".into()), Ok(many())]) {
        back.iter().flatten().for_each(assert_copied);
    }
    for back in both(&(Answer::Bytes(many()), Column(many()))) {
        let (Answer::Bytes(bytes), Column(numbers)) = &back else { unreachable!() };
        assert_copied(bytes);
        assert_copied(numbers);
    }
    for back in both(&Answer::Series { name: "a".into(), values: many() }) {
        let Answer::Series { values, .. } = &back else { unreachable!() };
        assert_copied(values);
    }
    for back in both(&BTreeMap::from([(1_u8, many::<f32>()), (2, many())])) {
        back.values().for_each(assert_copied);
    }
}

#[test]
fn numbers_are_copied_from_wherever_they_begin_and_empty_ones_are_empty() {
    for text in (0..16).map(|len| "x".repeat(len)) {
        for (_, numbers, wide) in both(&(text, many::<f64>(), vec![u128::MAX, 1])) {
            assert_copied(&numbers);
            assert_copied(&wide);
        }
    }
    both(&(None::<Vec<f64>>, Some(Vec::<f64>::new()), 7_u8));
    both(&(Some(None::<Vec<u8>>), Some(Some(Vec::<u8>::new())), vec![Vec::<u64>::new(); 3]));
}
