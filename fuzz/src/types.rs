//! The types whose values are read from any bytes: what serde's data model has, by itself and in
//! each other, and what only a codec that describes itself can carry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Shape {
    Nothing,
    Circle(f64),
    Segment(u32, u32),
    Named { name: String, inner: Option<Box<Shape>> },
    Group(Vec<Shape>),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Tree {
    pub name: String,
    pub children: Vec<Tree>,
}

/// As deep as it likes, without a sequence.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Chain(pub Option<Box<Chain>>);

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    pub id: u64,
    pub ok: bool,
    pub letter: char,
    pub note: Option<String>,
    pub ratio: f32,
    pub pair: (i16, i8),
    pub unit: (),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Columns {
    #[serde(with = "memo_core::bulk")]
    pub times: Vec<u64>,
    #[serde(with = "memo_core::bulk")]
    pub values: Vec<f32>,
    pub plain: Vec<i16>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Marker;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Meters(pub f64);

/// Large in memory, and of no bytes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Skipped {
    #[serde(skip)]
    pub cached: [u64; 16],
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<String>,
    #[serde(default, alias = "old", rename = "new")]
    pub renamed: u8,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Flat {
    pub id: u64,
    #[serde(flatten)]
    pub row: Inner,
    #[serde(flatten)]
    pub rest: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Inner {
    pub name: String,
    pub size: Option<i64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Json {
    Null,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind")]
pub enum Internal {
    Circle { radius: f64 },
    Other(BTreeMap<String, Shape>),
    Nothing,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "t", content = "c")]
pub enum Adjacent {
    Numbers(Vec<u16>),
    Pair(String, Box<Adjacent>),
    Nothing,
}

/// Calls a macro with the types: those that both codecs carry, whatever the value, and all others.
#[macro_export]
macro_rules! every_type {
    ($look:ident) => {
        $look! {
            carried:
            (), bool, u8, i64, u128, f64, char, String, Vec<u8>, Vec<f64>, Vec<i32>, Vec<String>,
            Option<Option<u32>>, Option<Vec<u16>>, Vec<Option<()>>, Vec<()>, Vec<Marker>,
            Vec<Skipped>, [u16; 4], (u8, String, Option<bool>), Result<Vec<i32>, String>,
            Box<str>, Shape, Vec<Shape>, Tree, Chain, Row, Vec<Row>, Columns, Meters,
            Option<Meters>, HashMap<String, u32>, HashMap<u8, HashMap<char, Row>>,
            BTreeMap<u16, Vec<String>>, HashSet<u8>, HashSet<String>, IpAddr, Duration,
            NonZeroU32, (String, (Tree, Shape), [Option<i128>; 2]);
            others:
            SocketAddr, SocketAddrV6, Vec<SocketAddrV6>, Option<SocketAddrV6>, RangeInclusive<u8>,
            Vec<RangeInclusive<i64>>, Sparse, Vec<Sparse>, Flat, Json, Vec<Json>, Internal,
            Adjacent, Option<Adjacent>, (Json, Shape, Sparse), serde_json::Value,
            HashMap<String, serde_json::Value>
        }
    };
}

/// Some values of these types, encoded as they are stored: what is changed into bad bytes.
pub fn samples() -> Vec<Vec<u8>> {
    let named = Shape::Named { name: "n".into(), inner: Some(Box::new(Shape::Circle(1.5))) };
    let shape = Shape::Group(vec![Shape::Nothing, Shape::Segment(1, 2), named]);
    let leaf = |name: &str| Tree { name: name.into(), children: vec![] };
    let tree = Tree { name: "root".into(), children: vec![leaf("a"), leaf("b")] };
    let deep = (0..40).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))));
    let row = Row {
        id: 7,
        ok: true,
        letter: '\u{E9}',
        note: Some("note".into()),
        ratio: 0.5,
        pair: (-2, 3),
        unit: (),
    };
    let columns = Columns { times: vec![1, u64::MAX], values: vec![0.25; 3], plain: vec![-1, 1] };
    let rest = BTreeMap::from([("more".to_owned(), 4), ("most".to_owned(), 5)]);
    let flat = Flat { id: 1, row: Inner { name: "flat".into(), size: Some(-1) }, rest };
    let object = BTreeMap::from([
        ("a".to_owned(), Json::Array(vec![Json::Null, Json::Bool(true), Json::Number(0.5)])),
        ("b".to_owned(), Json::Text("text".into())),
    ]);
    let sparse = Sparse { first: Some(1), list: vec!["x".into()], renamed: 2 };
    let other = BTreeMap::from([("shape".to_owned(), shape.clone())]);
    let pair = Adjacent::Pair("p".into(), Box::new(Adjacent::Numbers(vec![1, 2, 3])));
    let socket: SocketAddrV6 = "[fe80::1%3]:80".parse().expect("an address");
    let json = serde_json::json!({ "n": [1, -1, 0.5, null, true], "o": { "text": "t" } });

    let mut samples = Vec::new();
    macro_rules! sample {
        ($($type:ty: $value:expr;)*) => {$(
            $crate::targets::values::sample::<$type>(&$value, &mut samples);
        )*};
    }
    sample! {
        (): ();
        bool: true;
        u8: 7;
        i64: -7;
        u128: u128::MAX - 1;
        f64: 1.5;
        char: '\u{1F600}';
        String: "some text".to_owned();
        Vec<u8>: vec![1, 2, 3];
        Vec<f64>: vec![0.5, -0.0, f64::INFINITY];
        Vec<i32>: vec![1, -1];
        Vec<String>: vec!["a".to_owned(), String::new(), "long enough to be a few words".into()];
        Option<Option<u32>>: Some(Some(1));
        Option<Vec<u16>>: Some(vec![1, 2]);
        Vec<Option<()>>: vec![Some(()), None];
        Vec<()>: vec![(); 9];
        Vec<Marker>: vec![Marker; 3];
        Vec<Skipped>: vec![Skipped::default(); 3];
        [u16; 4]: [1, 2, 3, 4];
        (u8, String, Option<bool>): (1, "two".to_owned(), Some(false));
        Result<Vec<i32>, String>: Ok(vec![1]);
        Box<str>: Box::from("boxed");
        Shape: shape;
        Vec<Shape>: vec![shape.clone(), Shape::Nothing];
        Tree: tree;
        Chain: deep;
        Row: row;
        Vec<Row>: vec![row.clone(), row.clone()];
        Columns: columns;
        Meters: Meters(2.0);
        Option<Meters>: Some(Meters(2.0));
        HashMap<String, u32>: HashMap::from([("k".to_owned(), 1), ("l".to_owned(), 2)]);
        HashMap<u8, HashMap<char, Row>>: HashMap::from([(1, HashMap::from([('a', row.clone())]))]);
        BTreeMap<u16, Vec<String>>: BTreeMap::from([(1, vec!["v".to_owned()])]);
        HashSet<u8>: HashSet::from([1, 2, 3]);
        HashSet<String>: HashSet::from(["s".to_owned()]);
        IpAddr: IpAddr::from([127, 0, 0, 1]);
        SocketAddr: SocketAddr::V6(socket);
        Duration: Duration::new(1, 2);
        NonZeroU32: NonZeroU32::MAX;
        (String, (Tree, Shape), [Option<i128>; 2]):
            ("t".to_owned(), (tree.clone(), Shape::Circle(0.0)), [Some(-1), None]);
        SocketAddrV6: socket;
        Vec<SocketAddrV6>: vec![socket];
        Option<SocketAddrV6>: Some(socket);
        RangeInclusive<u8>: 1..=5;
        Vec<RangeInclusive<i64>>: vec![1..=5, 7..=7];
        Sparse: sparse;
        Vec<Sparse>: vec![sparse.clone(), Sparse::default()];
        Flat: flat;
        Json: Json::Object(object.clone());
        Vec<Json>: vec![Json::Whole(1), Json::Object(object.clone())];
        Internal: Internal::Other(other.clone());
        Adjacent: pair;
        Option<Adjacent>: Some(pair.clone());
        (Json, Shape, Sparse): (Json::Null, Shape::Nothing, sparse.clone());
        serde_json::Value: json;
        HashMap<String, serde_json::Value>: HashMap::from([("k".to_owned(), json.clone())]);
    }
    samples
}
