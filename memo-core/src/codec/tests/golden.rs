//! The bytes of values, by each codec.

use std::time::Duration;

use super::*;
use crate::golden::Golden;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Segment(i32, i32),
    Named { name: String, inner: Option<Box<Shape>> },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Row {
    id: u32,
    note: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Columns {
    #[serde(with = "crate::bulk")]
    times: Vec<u64>,
    #[serde(with = "crate::bulk")]
    values: Vec<f32>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

/// What each codec that carries a value writes, and which one is chosen; what it writes is read.
fn lines<T: Data + PartialEq + std::fmt::Debug>(
    golden: &mut Golden,
    of: &str,
    is_little: bool,
    value: T,
) {
    let mut line = |of: String, bytes: &[u8]| match is_little {
        true => golden.little_line(of, bytes),
        false => golden.line(of, bytes),
    };
    let (chosen, _) = round_trip(&value).unwrap();
    for codec in [BINARY, TAGGED] {
        let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
        let is_written = match codec {
            BINARY => binary::encode(&value, &mut builder).is_ok(),
            _ => tagged::encode(&value, &mut builder).is_ok(),
        };
        if !is_written || check(codec, &value, builder.value()).is_err() {
            continue;
        }
        assert_eq!(decode_as::<T>(codec, builder.value()).as_ref(), Ok(&value));
        let mark = if codec == chosen { ", as it is stored" } else { "" };
        line(format!("{of}, codec {codec}{mark}"), builder.value());
    }
}

#[test]
fn values_are_the_bytes_that_they_were() {
    let golden = &mut Golden::default();
    macro_rules! values {
        ($($is_little:literal $value:expr;)*) => {$(
            lines(golden, stringify!($value), $is_little, $value);
        )*};
    }
    let named = |inner| Shape::Named { name: "n".into(), inner };
    values! {
        false ();
        false true;
        false 7_u8;
        false -2_i16;
        false 66_051_u32;
        false -4_i64;
        false u128::MAX - 1;
        false 0.5_f32;
        false -0.0_f64;
        false 'x';
        false '\u{1F600}';
        false "text".to_owned();
        false None::<u8>;
        false Some(Some(1_u8));
        false (1_u8, "two".to_owned(), 3.0_f32);
        false [1_u16, 2];
        false vec!["a".to_owned(), String::new()];
        true vec![1_u8, 2, 3];
        true vec![0.5_f64, -0.5];
        true vec![-1_i32];
        true Columns { times: vec![1, u64::MAX], values: vec![0.5, -0.5] };
        false Row { id: 7, note: Some("n".to_owned()) };
        false Shape::Nothing;
        false Shape::Circle(1.5);
        false Shape::Segment(-1, 1);
        false named(Some(Box::new(named(None))));
        false BTreeMap::from([(2_u8, 'b'), (1, 'a')]);
        false Ok::<u8, String>(1);
        false Err::<u8, String>("why".to_owned());
        false Duration::new(1, 2);
        false "127.0.0.1".parse::<std::net::IpAddr>().unwrap();
        false "[fe80::1%3]:80".parse::<SocketAddrV6>().unwrap();
        false Untagged::Inner { plain: Plain::Newtype(1), list: vec![Plain::Unit] };
        false Tagged::Circle { radius: 0.5 };
        false Adjacent::B;
        false Flat { id: 1, rest: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]) };
    }
    std::mem::take(golden).assert(file!(), "values");
}
