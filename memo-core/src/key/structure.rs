//! What a value is made of, without what it says: the names, kinds and counts of its pieces.
//!
//! Two types may read the same bytes as different values: `{a, b}` what was `{b, a}`. So a value
//! that was stored by another build of the program is given out only if it is made of what was
//! stored. The numbers are kept in files: this is a format, and changing it makes them all misses.

use serde::Serialize;

use super::encoder::Encoder;
use super::sink::{take_refusal, Sink, Stop, Unordered};
use super::{tag, Scope};

/// What the value is made of.
///
/// # Errors
/// Its `Serialize` returned one: the words of it.
pub(crate) fn structure_of<T: Serialize>(value: &T) -> Result<u64, String> {
    let mut structure = Structure::new();
    match Encoder::new(&mut structure).value(value) {
        Ok(()) => Ok(structure.0),
        Err(_) => Err(take_refusal()),
    }
}

/// A number for a text, the same in every build.
pub(crate) fn hash_of_text(text: &str) -> u64 {
    let mut structure = Structure::new();
    structure.mix_text(text);
    structure.0
}

/// What a type asks for, before it has asked for anything; its size tells some types apart whose
/// fields nobody is told.
pub(crate) fn asks_nothing(size: usize) -> u64 {
    asks_size(START, size)
}

/// What a type asks for, when it has asked for these fields, too.
pub(crate) fn asks_fields(asked: u64, fields: &[&str]) -> u64 {
    let mut structure = Structure(asked, Vec::new());
    structure.mix(fields.len() as u64);
    fields.iter().for_each(|field| structure.mix_text(field));
    structure.0
}

/// What a type asks for, when it has asked for a value of this size without saying what is in it.
pub(crate) fn asks_size(asked: u64, size: usize) -> u64 {
    let mut structure = Structure(asked, Vec::new());
    structure.mix(size as u64);
    structure.0
}

/// What a value is made of, if its type asked for this.
pub(crate) fn with_asked(structure: u64, asked: Option<u64>) -> u64 {
    let mut structure = Structure(structure, Vec::new());
    asked.into_iter().for_each(|asked| structure.mix(asked));
    structure.0
}

/// What it is up to here, and what it was before each sequence and map that is open.
struct Structure(u64, Vec<Open>);

/// A sequence, or a map, whose entries are added up as each is made: one that serde was not said to
/// be without an order comes back in another.
struct Open {
    before: u64,
    entries: Option<u64>,
}

const START: u64 = 0x9E37_79B9_7F4A_7C15;

impl Structure {
    const fn new() -> Self {
        Self(START, Vec::new())
    }

    fn open(&mut self, tag: u8) {
        if matches!(tag, tag::SEQ | tag::MAP) {
            let entries = (tag == tag::MAP).then_some(0);
            self.1.push(Open { before: self.0, entries });
        }
    }

    /// Adds up the entry of the innermost map, if that is what is open.
    fn add(&mut self) {
        if let Some(Open { entries: Some(entries), .. }) = self.1.last_mut() {
            *entries = entries.wrapping_add(self.0);
            self.0 = START;
        }
    }

    /// Every piece counts, and in its place: what comes later multiplies what came before.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mix(&mut self, piece: u64) {
        self.0 = (self.0.rotate_left(23) ^ piece).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        self.0 ^= self.0 >> 32;
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mix_text(&mut self, text: &str) {
        self.mix(text.len() as u64);
        for piece in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.mix(u64::from_le_bytes(word));
        }
    }
}

impl Sink for Structure {
    type Unordered = Counted;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, _: &[u8]) -> Result<(), Stop> {
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tag(&mut self, tag: u8) -> Result<(), Stop> {
        self.mix(u64::from(tag));
        self.open(tag);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part(&mut self) -> Result<(), Stop> {
        self.add();
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, tag: u8, _: u64, _: usize) -> Result<(), Stop> {
        self.tag(tag)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wide(&mut self, tag: u8, _: u128) -> Result<(), Stop> {
        self.tag(tag)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn len(&mut self, len: usize) -> Result<(), Stop> {
        self.mix(len as u64);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn name(&mut self, name: &'static str) -> Result<(), Stop> {
        self.mix_text(name);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        content: u8,
    ) -> Result<(), Stop> {
        self.named(tag::VARIANT, name)?;
        self.mix(u64::from(index));
        self.name(variant)?;
        self.tag(content)
    }

    // Without its length: a map that serde was not said to be without an order may come back in
    // another, and nothing is to be told from how long its keys are.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, tag: u8, _: &[u8]) -> Result<(), Stop> {
        self.tag(tag)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn numbers(&mut self, tag: u8, count: usize, _: &[u8]) -> Result<(), Stop> {
        self.mix(u64::from(tag::NUMBERS) << 8 | u64::from(tag));
        self.len(count)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(&mut self, parts: u32) -> Result<(), Stop> {
        self.add();
        if let Some(Open { before, entries: Some(entries) }) = self.1.pop() {
            self.0 = before;
            self.mix(entries);
        }
        self.mix(u64::from(tag::END) << 32 | u64::from(parts));
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scope(&mut self, _: Scope) -> Result<(), Stop> {
        Ok(())
    }
}

/// Adds up what the entries are made of, in whatever order.
#[derive(Debug)]
struct Counted {
    sum: u64,
    count: usize,
}

impl Unordered<Structure> for Counted {
    type Inner = Structure;

    fn open(_: &Structure) -> Self {
        Self { sum: 0, count: 0 }
    }

    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Structure) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut entry = Structure::new();
        encode(&mut entry)?;
        self.sum = self.sum.wrapping_add(entry.0);
        self.count += 1;
        Ok(())
    }

    fn close(self, tag: u8, sink: &mut Structure) -> Result<(), Stop> {
        sink.tag(tag)?;
        sink.len(self.count)?;
        sink.mix(self.sum);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn fields_that_changed_places_names_or_types_are_another_structure() {
        macro_rules! structure {
            ($($field:ident: $type:ty = $value:expr),*) => {{
                #[derive(Serialize)]
                struct Row { $($field: $type),* }
                structure_of(&Row { $($field: $value),* }).unwrap()
            }};
        }
        let row = structure!(a: u64 = 1, b: u64 = 2);
        assert_eq!(row, structure!(a: u64 = 3, b: u64 = 4));
        assert_ne!(row, structure!(b: u64 = 1, a: u64 = 2));
        assert_ne!(row, structure!(a: u64 = 1, c: u64 = 2));
        assert_ne!(row, structure!(a: u64 = 1, b: i64 = 2));
        assert_ne!(row, structure!(a: u64 = 1, b: u64 = 2, c: () = ()));
    }

    #[test]
    fn what_a_value_says_is_not_its_structure_and_how_many_parts_it_has_is() {
        let of = |texts: &[&str]| structure_of(&texts).unwrap();
        assert_eq!(of(&["a", "b"]), of(&["long", ""]));
        assert_ne!(of(&["a", "b"]), of(&["a"]));
        assert_ne!(structure_of(&vec![1_u64]), structure_of(&vec![1.0_f64]));
        let map = |keys: &[u32]| -> HashMap<u32, Option<u8>> {
            keys.iter().map(|&key| (key, (key > 2).then_some(1))).collect()
        };
        assert_eq!(structure_of(&map(&[1, 2, 3, 4])), structure_of(&map(&[4, 3, 2, 1])));
        assert_ne!(structure_of(&map(&[1, 2, 3])), structure_of(&map(&[1, 2])));
    }

    #[test]
    fn a_flattened_map_has_no_order_and_a_sequence_has() {
        #[derive(Serialize)]
        struct Flat {
            #[serde(flatten)]
            rest: std::collections::BTreeMap<i32, Vec<Option<i32>>>,
        }
        let of = |entries: &[(i32, Vec<Option<i32>>)]| {
            structure_of(&Flat { rest: entries.iter().cloned().collect() }).unwrap()
        };
        let (some, none) = (vec![Some(1)], vec![None, None]);
        let forth = of(&[(1, some.clone()), (2, none.clone())]);
        assert_eq!(forth, of(&[(1, none.clone()), (2, some.clone())]));
        assert_ne!(forth, of(&[(1, none.clone()), (2, none.clone())]));
        assert_ne!(
            structure_of(&vec![some.clone(), none.clone()]),
            structure_of(&vec![none, some])
        );
    }

    #[test]
    fn the_numbers_are_a_format() {
        assert_eq!(structure_of(&(1_u64, "two")), Ok(4_518_413_810_356_500_067));
    }
}
