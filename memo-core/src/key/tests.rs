//! Pairs that rivals mix up, and pairs that must be one.

mod golden;
mod model;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use serde::Serialize;

use super::*;

impl<T: ?Sized + Serialize, Rest: Args> Args for (&T, Rest) {
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        encoder::Encoder::new(sink).value(self.0)?;
        self.1.walk(sink)
    }

    fn are_plain() -> bool {
        false
    }
}

/// What identifies a call with this one argument.
fn encoding<T: ?Sized + Serialize>(value: &T) -> Vec<u8> {
    bytes(&(value, ()))
}

const SEED: Seed = Seed::of([0xB5AD_4ECE_DA1C_E2A9, 0x1B56_C4E9_87BF_A5D3, 0x9E37_79B9]);

/// The encoding, from the sink that only writes; what is stored must agree with it.
fn bytes<A: Args>(args: &A) -> Vec<u8> {
    let mut bytes = Vec::new();
    args.walk(&mut bytes).unwrap();
    encode(args, &SEED, |encoded| match encoded {
        Encoded::Verbatim { bytes: stored, hashes } => {
            assert_eq!(stored, bytes);
            for is_thorough in [false, true] {
                let Ok(Hashed::Verbatim(hash, len)) = hash(args, &SEED, is_thorough) else {
                    panic!("it is short enough to be stored")
                };
                assert_eq!((hash, len), (hashes.of(is_thorough), bytes.len()));
            }
        }
        Encoded::Long { digest, .. } => {
            assert!(bytes.len() > VERBATIM && digest_of(args) == Ok(digest))
        }
    })
    .unwrap();
    bytes
}

/// Asserts that two calls are told apart, by whatever sink.
fn assert_apart<A: Args, B: Args>(a: A, b: B) {
    let (encoding_a, encoding_b) = (bytes(&a), bytes(&b));
    assert_ne!(encoding_a, encoding_b);
    assert!(!equals(&a, &encoding_b) && !equals(&b, &encoding_a));
    assert_ne!(digest_of(&a).unwrap(), digest_of(&b).unwrap());
    assert_length_is_known(&a, encoding_a.len());
    assert_length_is_known(&b, encoding_b.len());
}

/// The hash knows how long the encoding is: what it finds is asked for that first.
fn assert_length_is_known<A: Args>(args: &A, actual: usize) {
    if let Ok(Hashed::Verbatim(_, len)) = hash_(args) {
        assert_eq!(len, actual);
    }
}

/// Asserts that two calls are one, by every sink.
fn assert_one<A: Args, B: Args>(a: A, b: B) {
    let (encoding_a, encoding_b) = (bytes(&a), bytes(&b));
    assert_eq!(encoding_a, encoding_b);
    assert!(equals(&a, &encoding_b) && equals(&b, &encoding_a));
    assert_eq!(digest_of(&a).unwrap(), digest_of(&b).unwrap());
    let hash = |hashed| match hashed {
        // What is found by the hash is asked for this length.
        Ok(Hashed::Verbatim(hash, len)) if len == encoding_a.len() => hash,
        other => panic!("{other:?}"),
    };
    assert_eq!(hash(hash_(&a)), hash(hash_(&b)));
}

fn hash_<A: Args>(args: &A) -> Result<Hashed, Stop> {
    super::hash(args, &SEED, false)
}

#[test]
fn strings_do_not_run_into_each_other() {
    assert_apart((&"ab", (&"c", ())), (&"a", (&"bc", ())));
    assert_apart((&("ab", "c"), ()), (&("a", "bc"), ()));
    assert_apart((&vec!["ab", "c"], ()), (&vec!["a", "bc"], ()));
    assert_apart((&vec!["a"], (&Vec::<&str>::new(), ())), (&Vec::<&str>::new(), (&vec!["a"], ())));
    assert_apart((&"doc1", (&"acme", ())), (&"doc1\u{8}\u{4}acme", ()));
}

#[test]
fn nested_options_differ_at_every_depth() {
    assert_apart((&None::<Option<u8>>, ()), (&Some(None::<u8>), ()));
    assert_apart((&Some(None::<u8>), ()), (&Some(Some(0_u8)), ()));
    assert_apart((&Some(0_u8), ()), (&0_u8, ()));
    assert_apart((&(), ()), (&None::<()>, ()));
}

#[test]
fn numbers_of_different_types_differ() {
    #[derive(Serialize)]
    struct Wrapper<T>(T);
    assert_apart((&Wrapper(1_u8), ()), (&Wrapper(1_u64), ()));
    assert_apart((&1_u32, ()), (&1_i32, ()));
    assert_apart((&1_u32, ()), (&'\u{1}', ()));
    assert_apart((&1.0_f32, ()), (&1.0_f64, ()));
    assert_apart((&1_u128, ()), (&1_i128, ()));
    assert_apart((&true, ()), (&1_u8, ()));
    assert_apart((&vec![1_u8, 0], ()), (&vec![1_u16], ()));
}

#[test]
fn floats_are_their_bits() {
    assert_apart((&0.0_f64, ()), (&-0.0_f64, ()));
    assert_one((&f64::NAN, ()), (&f64::NAN, ()));
    assert_apart((&f64::NAN, ()), (&-f64::NAN, ()));
}

#[derive(Serialize)]
enum Shape {
    Circle(u32),
    Square(u32),
    Rect { w: u32, h: u32 },
    Pair(u32, u32),
    Nothing,
}

#[test]
fn variants_with_equal_payloads_differ() {
    assert_apart((&Shape::Circle(1), ()), (&Shape::Square(1), ()));
    assert_apart((&Shape::Rect { w: 1, h: 2 }, ()), (&Shape::Pair(1, 2), ()));
    assert_apart((&Shape::Rect { w: 1, h: 2 }, ()), (&Shape::Rect { w: 2, h: 1 }, ()));
    assert_apart((&Shape::Nothing, ()), (&(), ()));
}

#[test]
fn skipped_fields_do_not_make_two_values_meet() {
    #[derive(Default, Serialize)]
    struct Query {
        #[serde(skip_serializing_if = "Option::is_none")]
        min: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
    }
    #[derive(Serialize)]
    struct Pair(
        #[serde(skip_serializing_if = "Vec::is_empty")] Vec<u8>,
        #[serde(skip_serializing_if = "Vec::is_empty")] Vec<u8>,
    );
    let (min, max) = (Query { min: Some(5), max: None }, Query { min: None, max: Some(5) });
    assert_apart((&min, ()), (&max, ()));
    assert_apart((&Query::default(), (&min, ())), (&min, (&Query::default(), ())));
    // A tuple struct does not say which element it skipped: the two make the same calls.
    assert_one((&Pair(vec![1], vec![]), ()), (&Pair(vec![], vec![1]), ()));
}

#[test]
fn a_field_that_serde_skips_is_no_part_of_the_key() {
    #[derive(Serialize)]
    struct Session {
        user: u32,
        #[serde(skip)]
        _opened: std::time::Duration,
    }
    let session = |user, secs| Session { user, _opened: std::time::Duration::from_secs(secs) };
    assert_one((&session(1, 10), ()), (&session(1, 20), ()));
    assert_apart((&session(1, 10), ()), (&session(2, 10), ()));
}

/// The same entries, put in in two orders, with different capacities.
fn two_orders() -> [HashMap<String, u32>; 2] {
    let entries: Vec<_> = (0..50).map(|n| (format!("key {n}"), n)).collect();
    let mut late = HashMap::with_capacity(1000);
    late.extend(entries.iter().rev().cloned());
    [entries.into_iter().collect(), late]
}

#[test]
fn hash_maps_are_one_in_any_order_at_any_depth() {
    #[derive(Serialize)]
    struct Tags {
        name: &'static str,
        set: HashSet<u64>,
    }
    let [a, b] = two_orders();
    assert_one((&a, ()), (&b, ()));
    assert_one((&Some(vec![a.clone()]), ()), (&Some(vec![b.clone()]), ()));
    assert_one((&a.iter().collect::<HashSet<_>>(), ()), (&b.iter().collect::<HashSet<_>>(), ()));
    let tags = |numbers: Vec<u64>| Tags { name: "t", set: numbers.into_iter().collect() };
    assert_one((&tags(vec![0, 8, 16]), ()), (&tags(vec![16, 8, 0]), ()));
    assert_apart((&tags(vec![0, 8]), ()), (&tags(vec![0, 8, 16]), ()));
    let nested = |one: u32, two: u32| HashMap::from([(1, HashMap::from([(one, 'a'), (two, 'b')]))]);
    let reversed = HashMap::from([(1, HashMap::from([(2_u32, 'b'), (1, 'a')]))]);
    assert_one((&nested(1, 2), ()), (&reversed, ()));
    assert_apart((&nested(1, 2), ()), (&nested(2, 1), ()));
}

/// Serializes a hash map's entries through adapters, as `serialize_with` functions do.
struct Adapted<'m>(&'m HashMap<String, u32>);

impl Serialize for Adapted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts = self.0.iter().filter(|(_, n)| **n != 3);
        serializer.collect_map(texts.map(|(key, n)| (key, n.to_string())))
    }
}

struct Keys<'m>(&'m HashMap<String, u32>);

impl Serialize for Keys<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.keys().map(|key| key.trim_start_matches("key ")))
    }
}

#[test]
fn a_hash_map_serialized_through_adapters_is_one_in_any_order() {
    let [a, b] = two_orders();
    assert_one((&Adapted(&a), ()), (&Adapted(&b), ()));
    assert_one((&Keys(&a), ()), (&Keys(&b), ()));
    let mut other = a.clone();
    other.insert("key 7".into(), 70);
    assert_apart((&Adapted(&a), ()), (&Adapted(&other), ()));
}

#[test]
fn ordered_maps_keep_their_order_and_are_no_hash_maps() {
    let sorted: BTreeMap<_, _> = two_orders()[0].clone().into_iter().collect();
    assert_apart((&sorted, ()), (&two_orders()[0], ()));
    // An ordered map of a user's, whose `Serialize` collects from a slice.
    struct Listed(Vec<(u32, u32)>);
    impl Serialize for Listed {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }
    assert_apart((&Listed(vec![(1, 2), (3, 4)]), ()), (&Listed(vec![(3, 4), (1, 2)]), ()));
}

#[test]
fn a_list_of_hash_maps_keeps_the_order_of_the_list() {
    let (a, b) = (HashMap::from([(1, 1)]), HashMap::from([(2, 2)]));
    assert_apart((&vec![a.clone(), b.clone()], ()), (&vec![b, a], ()));
}

#[test]
fn borrowed_and_owned_are_one() {
    assert_one((&"text", ()), (&String::from("text"), ()));
    assert_one((&[1_u64, 2, 3][..], ()), (&vec![1_u64, 2, 3], ()));
    assert_one((&Box::new(5), ()), (&&5, ()));
}

#[test]
fn structs_of_the_same_fields_and_other_names_differ() {
    #[derive(Serialize)]
    struct Meters(u32);
    #[derive(Serialize)]
    struct Feet(u32);
    #[derive(Serialize)]
    struct Point {
        x: u32,
    }
    #[derive(Serialize)]
    struct Other {
        y: u32,
    }
    assert_apart((&Meters(1), ()), (&Feet(1), ()));
    assert_apart((&Point { x: 1 }, ()), (&Other { y: 1 }, ()));
}

#[test]
fn every_element_of_a_large_array_counts() {
    let zeros = vec![0_u64; 1_000_000];
    assert!(matches!(hash_(&(&zeros, ())), Ok(Hashed::Long)));
    for changed in [0, 123_456, 999_999] {
        let mut other = zeros.clone();
        other[changed] = 1;
        assert_ne!(digest_of(&(&zeros, ())).unwrap(), digest_of(&(&other, ())).unwrap());
    }
    let shorter = &zeros[..999_999];
    assert_ne!(digest_of(&(&zeros, ())).unwrap(), digest_of(&(shorter, ())).unwrap());
}

#[test]
fn an_encoding_is_long_just_past_the_limit() {
    let text = |len| "x".repeat(len);
    assert!(matches!(hash_(&(&text(VERBATIM - 10), ())), Ok(Hashed::Verbatim(..))));
    assert!(matches!(hash_(&(&text(VERBATIM + 1), ())), Ok(Hashed::Long)));
    let many: Vec<String> = (0..VERBATIM / 10).map(|n| format!("{n:09}")).collect();
    assert!(matches!(hash_(&(&many, ())), Ok(Hashed::Long)));
    let map: HashMap<String, u8> = many.into_iter().map(|key| (key, 0)).collect();
    assert!(matches!(hash_(&(&map, ())), Ok(Hashed::Long)));
}

/// Says something else in each walk: as many bytes as the walk's number says.
struct Changing(Cell<usize>, fn(usize) -> usize);

impl Serialize for Changing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let walk = self.0.replace(self.0.get() + 1);
        serializer.serialize_bytes(&vec![7; (self.1)(walk)])
    }
}

#[test]
fn an_argument_that_changes_between_walks_is_stored_as_it_was_in_one_of_them() {
    let lengths: [fn(usize) -> usize; 5] = [
        |walk| walk,
        |walk| walk * 1000,
        // Short enough to be kept in one walk, and not in the next; and the other way round.
        |walk| walk * 2 * VERBATIM,
        |walk| (2 * VERBATIM) >> walk,
        |walk| if walk == 0 { 8 } else { 1 << 24 },
    ];
    for length in lengths {
        let (changing, seed) = (Changing(Cell::new(0), length), SEED);
        for _ in 0..4 {
            let digest = encode(&(&changing, ()), &seed, |encoded| {
                if let Encoded::Verbatim { bytes, hashes } = encoded {
                    assert!(bytes.len() <= VERBATIM);
                    // What says the same in every walk is found where this is stored.
                    let text = &bytes[1 + sink::len_of_len(bytes.len() - 2)..];
                    let same = Changing(Cell::new(text.len()), |len| len);
                    let hashed = |is_thorough| {
                        same.0.set(text.len());
                        let hashed = hash(&(&same, ()), &seed, is_thorough).unwrap();
                        assert!(matches!(hashed, Hashed::Verbatim(hash, len)
                            if hash == hashes.of(is_thorough) && len == bytes.len()));
                    };
                    hashed(false);
                    hashed(true);
                }
                let entry = crate::memory::entry::Builder::of(&encoded, 0);
                assert_eq!(entry.has_digest_key(), matches!(encoded, Encoded::Long { .. }));
                encoded.digest()
            });
            assert!(digest.is_ok());
        }
    }
}

#[test]
fn sockets_differ_in_what_serde_is_not_told() {
    let socket = |flowinfo, scope| SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, flowinfo, scope);
    let all = [socket(0, 0), socket(0, 1), socket(1, 0), socket(0, 2), socket(1, 1)];
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))).filter(|(a, b)| a != b) {
        assert_apart((a, ()), (b, ()));
        assert_apart((&SocketAddr::V6(*a), ()), (&SocketAddr::V6(*b), ()));
        assert_apart((&Some(&a), ()), (&Some(&b), ()));
        assert_apart((&vec![Box::new(*a)], ()), (&vec![Box::new(*b)], ()));
        assert_apart((&HashSet::from([*a]), ()), (&HashSet::from([*b]), ()));
        assert_apart((&HashMap::from([(1, a)]), ()), (&HashMap::from([(1, b)]), ()));
        assert_apart((&Cell::new(SocketAddr::V6(*a)), ()), (&Cell::new(SocketAddr::V6(*b)), ()));
    }
    assert_one((&all[1], ()), (&socket(0, 1), ()));
    assert_one((&all[0], ()), (&&&Box::new(all[0]), ()));
}

#[test]
fn a_range_at_its_end_is_no_range_of_one_number() {
    let (whole, mut ended) = (5..=5_u32, 5..=5_u32);
    ended.next();
    assert_apart((&whole, ()), (&ended, ()));
    assert_apart((&Some(&whole), ()), (&Some(&ended), ()));
    assert_apart((&(Box::new(whole.clone()), 1), ()), (&(Box::new(ended.clone()), 1), ()));
    let (mut from, mut back) = ('a'..='b', 'a'..='b');
    assert_eq!((from.by_ref().count(), back.by_ref().rev().count()), (2, 2));
    assert_apart((&from, ()), (&('b'..='b'), ()));
    assert_apart((&back, ()), (&from, ()));
}

#[derive(Serialize)]
#[serde(transparent)]
struct Transparent<T>(T);

#[test]
fn what_a_type_hides_and_may_be_one_of_two_is_refused() {
    fn is_refused<T: Serialize>(value: T) -> bool {
        encode(&(&value, ()), &SEED, |_| ()) == Err(Stop::Refused)
    }
    let socket = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0);
    assert!(is_refused(Transparent(socket)) && is_refused(Some(vec![Cell::new(socket)])));
    assert!(is_refused(Transparent(5..=5)) && is_refused(std::sync::Mutex::new('x'..='x')));
    // These are what they say.
    assert!(!is_refused(Transparent(SocketAddr::V6(socket))) && !is_refused(socket));
    assert!(!is_refused(Transparent(4..=5)) && !is_refused(5..=5) && !is_refused(1.0..=1.0));
    let address = Ipv6Addr::LOCALHOST;
    assert!(!is_refused((&address, 80_u16)) && !is_refused(vec![(&address, 80_u16)]));
    assert!(!is_refused(Transparent((address, 80_u16))) && !is_refused(Transparent((&address, 1))));
    assert_one((&Transparent(4..=5), ()), (&(4..=5), ()));
}

#[test]
fn a_serialize_that_goes_on_after_it_was_refused_makes_no_key() {
    /// Leaves out what is nested too deep, as some formats' own errors would make one do.
    struct Lenient(u32, u8);
    impl Serialize for Lenient {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeTuple;
            let mut tuple = serializer.serialize_tuple(2)?;
            match self.0 {
                0 => tuple.serialize_element(&self.1)?,
                _ => drop(tuple.serialize_element(&Self(self.0 - 1, self.1))),
            }
            tuple.end()
        }
    }
    assert!(encode(&(&Lenient(100, 1), ()), &SEED, |_| ()).is_ok());
    assert_eq!(encode(&(&Lenient(200, 1), ()), &SEED, |_| ()), Err(Stop::Refused));
    assert_eq!(sink::take_refusal(), depth::TOO_DEEP);
    assert_eq!(digest_of(&(&Lenient(200, 1), ())), Err(Stop::Refused));
    let maps: Vec<HashMap<u8, Lenient>> = vec![HashMap::from([(1, Lenient(200, 1))])];
    assert_eq!(encode(&(&maps, ()), &SEED, |_| ()), Err(Stop::Refused));
}

#[test]
fn a_serialize_that_fails_says_why() {
    struct Locked;
    impl Serialize for Locked {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it is locked"))
        }
    }
    assert_eq!(encode(&(&Locked, ()), &SEED, |_| ()), Err(Stop::Refused));
    assert_eq!(sink::take_refusal(), "it is locked");
}

#[test]
fn no_encoding_is_a_prefix_of_another() {
    let all: Vec<Vec<u8>> = vec![
        encoding(&0_u8),
        encoding(&0_u64),
        encoding(""),
        encoding("a"),
        encoding(&"a".repeat(300)),
        encoding(&Vec::<u8>::new()),
        encoding(&vec![0_u8]),
        encoding(&vec![0_u8, 0]),
        encoding(&vec!["a"]),
        encoding(&vec!["a", "b"]),
        encoding(&Some("a")),
        encoding(&(1, 2)),
        encoding(&(1, 2, 3)),
        encoding(&Shape::Nothing),
        encoding(&Shape::Pair(1, 2)),
        encoding(&Shape::Rect { w: 1, h: 2 }),
        encoding(&HashSet::from([1, 2])),
        encoding(&HashMap::from([(1, 2)])),
        encoding(&BTreeMap::from([(1, 2)])),
        encoding(&BTreeMap::from([(1, 2), (2, 3)])),
    ];
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        assert!(a == b || !a.starts_with(b), "{b:?} is a prefix of {a:?}");
    }
}

#[test]
fn scopes_tell_monomorphizations_apart() {
    #[allow(clippy::extra_unused_type_parameters, reason = "what is tested")]
    fn scope<T, const N: usize>() -> Scope {
        Scope::of(&|| ())
    }
    assert_apart((scope::<u8, 1>(), ()), (scope::<u16, 1>(), ()));
    assert_apart((scope::<u8, 1>(), ()), (scope::<u8, 2>(), ()));
    assert_one((scope::<&str, 1>(), ()), (scope::<&str, 1>(), ()));
}
