//! Whatever serde may be told of a value, made of any bytes, with an equality of its own: what the
//! encodings of keys are held against.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::ops::RangeInclusive;

use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use crate::input::Input;

/// Floats are their bits: zeros of two signs differ, and the same bits are the same number.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    Unit,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(u32),
    F64(u64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    UnitStruct(&'static str),
    UnitVariant(&'static str, u32, &'static str),
    Octets(Vec<u8>),
    Words(Vec<u16>),
    Wides(Vec<i64>),
    Socket(SocketAddrV6),
    /// From, to, and whether it was iterated to its end.
    Range(u8, u8, bool),
    Set(HashSet<String>),
    Option(Option<Box<Model>>),
    Newtype(&'static str, Box<Model>),
    Variant(&'static str, u32, &'static str, Box<Model>),
    Seq(Vec<Model>),
    Tuple(Vec<Model>),
    TupleStruct(&'static str, Vec<Model>),
    TupleVariant(&'static str, u32, &'static str, Vec<Model>),
    Struct(&'static str, Vec<(&'static str, Model)>),
    StructVariant(&'static str, u32, &'static str, Vec<(&'static str, Model)>),
    Ordered(Vec<(Model, Model)>),
    Unordered(HashMap<String, Model>),
}

struct AsBytes<'a>(&'a [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

fn range(from: u8, to: u8, is_at_end: bool) -> RangeInclusive<u8> {
    let mut range = from..=to;
    if is_at_end {
        range.by_ref().for_each(drop);
    }
    range
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => value.serialize(serializer),
            Self::I8(value) => value.serialize(serializer),
            Self::I16(value) => value.serialize(serializer),
            Self::I32(value) => value.serialize(serializer),
            Self::I64(value) => value.serialize(serializer),
            Self::I128(value) => value.serialize(serializer),
            Self::U8(value) => value.serialize(serializer),
            Self::U16(value) => value.serialize(serializer),
            Self::U32(value) => value.serialize(serializer),
            Self::U64(value) => value.serialize(serializer),
            Self::U128(value) => value.serialize(serializer),
            Self::F32(bits) => f32::from_bits(*bits).serialize(serializer),
            Self::F64(bits) => f64::from_bits(*bits).serialize(serializer),
            Self::Char(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Bytes(value) => AsBytes(value).serialize(serializer),
            Self::UnitStruct(name) => serializer.serialize_unit_struct(name),
            Self::UnitVariant(name, index, variant) => {
                serializer.serialize_unit_variant(name, *index, variant)
            }
            Self::Octets(numbers) => numbers.serialize(serializer),
            Self::Words(numbers) => numbers.serialize(serializer),
            Self::Wides(numbers) => numbers.serialize(serializer),
            // Each in a tuple, of which the encoder sees the types.
            Self::Socket(socket) => (*socket,).serialize(serializer),
            Self::Range(from, to, is_at_end) => {
                (range(*from, *to, *is_at_end),).serialize(serializer)
            }
            Self::Set(set) => set.serialize(serializer),
            Self::Option(value) => value.serialize(serializer),
            Self::Newtype(name, value) => serializer.serialize_newtype_struct(name, value),
            Self::Variant(name, index, variant, value) => {
                serializer.serialize_newtype_variant(name, *index, variant, value)
            }
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
            Self::TupleStruct(name, parts) => {
                let mut tuple = serializer.serialize_tuple_struct(name, parts.len())?;
                parts.iter().try_for_each(|part| tuple.serialize_field(part))?;
                tuple.end()
            }
            Self::TupleVariant(name, index, variant, parts) => {
                let mut tuple =
                    serializer.serialize_tuple_variant(name, *index, variant, parts.len())?;
                parts.iter().try_for_each(|part| tuple.serialize_field(part))?;
                tuple.end()
            }
            Self::Struct(name, fields) => {
                let mut parts = serializer.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, field)| parts.serialize_field(name, field))?;
                parts.end()
            }
            Self::StructVariant(name, index, variant, fields) => {
                let mut parts =
                    serializer.serialize_struct_variant(name, *index, variant, fields.len())?;
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

/// The longest takes two bytes more for its length than others do.
const NAMES: [&str; 6] = ["", "a", "ab", "b", "a\0b", LONG];
const LONG: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

fn text(input: &mut Input<'_>) -> String {
    let len = match input.byte() {
        len @ 0..=199 => usize::from(len % 8),
        // Where a length takes more bytes, and where a hash begins to see samples alone.
        choice @ 200..=253 => [254, 255, 256, 767, 768, 769][usize::from(choice % 6)],
        254 => 4_000,
        // Past what is kept.
        255 => 128 * 1024,
    };
    let few = input.take(len.min(8));
    let mut text: String = few.iter().map(|byte| char::from(byte % 128)).collect();
    let fill = input.one_of(&['a', 'b', '\0']);
    text.extend(std::iter::repeat_n(fill, len - text.len()));
    text
}

/// A value that the input chooses.
pub fn any(input: &mut Input<'_>, depth: usize) -> Model {
    let kinds = if depth == 0 || input.is_empty() { 25 } else { 36 };
    let kind = input.below(kinds);
    let name = input.one_of(&NAMES);
    let few = if kind >= 19 { input.below(4) } else { 0 };
    let (index, variant) = (few as u32, if kind == 18 { input.one_of(&NAMES) } else { "v" });
    let inner = |input: &mut Input<'_>| any(input, depth.saturating_sub(1));
    let parts = |input: &mut Input<'_>| (0..few).map(|_| inner(input)).collect::<Vec<_>>();
    let fields = |input: &mut Input<'_>| {
        (0..few).map(|_| (input.one_of(&NAMES), inner(input))).collect::<Vec<_>>()
    };
    match kind {
        0 => Model::Unit,
        1 => Model::Bool(input.byte() & 1 == 0),
        2 => Model::I8(input.number() as i8),
        3 => Model::I16(input.number() as i16),
        4 => Model::I32(input.number() as i32),
        5 => Model::I64(input.number() as i64),
        6 => Model::I128(i128::from(input.number() as i64) << input.below(65)),
        7 => Model::U8(input.number() as u8),
        8 => Model::U16(input.number() as u16),
        9 => Model::U32(input.number() as u32),
        10 => Model::U64(input.number()),
        11 => Model::U128(u128::from(input.number()) << input.below(65)),
        12 => Model::F32(input.number() as u32),
        13 => Model::F64(input.number()),
        14 => Model::Char(input.one_of(&['a', 'b', '\0', '\u{FF}', '\u{1F600}'])),
        15 => Model::Text(text(input)),
        16 => Model::Bytes(text(input).into_bytes()),
        17 => Model::UnitStruct(name),
        18 => Model::UnitVariant(name, input.below(3) as u32, variant),
        19 => Model::Octets(text(input).into_bytes()),
        20 => Model::Words((0..few).map(|_| input.number() as u16).collect()),
        21 => Model::Wides((0..few).map(|_| input.number() as i64).collect()),
        22 => {
            let ip = Ipv6Addr::from(u128::from(input.number()));
            let [port, flow, scope] = [0; 3].map(|_: u8| input.number() as u32);
            Model::Socket(SocketAddrV6::new(ip, port as u16, flow, scope))
        }
        23 => {
            let (from, to) = (input.below(5) as u8, input.below(5) as u8);
            // At its end it does not know any more where it began; and one that has nothing in it
            // does not come to an end.
            let is_at_end = from <= to && input.byte() & 1 == 1;
            Model::Range(if is_at_end { to } else { from }, to, is_at_end)
        }
        24 => Model::Set((0..few).map(|_| text(input)).collect()),
        25 => Model::Option((few > 0).then(|| Box::new(inner(input)))),
        26 => Model::Newtype(name, Box::new(inner(input))),
        27 => Model::Variant(name, index, variant, Box::new(inner(input))),
        28 => Model::Seq(parts(input)),
        29 => Model::Tuple(parts(input)),
        30 => Model::TupleStruct(name, parts(input)),
        31 => Model::TupleVariant(name, index, variant, parts(input)),
        32 => Model::Struct(name, fields(input)),
        33 => Model::StructVariant(name, index, variant, fields(input)),
        34 => Model::Ordered((0..few).map(|_| (inner(input), inner(input))).collect()),
        _ => Model::Unordered((0..few).map(|_| (text(input), inner(input))).collect()),
    }
}

/// The same value, whose maps were filled in another order; with a part that is another, where the
/// input says so.
pub fn copy(model: &Model, input: &mut Input<'_>) -> Model {
    if !input.is_empty() && input.byte() % 16 == 15 {
        return any(input, 1);
    }
    let part = |model: &Model, input: &mut Input<'_>| copy(model, input);
    let mut parts =
        |parts: &[Model]| parts.iter().map(|model| part(model, input)).collect::<Vec<_>>();
    match model {
        Model::Set(set) => {
            let mut texts: Vec<_> = set.iter().cloned().collect();
            texts.reverse();
            Model::Set(texts.into_iter().collect())
        }
        Model::Option(Some(value)) => Model::Option(Some(Box::new(copy(value, input)))),
        Model::Newtype(name, value) => Model::Newtype(name, Box::new(copy(value, input))),
        Model::Variant(name, index, variant, value) => {
            Model::Variant(name, *index, variant, Box::new(copy(value, input)))
        }
        Model::Seq(these) => Model::Seq(parts(these)),
        Model::Tuple(these) => Model::Tuple(parts(these)),
        Model::TupleStruct(name, these) => Model::TupleStruct(name, parts(these)),
        Model::TupleVariant(name, index, variant, these) => {
            Model::TupleVariant(name, *index, variant, parts(these))
        }
        Model::Struct(name, fields) => {
            let fields = fields.iter().map(|(name, field)| (*name, copy(field, input)));
            Model::Struct(name, fields.collect())
        }
        Model::StructVariant(name, index, variant, fields) => {
            let fields = fields.iter().map(|(name, field)| (*name, copy(field, input)));
            Model::StructVariant(name, *index, variant, fields.collect())
        }
        Model::Ordered(entries) => {
            let entries = entries.iter().map(|(key, value)| (copy(key, input), copy(value, input)));
            Model::Ordered(entries.collect())
        }
        Model::Unordered(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.reverse();
            let entries = entries.into_iter().map(|(key, value)| (key.clone(), copy(value, input)));
            Model::Unordered(entries.collect())
        }
        other => other.clone(),
    }
}
