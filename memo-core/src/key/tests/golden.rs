//! The bytes of keys, which calls are known by in stores.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddrV6;
use std::time::Duration;

use serde::Serialize;

use super::*;
use crate::golden::Golden;

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u16);

#[derive(Serialize)]
struct Pair(u8, String);

#[derive(Serialize)]
struct Row {
    id: u32,
    note: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
}

#[derive(Serialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Segment(i32, i32),
    Named { name: &'static str },
}

#[derive(Serialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<&'static str, u8>,
}

#[test]
fn keys_are_the_bytes_that_they_were() {
    let mut golden = Golden::default();
    macro_rules! keys {
        ($($line:ident $value:expr;)*) => {$(
            golden.$line(stringify!($value), encoding(&$value));
        )*};
    }
    keys! {
        line ();
        line true;
        line false;
        line 1_u8;
        line 513_u16;
        line 66_051_u32;
        line 72_623_859_790_382_856_u64;
        line 5_233_100_606_242_806_050_955_395_731_361_295_u128;
        line -1_i8;
        line -2_i16;
        line -3_i32;
        line -4_i64;
        line -5_i128;
        line 0.5_f32;
        line -0.0_f64;
        line f64::NAN;
        line 'x';
        line '\u{1F600}';
        line "text";
        line "";
        line "x".repeat(300);
        line None::<u8>;
        line Some(Some(1_u8));
        line (1_u8, "two", 3.0_f32);
        line ["a", "b"];
        line vec!["a", "b"];
        line vec![Some(1_u8), None];
        little_line vec![1_u8, 2, 3];
        little_line vec![1_u32, 2];
        little_line vec![0.5_f64, -0.5];
        little_line [1_i16, 2].as_slice();
        line Unit;
        line Newtype(7);
        line Pair(1, "p".to_owned());
        line Row { id: 7, note: Some("n"), absent: None };
        line Row { id: 7, note: None, absent: Some(1) };
        line Shape::Nothing;
        line Shape::Circle(1.5);
        line Shape::Segment(-1, 1);
        line Shape::Named { name: "n" };
        line Flat { id: 1, rest: BTreeMap::from([("a", 1), ("b", 2)]) };
        line BTreeMap::from([(2_u8, "b"), (1, "a")]);
        line HashMap::from([("b", 2_u8), ("a", 1), ("", 0)]);
        line HashSet::from([3_u16, 1, 2]);
        line HashMap::from([(1_u8, HashSet::from(["x", "y"]))]);
        line Ok::<u8, String>(1);
        line Err::<u8, &str>("why");
        line Duration::new(1, 2);
        line 1_u8..=5;
        line "[fe80::1%3]:80".parse::<SocketAddrV6>().unwrap();
        line "127.0.0.1:80".parse::<std::net::SocketAddr>().unwrap();
        line std::path::Path::new("a/b");
    }
    golden.line("the arguments 1_u8, \"two\"", bytes(&(&1_u8, (&"two", ()))));
    golden.line("no arguments", bytes(&()));
    golden.assert(file!(), "encodings");
}

#[test]
fn calls_have_the_digests_that_they_had() {
    fn name<A: Args>(args: &A) -> [u8; DIGEST] {
        encode(args, &SEED, |encoded| encoded.digest()).unwrap()
    }
    let mut golden = Golden::default();
    golden.line("no arguments", name(&()));
    golden.line("1_u8, \"two\"", name(&(&1_u8, (&"two", ()))));
    golden.line("a text of VERBATIM bytes", name(&(&"x".repeat(VERBATIM), ())));
    golden.little_line("a Vec<u8> of VERBATIM bytes", name(&(&vec![7_u8; VERBATIM], ())));
    golden.little_line("a Vec<f64> of VERBATIM numbers", name(&(&vec![0.5_f64; VERBATIM], ())));
    golden.line("the tag \"user:7\"", tags::tag_of("user:7"));
    golden.assert(file!(), "digests");
}

#[test]
fn what_values_are_made_of_has_the_numbers_that_it_had() {
    let mut golden = Golden::default();
    macro_rules! structures {
        ($($line:ident $value:expr;)*) => {$(
            let structure = structure::structure_of(&$value).unwrap();
            golden.$line(stringify!($value), structure.to_be_bytes());
        )*};
    }
    structures! {
        line 1_u64;
        line "text";
        line Some(1_u8);
        line (1_u8, 'x');
        line vec!["a", "b"];
        little_line vec![1_u32, 2];
        line Pair(1, "p".to_owned());
        line Row { id: 7, note: Some("n"), absent: None };
        line Shape::Named { name: "n" };
        line Flat { id: 1, rest: BTreeMap::from([("a", 1), ("b", 2)]) };
        line HashMap::from([("b", 2_u8), ("a", 1)]);
        line HashSet::from([3_u16, 1, 2]);
    }
    golden.assert(file!(), "structures");
}
