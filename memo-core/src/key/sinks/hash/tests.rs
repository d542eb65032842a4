//! Keys made to collide, by someone who knows everything but the seed.

use std::collections::{HashMap, HashSet};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::super::encoder::Encoder;
use super::*;

fn hash_of<T: Serialize>(value: &T, seed: &Seed) -> u64 {
    let mut sink = Hash::new(seed, false);
    value.serialize(Encoder::new(&mut sink)).unwrap();
    sink.finish()
}

/// Something that says next to nothing, in each of the ways that serde has for it.
#[derive(Clone, Copy, Debug)]
struct Unit(usize);

const UNITS: usize = 36;

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => to.serialize_unit(),
            1 => to.serialize_none(),
            2 => to.serialize_some(&()),
            3 => to.serialize_bool(false),
            4 => to.serialize_bool(true),
            5 => to.serialize_unit_struct("Aa"),
            6 => to.serialize_unit_struct("Bb"),
            7 => to.serialize_unit_variant("Aa", 0, "Cc"),
            8 => to.serialize_unit_variant("Bb", 0, "Cc"),
            9 => to.serialize_unit_variant("Aa", 1, "Cc"),
            10 => to.serialize_unit_variant("Aa", 0, "Dd"),
            11 => to.serialize_newtype_struct("Aa", &()),
            12 => to.serialize_newtype_variant("Aa", 0, "Cc", &()),
            13 => to.serialize_seq(Some(0))?.end(),
            14 => to.serialize_map(Some(0))?.end(),
            15 => to.serialize_tuple(0)?.end(),
            16 => to.serialize_tuple_struct("Aa", 0)?.end(),
            17 => to.serialize_tuple_variant("Aa", 0, "Cc", 0)?.end(),
            18 => to.serialize_struct("Aa", 0)?.end(),
            19 => to.serialize_struct("Bb", 0)?.end(),
            20 => to.serialize_struct_variant("Aa", 0, "Cc", 0)?.end(),
            21 => HashMap::<u8, u8>::new().serialize(to),
            22 => HashSet::<u8>::new().serialize(to),
            // Where numbers do not go as they lie in memory, both are a sequence of nothing, as 13 is.
            23 | 24 if cfg!(target_endian = "big") => to.serialize_bytes(&vec![0; self.0]),
            23 => Vec::<u8>::new().serialize(to),
            24 => Vec::<u16>::new().serialize(to),
            25 => to.serialize_str(""),
            26 => to.serialize_bytes(b""),
            27 => to.serialize_str("\0"),
            28 => to.serialize_char('\0'),
            29 => to.serialize_u8(0),
            30 => to.serialize_i8(0),
            31 => to.serialize_u64(0),
            32 => to.serialize_f64(0.0),
            33 => to.serialize_u128(0),
            34 => field(to.serialize_struct("Aa", 1)?, "ee"),
            _ => field(to.serialize_struct("Aa", 1)?, "ff"),
        }
    }
}

fn field<S: SerializeStruct>(mut to: S, name: &'static str) -> Result<S::Ok, S::Error> {
    to.serialize_field(name, &())?;
    to.end()
}

/// Asserts that no two of the values have one hash, whatever the seed.
///
/// Two of some ten thousand random words of 64 bits are the same once in 10¹¹ times.
fn assert_apart<T: Serialize>(values: impl Fn() -> Box<dyn Iterator<Item = T>>) {
    for seed in [Seed::random(), Seed::random()] {
        let hashes: HashSet<u64> = values().map(|value| hash_of(&value, &seed)).collect();
        assert_eq!(hashes.len(), values().count());
    }
}

/// All lists of so many places with one of `kinds` in each.
fn arrangements(kinds: Vec<Unit>, places: u32) -> Box<dyn Iterator<Item = Vec<Unit>>> {
    let count = kinds.len();
    Box::new((0..count.pow(places)).map(move |number| {
        (0..places).map(|place| kinds[number / count.pow(place) % count]).collect()
    }))
}

#[test]
fn arrangements_of_any_two_units_have_hashes_of_their_own() {
    for a in 0..UNITS {
        for b in a + 1..UNITS {
            assert_apart(|| arrangements(vec![Unit(a), Unit(b)], 5));
        }
    }
}

#[test]
fn arrangements_of_all_units_have_hashes_of_their_own() {
    assert_apart(|| arrangements((0..UNITS).map(Unit).collect(), 3));
}

#[test]
fn the_order_of_texts_among_numbers_counts() {
    #[derive(Clone)]
    enum Piece {
        Number(u64),
        Wide(u128),
        Text(&'static str),
        Bytes(&'static [u8]),
        List(Vec<u32>),
    }
    impl Serialize for Piece {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Number(number) => to.serialize_u64(*number),
                Self::Wide(number) => to.serialize_u128(*number),
                Self::Text(text) => to.serialize_str(text),
                Self::Bytes(bytes) => to.serialize_bytes(bytes),
                Self::List(list) => list.serialize(to),
            }
        }
    }
    let long = "a text of more than sixteen bytes, and of more than thirty-two";
    let pieces = vec![
        Piece::Number(0),
        Piece::Number(1 << 32),
        Piece::Wide(1 << 64),
        Piece::Text("a"),
        Piece::Text(long),
        Piece::Bytes(long.as_bytes()),
        Piece::List(vec![1, 2, 3]),
    ];
    assert_apart(|| {
        let pieces = pieces.clone();
        let count = pieces.len();
        Box::new((0..count.pow(5)).map(move |number| {
            (0..5)
                .map(|place| pieces[number / count.pow(place) % count].clone())
                .collect::<Vec<_>>()
        }))
    });
}

#[test]
fn ways_of_nesting_have_hashes_of_their_own() {
    #[derive(serde::Serialize)]
    struct List(Vec<List>);
    /// The list that such a row of brackets spells, if they belong together.
    fn list(brackets: u32, pairs: usize) -> Option<List> {
        let mut open = vec![List(vec![])];
        for at in 0..2 * pairs {
            if brackets >> at & 1 == 0 {
                open.push(List(vec![]));
            } else {
                let inner = open.pop()?;
                open.last_mut()?.0.push(inner);
            }
        }
        let whole = open.pop();
        whole.filter(|_| open.is_empty())
    }
    assert_apart(|| Box::new((0..1 << 16).filter_map(|brackets| list(brackets, 8))));
}

#[test]
fn pieces_chosen_against_public_constants_do_not_collide() {
    // A product with zero is zero, whatever the other number is: each of these would make one of
    // them zero where a constant that all the world knows stands in the place of a secret.
    let constants =
        [0x2437_54BC_7C8D_9C6D, 0xC0AC_29B7_C97C_50DD, 0x9E37_79B9_7F4A_7C15, 0, u64::MAX];
    for constant in constants {
        assert_apart(|| Box::new((0..1000_u64).map(move |n| (n, constant))));
        assert_apart(|| Box::new((0..1000_u64).map(move |n| (constant, n))));
        assert_apart(|| {
            Box::new((0..1000_u64).map(move |n| {
                let words = [n.to_le_bytes(), constant.to_le_bytes()];
                words.concat().iter().map(|&byte| char::from(byte)).collect::<String>()
            }))
        });
        assert_apart(|| {
            Box::new((0..1000_u64).map(move |n| [n, constant, n, constant, constant].to_vec()))
        });
    }
}

#[test]
fn bytes_of_every_length_are_told_apart_by_each_of_them() {
    for is_thorough in [false, true] {
        let hash_of = |bytes: &[u8], seed: &Seed| {
            let mut sink = Hash::new(seed, is_thorough);
            sink.text(tag::BYTES, bytes).unwrap();
            sink.finish()
        };
        let seed = Seed::random();
        let longest = if is_thorough { 1000 } else { SAMPLED - 1 };
        let mut seen = HashSet::new();
        for len in (0..140).chain([longest]) {
            let mut bytes = vec![7; len];
            assert!(seen.insert(hash_of(&bytes, &seed)));
            for at in 0..len {
                bytes[at] ^= 0x80;
                assert!(seen.insert(hash_of(&bytes, &seed)), "{at} of {len}");
                bytes[at] ^= 0x80;
            }
        }
    }
}

/// A seed has two unlucky ones in a hundred beside it, which cost longer ways and no wrong answer: so
/// it is told of many, which are the same at every run.
#[test]
fn small_numbers_are_spread_over_the_places_of_a_table_by_nearly_every_seed() {
    let word = |number: u64| {
        let digest = blake3::hash(&number.to_le_bytes());
        u64::from_le_bytes(*digest.as_bytes().first_chunk().unwrap())
    };
    let is_spread = |seed: &Seed| {
        let mut places = [0_u32; 1024];
        let mut tags = [0_u32; 16];
        for number in 0..16 * 1024_u64 {
            let hash = hash_of(&number, seed);
            places[hash as usize % 1024] += 1;
            tags[(hash >> 60) as usize] += 1;
        }
        // 16 and 1024 are what is expected.
        places.iter().all(|&count| count < 64)
            && tags.iter().all(|&count| (700..1400).contains(&count))
    };
    let seeds = (0..100).map(|seed| Seed::of([3 * seed, 3 * seed + 1, 3 * seed + 2].map(word)));
    let spread = seeds.filter(is_spread).count();
    assert!(spread >= 95, "{spread} of 100");
}
