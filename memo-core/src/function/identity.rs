//! What a function is known by in stores, and that no two of one process are known by the same.
//!
//! An identity outlives the process, so it is made of what every build of the program can see: where
//! the function is written, and its tokens. What only the compiler knows, a type's id, changes with
//! it and with every dependency; it is taken where nothing else tells functions apart.

use std::any::TypeId;
use std::collections::btree_map::{BTreeMap, Entry};

#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::Mutex;

use crate::key::bytes_of_id;

/// What the attribute sees of a function.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Its signature, its body and the options that say which results are meant.
    pub tokens: &'static str,
    /// It is built for tests, where what it calls may be another's.
    pub is_test: bool,
    /// `CARGO_PKG_NAME`, `CARGO_PKG_VERSION` and `CARGO_BIN_NAME`, where cargo builds it.
    pub package: [Option<&'static str>; 3],
    /// `module_path!()`.
    pub module: &'static str,
    /// The item in which the place below is asked for, beside or in which the function is.
    pub item: &'static str,
    /// Where it is, asked of an item in it.
    pub place: fn() -> Place,
    /// `line!()` and `column!()`.
    pub line_and_column: (u32, u32),
    /// The same as the tokens have it: another one if they come from a `macro_rules!`, whose
    /// expansions may all be at one line and column.
    pub of_tokens: (u32, u32),
}

/// Where a function is written, as the compiler has it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    path: &'static str,
    id: TypeId,
}

impl Place {
    /// The place of an item in the function, or in what stands beside it.
    pub fn of<F: 'static>(_: &F) -> Self {
        Self { path: std::any::type_name::<F>(), id: TypeId::of::<F>() }
    }
}

impl Source {
    pub(crate) const NONE: Self = Self {
        tokens: "",
        is_test: false,
        package: [None; 3],
        module: "",
        item: "",
        place: || Place::of(&()),
        line_and_column: (0, 0),
        of_tokens: (0, 0),
    };

    /// The function, as far as its attribute can see it; with its name and its `version`.
    pub(crate) fn fingerprint(&self, name: &str, version: u64) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        let mut mix = |piece: &[u8]| {
            hasher.update(&(piece.len() as u64).to_le_bytes());
            hasher.update(piece);
        };
        let place = (self.place)();
        // The bytes of some values are those of the machine.
        let build = format!("{} {} {}", usize::BITS, cfg!(target_endian = "little"), self.is_test);
        let [package, number, program] = self.package.map(Option::unwrap_or_default);
        let number = compatible(number);
        for piece in [name, self.module, place.path, self.tokens, &build, package, number, program]
        {
            mix(piece.as_bytes());
        }
        mix(&version.to_le_bytes());
        if is_in_body(place.path, self.module, self.item) {
            let (line, column) = self.line_and_column;
            mix(format!("{line}:{column}").as_bytes());
            if self.line_and_column != self.of_tokens {
                mix(&bytes_of_id(place.id));
            }
        }
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        fingerprint
    }
}

/// The part of a version that two of a package differ in if cargo builds both into one program; so
/// an update that is compatible keeps what is stored.
// Input: `1.4.2`, `0.4.2`, `0.0.2-rc.1`
// Output: `1`, `0.4`, `0.0.2`
fn compatible(version: &str) -> &str {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let is_part = |at: usize| numbers[..at].bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let mut ends = numbers.match_indices('.').map(|(at, _)| at);
    ends.find(|at| is_part(*at)).map_or(numbers, |at| &numbers[..at])
}

/// Whether an item is in the body of a function, a closure or a constant, where there may be others
/// of its path. If in doubt, it is: then an edit above it costs a cold cache, and nothing else.
// Input: `app::shapes`, with `app::shapes::Rect::area::{{closure}}::here` of the item `area`;
//        `app::shapes`, with `app::shapes::draw::Rect::area::{{closure}}::here` of the item `area`
// Output: false; true
fn is_in_body(path: &str, module: &str, item: &str) -> bool {
    if let Some(path) = path.strip_prefix('<') {
        // `<app::shapes::Rect as app::Shape>::area`, whose `impl` is where the type or the trait is.
        let types = &path[..end_of_generics(path)];
        let mut deeper = types.match_indices(module).map(|(at, _)| &types[at + module.len()..]);
        return deeper.any(|path| segment(path).and_then(|(_, inner)| segment(inner)).is_some());
    }
    // `Rect::area`, or `<impl app::Shape for Rect>::area`.
    let in_module = path.strip_prefix(module).and_then(segment).and_then(|(_, path)| segment(path));
    in_module.is_none_or(|(name, _)| name != item)
}

/// The next segment of a path, its generic arguments with it, and the rest.
// Input: `::Pair<u8>::area`
// Output: `Pair<u8>` and `::area`
fn segment(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("::")?;
    let is_end = |letter: char| !letter.is_alphanumeric() && !"_{}#".contains(letter);
    let end = path.find(is_end).unwrap_or(path.len());
    let generics = path[end..].strip_prefix('<').map_or(0, |path| 1 + end_of_generics(path));
    Some(path.split_at(end + generics))
}

/// Where generic arguments end that have begun, behind their `>`.
fn end_of_generics(text: &str) -> usize {
    let mut depth = 1_usize;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        depth += usize::from(letter == '<');
        depth -= usize::from(letter == '>' && before != '-');
        if depth == 0 {
            return at + 1;
        }
        before = letter;
    }
    text.len()
}

/// The functions of this process that have a store, by what they are known by there; none where
/// several are known by the same.
static KNOWN: Mutex<BTreeMap<[u8; 16], Option<&'static dyn Identified>>> =
    Mutex::new(BTreeMap::new());

/// In a child of `fork` they are the same.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let known = KNOWN.lock();
    Box::new(move |_| drop(known))
}

/// A function that a store knows by an identity.
pub(crate) trait Identified: Sync {
    /// Its name, as the identity has it.
    fn stored_name(&self) -> &'static str;
    /// Another function of this process has the same identity: from now on the store is not asked.
    fn set_ambiguous(&self);
    /// Voids what is stored under the identity, here and there.
    fn give_up_store(&'static self);
}

/// Whose an identity is.
pub(crate) enum Claim {
    Own,
    /// It is another function's too, as has just come out: that one, if it does not know yet.
    Ambiguous(Option<&'static dyn Identified>),
}

/// Claims an identity for a function.
pub(crate) fn claim(fingerprint: [u8; 16], function: &'static dyn Identified) -> Claim {
    match KNOWN.lock().entry(fingerprint) {
        Entry::Vacant(vacant) => {
            vacant.insert(Some(function));
            Claim::Own
        }
        Entry::Occupied(mut owner) => match *owner.get() {
            Some(owner) if std::ptr::addr_eq(owner, function) => Claim::Own,
            _ => Claim::Ambiguous(owner.get_mut().take()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_counts_as_far_as_cargo_keeps_two_of_it_apart() {
        for (version, part) in [
            ("1.4.2", "1"),
            ("12.0.0-rc.1", "12"),
            ("0.4.2", "0.4"),
            ("0.10.0", "0.10"),
            ("0.0.2", "0.0.2"),
            ("0.0.2-rc.1+build", "0.0.2"),
            ("0.0.0", "0.0.0"),
            ("", ""),
        ] {
            assert_eq!(compatible(version), part, "of {version}");
        }
    }

    #[test]
    fn a_path_says_whether_an_item_is_in_a_body() {
        let is_in_body = |path: &str, item: &str| {
            let path = format!("{path}::{item}::MEMORY::{{{{closure}}}}::here");
            super::is_in_body(&path, "app::a", item)
        };
        for path in [
            "app::a::square",
            "app::a::Rect",
            "app::a::Pair<_>",
            "app::a::Pair<app::b::X<u8>, fn(u8) -> u8>",
            "app::a::<impl app::b::Rect>",
            "app::a::<impl app::b::Shape for app::b::Pair<u8>>",
            "<app::a::Rect as app::b::Shape>",
            "<app::a::Pair<u8> as app::a::Shape>",
            "<&app::a::Rect as core::ops::Add>",
        ] {
            assert!(!is_in_body(path, "__memo"), "{path}");
        }
        for path in [
            "app::a::outer::square",
            "app::a::outer::{{closure}}::square",
            "app::a::_::square",
            "app::a::outer::Rect",
            "app::a::outer::<impl app::a::Rect>",
            "app::a::outer::<impl app::a::Shape for u8>",
            "<app::a::Rect as app::a::outer::Shape>",
            "<app::a::outer::Rect as app::b::Shape>",
            "<app::a::Pair<app::a::outer::X> as app::b::Shape>",
            // What no compiler has said yet.
            "{app#1}::a::square",
        ] {
            assert!(is_in_body(path, "__memo"), "{path}");
        }
    }
}
