//! Which codec carries what, and what none does.

#[cfg(target_endian = "little")]
mod copies;
mod golden;
mod mutants;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use serde::{Deserialize, Serialize};

use super::*;
use crate::key::Hashes;

/// Encodes as a function's only value; the codec, and the value that came back.
fn round_trip<T: Data>(value: &T) -> Result<(u8, T), String> {
    round_trip_in(&Trust::new(), value)
}

fn round_trip_in<T: Data>(trust: &Trust, value: &T) -> Result<(u8, T), String> {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    let codec = encode(value, trust, &mut builder)?;
    let entry = builder.finish(codec, None);
    Ok((codec, decode(entry.view()).ok_or("it does not decode")?))
}

#[track_caller]
fn assert_carried<T: Data + PartialEq + std::fmt::Debug>(value: T, by: u8) {
    let (codec, back) = round_trip(&value).unwrap();
    assert_eq!(back, value);
    assert_eq!(codec, by, "{value:?}");
}

#[test]
fn bincode_carries_what_it_can() {
    assert_carried((), BINARY);
    assert_carried(i128::MIN, BINARY);
    assert_carried(String::from("text"), BINARY);
    assert_carried(Some(Some(None::<u8>)), BINARY);
    assert_carried(HashMap::from([(1, HashMap::from([("a".to_owned(), 'x')]))]), BINARY);
    assert_carried(vec![(1.5_f64, true, Box::<str>::from("b"))], BINARY);
    assert_carried("127.0.0.1".parse::<std::net::IpAddr>().unwrap(), BINARY);
}

#[test]
fn vectors_of_numbers_come_back_wherever_they_are() {
    assert_carried(vec![0_u8; 100_000], BINARY);
    assert_carried(vec![f64::MIN, -0.0, f64::INFINITY], BINARY);
    assert_carried(Vec::<i128>::new(), BINARY);
    assert_carried(vec![usize::MAX, 1], BINARY);
    assert_carried(
        (Some(vec![1_u16, 2]), "between".to_owned(), vec![vec![-1_i64], vec![]]),
        BINARY,
    );
    assert_carried(Box::<[f32]>::from([0.5, 1.5]), BINARY);
    assert_carried(BTreeMap::from([(1, vec![isize::MIN])]), BINARY);
    let numbers = Adjacent::A(vec![1, 2, 3]);
    assert_carried((vec![1_u8, 2], numbers, vec![f64::MAX]), TAGGED);
}

#[test]
fn a_reader_of_numbers_of_another_width_reads_them_one_by_one() {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    tagged::encode(&vec![1_u16, 2], &mut builder).unwrap();
    assert_eq!(decode_as::<Vec<u64>>(TAGGED, builder.value()), Ok(vec![1, 2]));
    assert_eq!(decode_as::<Vec<u16>>(TAGGED, builder.value()), Ok(vec![1, 2]));
}

#[test]
fn numbers_that_are_none_are_not_read_however_many_there_are_said_to_be() {
    use crate::key::tag;
    for nothing in [tag::UNIT, tag::NONE, tag::TRUE] {
        let count = u64::MAX.to_le_bytes();
        let bytes = [&[tag::NUMBERS, nothing, u8::MAX][..], &count].concat();
        assert!(decode_as::<Vec<()>>(TAGGED, &bytes).is_err());
        assert!(decode_as::<Vec<Option<()>>>(TAGGED, &bytes).is_err());
        assert!(decode_as::<Untagged>(TAGGED, &bytes).is_err());
    }
}

#[test]
fn a_number_is_read_as_the_one_that_is_asked_for_if_that_has_room_for_it() {
    fn read<T: Data>(number: impl Data) -> Option<T> {
        let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
        tagged::encode(&number, &mut builder).unwrap();
        tagged::decode(builder.value()).ok()
    }
    assert_eq!(read::<u64>(7_u8), Some(7));
    assert_eq!(read::<i8>(-128_i64), Some(-128));
    assert_eq!(read::<i128>(-1_i16), Some(-1));
    assert_eq!(read::<u128>(i64::MAX), Some(i64::MAX as u128));
    assert_eq!(read::<f64>(-3_i32), Some(-3.0));
    assert_eq!(read::<f32>(0.5_f64), Some(0.5));
    assert_eq!(read::<i8>(128_u8), None);
    assert_eq!(read::<i8>(-129_i16), None);
    assert_eq!(read::<u64>(-1_i8), None);
    assert_eq!(read::<i128>(u128::MAX), None);
    assert_eq!(read::<u8>(1.0_f64), None);
    assert_eq!(read::<u8>('a'), None);
    assert_eq!(read::<String>(1_u8), None);
}

#[test]
fn columns_in_a_struct_are_copied_where_they_say_so() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Table {
        #[serde(with = "crate::bulk")]
        times: Vec<u64>,
        #[serde(with = "crate::bulk")]
        values: Vec<f32>,
        name: String,
    }
    let table = Table { times: vec![1, u64::MAX], values: vec![0.5; 1000], name: "t".into() };
    assert_carried(table, BINARY);
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
    Inner { plain: Plain, list: Vec<Plain> },
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
enum Plain {
    #[default]
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct {
        wide: Option<Option<i64>>,
    },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: f64 },
    Other(BTreeMap<String, Plain>),
    Nothing,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A(Vec<u16>),
    B,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<u32>,
    #[serde(flatten)]
    more: HashMap<String, u8>,
}

#[test]
fn the_tagged_codec_carries_the_rest() {
    assert_carried(Untagged::Number(1), TAGGED);
    assert_carried(Untagged::Text("x".into()), TAGGED);
    let list = [
        Plain::Unit,
        Plain::Newtype(7),
        Plain::Tuple(1, "t".into()),
        Plain::Struct { wide: Some(None) },
    ];
    assert_carried(Untagged::Inner { plain: Plain::Newtype(1), list: vec![Plain::Unit] }, TAGGED);
    assert_carried(Tagged::Circle { radius: 1.5 }, TAGGED);
    assert_carried(Tagged::Nothing, TAGGED);
    let other = list.iter().enumerate().map(|(n, plain)| (n.to_string(), plain.clone())).collect();
    assert_carried(Tagged::Other(other), TAGGED);
    assert_carried(Adjacent::A(vec![1, 2, 3]), TAGGED);
    assert_carried(vec![Adjacent::B], TAGGED);
    let more = HashMap::from([("x".into(), 1), ("y".into(), 2)]);
    assert_carried(Sparse { a: Some(1), b: None, more }, TAGGED);
}

/// A value of which its visitor takes the first part, or the first key, and asks for no more.
#[derive(Debug)]
struct First<T>(T);

impl<T: Serialize> Serialize for First<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Default + Kind> Deserialize<'de> for First<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ();
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("something of which the first part is enough")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                seq.next_element::<u16>().map(drop)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                map.next_key::<u8>().map(drop)
            }
            fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<(), A::Error> {
                data.variant::<serde::de::IgnoredAny>().map(drop)
            }
        }
        match T::KIND {
            "map" => deserializer.deserialize_map(Visitor)?,
            "seq" => deserializer.deserialize_seq(Visitor)?,
            _ => deserializer.deserialize_enum("Plain", &[], Visitor)?,
        }
        Ok(Self(T::default()))
    }
}

/// What a type is to serde.
trait Kind {
    const KIND: &'static str;
}
impl Kind for BTreeMap<u8, (u8, String)> {
    const KIND: &'static str = "map";
}
impl Kind for HashMap<u8, Vec<String>> {
    const KIND: &'static str = "map";
}
impl Kind for Vec<u16> {
    const KIND: &'static str = "seq";
}
impl Kind for Plain {
    const KIND: &'static str = "enum";
}

#[test]
fn what_a_visitor_leaves_is_passed_over() {
    fn assert_rest_is_found<T: Default + Kind + Serialize>(first: T) {
        let value = (First(first), "what follows".to_owned());
        let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
        tagged::encode(&value, &mut builder).unwrap();
        let (_, text) = decode_as::<(First<T>, String)>(TAGGED, builder.value()).unwrap();
        assert_eq!(text, "what follows");
        // The other codec cannot pass anything over, and must not read on from the wrong place.
        builder.reset_value();
        binary::encode(&value, &mut builder).unwrap();
        assert!(decode_as::<(First<T>, String)>(BINARY, builder.value()).is_err());
    }
    assert_rest_is_found(BTreeMap::from([
        (1_u8, (1_u8, "x".to_owned())),
        (2, (2, "y".to_owned())),
    ]));
    assert_rest_is_found(HashMap::from([(1_u8, vec!["x".to_owned()]), (2, vec![])]));
    assert_rest_is_found(vec![1_u16, 2, 3]);
    assert_rest_is_found(Plain::Tuple(1, "left".into()));
    assert_rest_is_found(Plain::Newtype(1));
    assert_rest_is_found(Plain::Struct { wide: Some(None) });
}

#[test]
fn a_visitor_that_knows_its_only_entry_is_carried() {
    #[derive(Clone, Debug, PartialEq)]
    struct Money(String);
    impl Serialize for Money {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut money = serializer.serialize_struct("$money", 1)?;
            money.serialize_field("$money", &self.0)?;
            money.end()
        }
    }
    impl<'de> Deserialize<'de> for Money {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Only;
            impl<'de> serde::de::Visitor<'de> for Only {
                type Value = Money;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("money")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Money, A::Error> {
                    let (_, amount): (String, _) = map.next_entry()?.unwrap_or_default();
                    Ok(Money(amount))
                }
            }
            deserializer.deserialize_any(Only)
        }
    }
    assert_carried(vec![Money("1".into()), Money("x".into())], TAGGED);
    assert_carried((Some(Money("1".into())), 7_u8), TAGGED);
}

#[test]
fn sockets_come_back_with_what_serde_is_not_told() {
    let socket = |scope| SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, scope);
    assert_carried(socket(0), BINARY);
    assert_carried(socket(3), TAGGED);
    assert_carried(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 0), TAGGED);
    assert_carried(SocketAddr::V6(socket(0)), BINARY);
    assert_carried(SocketAddr::V6(socket(3)), TAGGED);
    assert_carried(vec![Some(SocketAddr::V6(socket(3))), None], TAGGED);
    assert_carried((socket(3), HashMap::from([(1, socket(4))]), "after".to_owned()), TAGGED);
    // Where it is read through another type, the reader does not know it.
    assert!(round_trip(&Some(socket(3))).is_err());
    let trust = Trust::new();
    for scope in [0, 3, 0, 4] {
        let (_, back) = round_trip_in(&trust, &vec![socket(scope)]).unwrap();
        assert_eq!(back, [socket(scope)]);
    }
}

#[test]
fn a_range_at_its_end_is_not_carried() {
    assert_carried(5..=5, BINARY);
    let mut ended = 5..=5_u8;
    ended.next();
    assert!(round_trip(&ended).unwrap_err().contains("at its end"));
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(transparent)]
    struct Pages(std::ops::RangeInclusive<u8>);
    assert_carried(Pages(1..=5), TAGGED);
    assert!(round_trip(&Pages(ended)).is_err() && round_trip(&Pages(5..=5)).is_err());
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(transparent)]
    struct Peer(SocketAddrV6);
    assert!(round_trip(&Peer(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 1))).is_err());
}

#[test]
fn a_pointer_that_comes_back_as_nothing_is_not_carried() {
    use std::sync::{Arc, Weak};
    #[derive(Debug, Serialize)]
    struct Child {
        // With serde's feature `rc` a `Weak` is some value, and comes back as none.
        #[serde(serialize_with = "upgraded")]
        parent: Weak<u64>,
    }
    fn upgraded<S: serde::Serializer>(weak: &Weak<u64>, to: S) -> Result<S::Ok, S::Error> {
        weak.upgrade().map(|parent| *parent).serialize(to)
    }
    impl<'de> Deserialize<'de> for Child {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            <(Option<u64>,)>::deserialize(from).map(|_| Self { parent: Weak::new() })
        }
    }
    let (trust, parent) = (Trust::new(), Arc::new(7));
    assert!(round_trip_in(&trust, &vec![Child { parent: Weak::new() }]).is_ok());
    assert!(round_trip_in(&trust, &vec![Child { parent: Arc::downgrade(&parent) }]).is_err());
}

#[test]
fn a_field_skipped_later_is_noticed_later() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Row {
        id: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
    let trust = Trust::new();
    let full = Row { id: 1, name: Some("a".into()) };
    let sparse = Row { id: 2, name: None };
    assert_eq!(round_trip_in(&trust, &full).unwrap(), (BINARY, full));
    let full = Row { id: 3, name: Some("b".into()) };
    assert_eq!(round_trip_in(&trust, &full).unwrap(), (BINARY, full));
    assert_eq!(round_trip_in(&trust, &sparse).unwrap(), (TAGGED, sparse));
}

/// A text that comes back as none where it is empty, which no shape tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
struct Named(String);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(if text.is_empty() { "none".into() } else { text }))
    }
}

#[test]
fn a_value_that_its_like_does_not_speak_for_is_found_among_the_first_eight() {
    for before in 1..8 {
        let trust = Trust::new();
        for _ in 0..before {
            assert!(round_trip_in(&trust, &(1_u8, Named("a".into()))).is_ok());
        }
        assert!(!trust.take_void());
        assert!(round_trip_in(&trust, &(1_u8, Named(String::new()))).is_err(), "after {before}");
        // What was stored of it is void, which is to be done once.
        assert!(trust.take_void() && !trust.take_void());
    }
}

#[test]
fn a_value_that_its_like_does_not_speak_for_is_found_later_and_from_then_on_always() {
    let trust = Trust::new();
    for _ in 0..100 {
        assert_eq!(round_trip_in(&trust, &vec![Named("a".into())]).unwrap().0, BINARY);
    }
    let wrong = vec![Named(String::new())];
    let found = (0..64).position(|_| round_trip_in(&trust, &wrong).is_err());
    assert!(found.is_some() && trust.take_void());
    assert!((0..64).all(|_| round_trip_in(&trust, &wrong).is_err()));
    // What does come back is carried all the same, and checked.
    assert_eq!(round_trip_in(&trust, &vec![Named("a".into())]).unwrap().0, TAGGED);
    assert!(!trust.take_void());
}

#[test]
fn a_shape_that_is_new_says_nothing_of_those_that_are_known() {
    let trust = Trust::new();
    for _ in 0..10 {
        assert!(round_trip_in(&trust, &Plain::Newtype(1)).is_ok());
    }
    assert!(round_trip_in(&trust, &Named(String::new())).is_err());
    assert!(!trust.take_void());
    assert_eq!(round_trip_in(&trust, &Plain::Newtype(2)).unwrap().0, BINARY);
}

/// What a store would be given of a value, and what another build makes of it.
fn stored_and_read<T: Data, U: Data>(value: &T) -> Option<U> {
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    let codec = encode(value, &Trust::new(), &mut builder).unwrap();
    let entry = builder.finish(codec, None);
    let structure = structure(value, entry.view()).unwrap();
    decode_stored(codec, structure, entry.view().value())
}

#[test]
fn a_field_that_is_new_is_not_read_from_what_was_stored_without_it() {
    /// As the types of two builds of a program, which have one name.
    macro_rules! build {
        ($name:ident: $($field:ident: $type:ty),*) => {
            mod $name {
                use serde::{Deserialize, Serialize};
                #[derive(Debug, Deserialize, PartialEq, Serialize)]
                pub(super) struct Inner {
                    pub(super) id: u32,
                    $(#[serde(default, skip_serializing_if = "Option::is_none")]
                    pub(super) $field: $type,)*
                }
                #[derive(Debug, Deserialize, PartialEq, Serialize)]
                pub(super) enum Variant {
                    Fields {
                        id: u32,
                        $(#[serde(default, skip_serializing_if = "Option::is_none")]
                        $field: $type,)*
                    },
                }
                #[derive(Debug, Deserialize, PartialEq, Serialize)]
                pub(super) struct Row {
                    #[serde(flatten)]
                    pub(super) rest: std::collections::BTreeMap<String, u8>,
                    pub(super) id: u32,
                    $(#[serde(default, skip_serializing_if = "Option::is_none")]
                    pub(super) $field: $type,)*
                }
            }
        };
    }
    build!(old: note: Option<u8>);
    build!(new: note: Option<u8>, name: Option<String>);
    let inner = |id| old::Inner { id, note: None };
    assert_eq!(stored_and_read::<_, old::Inner>(&inner(1)), Some(inner(1)));
    assert_eq!(stored_and_read::<_, new::Inner>(&inner(1)), None);
    assert_eq!(stored_and_read::<_, Vec<old::Inner>>(&vec![inner(1)]), Some(vec![inner(1)]));
    assert_eq!(stored_and_read::<_, Vec<new::Inner>>(&vec![inner(1)]), None);
    let variant = || old::Variant::Fields { id: 1, note: None };
    assert_eq!(stored_and_read::<_, old::Variant>(&variant()), Some(variant()));
    assert_eq!(stored_and_read::<_, new::Variant>(&variant()), None);
    // A struct with `flatten` names no fields; its size tells the two apart.
    let row = || old::Row { rest: BTreeMap::from([("x".into(), 1)]), id: 1, note: None };
    assert_eq!(stored_and_read::<_, (u8, old::Row)>(&(1_u8, row())), Some((1, row())));
    assert_eq!(stored_and_read::<_, (u8, new::Row)>(&(1_u8, row())), None);
}

#[test]
fn a_tuple_struct_with_fewer_fields_is_not_served_wrong() {
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    struct Pair(
        u8,
        #[serde(default, skip_serializing_if = "is_zero")] u8,
        #[serde(default, skip_serializing_if = "is_zero")] u8,
    );
    fn is_zero(number: &u8) -> bool {
        *number == 0
    }
    let trust = Trust::new();
    for pair in [Pair(1, 2, 3), Pair(1, 2, 0), Pair(1, 0, 3), Pair(0, 0, 0), Pair(9, 8, 7)] {
        // What serde itself loses is not stored; nothing else comes back changed.
        if let Ok((_, back)) = round_trip_in(&trust, &pair) {
            assert_eq!(back, pair);
        }
    }
    assert!(round_trip_in(&trust, &Pair(1, 0, 3)).is_err());
}

#[test]
fn a_variant_without_a_tag_is_noticed_among_tagged_ones() {
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    enum Mixed {
        Known(u32),
        #[serde(untagged)]
        Raw(u64),
    }
    let trust = Trust::new();
    for value in [Mixed::Known(5), Mixed::Raw(0), Mixed::Known(6), Mixed::Raw(1 << 40)] {
        if let Ok((_, back)) = round_trip_in(&trust, &value) {
            assert_eq!(back, value);
        }
    }
}

#[test]
fn a_value_that_changes_on_the_way_is_refused() {
    #[derive(Debug)]
    struct Lossy(f64);
    impl Serialize for Lossy {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_f64(self.0)
        }
    }
    impl<'de> Deserialize<'de> for Lossy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(f64::deserialize(deserializer)?.round()))
        }
    }
    assert!(round_trip(&Lossy(1.0)).is_ok());
    assert!(round_trip(&Lossy(1.5)).unwrap_err().contains("different value"));
}

#[test]
fn a_panicking_implementation_is_a_refusal() {
    #[derive(Debug, Deserialize)]
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("in the user's code")
        }
    }
    assert!(round_trip(&Panics).unwrap_err().contains("panicked"));
}

#[test]
fn damaged_bytes_are_no_value_and_no_panic() {
    let value = Untagged::Inner { plain: Plain::Tuple(1, "t".into()), list: vec![Plain::Unit; 3] };
    let mut builder = Builder::new(b"", false, Hashes::same(0), 0);
    let codec = encode(&value, &Trust::new(), &mut builder).unwrap();
    let bytes = builder.value().to_vec();
    for codec in [codec, BINARY] {
        for cut in 0..bytes.len() {
            drop(decode_as::<Untagged>(codec, &bytes[..cut]));
            for flip in [1, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[cut] ^= flip;
                drop(decode_as::<Untagged>(codec, &damaged));
                drop(decode_as::<Vec<String>>(codec, &damaged));
            }
        }
    }
}
