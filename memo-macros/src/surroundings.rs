//! What stands around a function, which no attribute is told: read from the source.

mod text;

use proc_macro2::Span;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use text::{is_of_word, len_of_text, word};

/// What a brace is opened by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Opener {
    Impl,
    ImplOfTrait,
    Trait,
    Other,
}

/// What a function of this name is written in, as far as its source can be had. The compiler says it as
/// well where companions have no place, but of each of them, in words that nobody understands.
pub(crate) fn opener_around(name: Span) -> Opener {
    let opener = source_at(name).and_then(|(source, place)| source.braces.opener_at(place));
    opener.unwrap_or(Opener::Other)
}

/// What is written beside a function (`mod`, `struct` and so on) that has the name of its companions'
/// type, as far as its source can be had. The compiler says it in eight errors.
pub(crate) fn kind_beside(function: Span, companions: &str) -> Option<&'static str> {
    let (source, place) = source_at(function)?;
    // A name that a macro was given may be a function's in a module of the macro's.
    let is_declared = source.text[..place].trim_end().ends_with("fn");
    source.braces.kind_at(place, companions).filter(|_| is_declared)
}

/// The file of a name, and the byte at which it is there.
fn source_at(name: Span) -> Option<(Arc<Source>, usize)> {
    let name = name.unwrap();
    let source = source(&name.local_file()?)?;
    let place = place(&source.text, name.line(), name.column())?;
    // What has changed meanwhile is not the file that is compiled.
    let is_it = source.text[place..].starts_with(&name.source_text()?);
    is_it.then_some((source, place))
}

/// A file, and what its braces hold.
struct Source {
    modified: Option<SystemTime>,
    text: String,
    braces: Braces,
}

/// Where braces are, and the items between them that have a name among types.
#[derive(Default)]
struct Braces {
    blocks: Vec<Block>,
    items: Vec<Item>,
}

/// A module or a type, there for every configuration.
struct Item {
    place: usize,
    kind: &'static str,
    name: String,
}

/// The words that declare a name among types.
const KINDS: [&str; 6] = ["mod", "struct", "enum", "union", "trait", "type"];

/// What stands between two braces.
struct Block {
    start: usize,
    end: usize,
    opener: Opener,
}

/// A file, read once for all its functions.
fn source(path: &Path) -> Option<Arc<Source>> {
    static SOURCES: Mutex<Option<HashMap<PathBuf, Arc<Source>>>> = Mutex::new(None);
    let modified = fs::metadata(path).ok()?.modified().ok();
    let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    let sources = sources.get_or_insert_default();
    if let Some(known) = sources.get(path).filter(|known| known.modified == modified) {
        return Some(Arc::clone(known));
    }
    let text = fs::read_to_string(path).ok()?;
    let source = Arc::new(Source { modified, braces: braces(&text), text });
    sources.insert(path.to_owned(), Arc::clone(&source));
    Some(source)
}

/// The byte at a line and a column, both counted from one.
fn place(text: &str, line: usize, column: usize) -> Option<usize> {
    let mut lines = text.split_inclusive('\n');
    let start: usize = lines.by_ref().take(line.checked_sub(1)?).map(str::len).sum();
    let (within, _) = lines.next()?.char_indices().nth(column.checked_sub(1)?)?;
    Some(start + within)
}

/// The innermost block that holds the byte.
fn around(blocks: &[Block], place: usize) -> Option<&Block> {
    let around = blocks.iter().filter(|block| block.start < place && place < block.end);
    around.max_by_key(|block| block.start)
}

impl Braces {
    fn opener_at(&self, place: usize) -> Option<Opener> {
        around(&self.blocks, place).map(|block| block.opener)
    }

    /// What has this name in the block that holds the byte.
    fn kind_at(&self, place: usize, name: &str) -> Option<&'static str> {
        let start = |place| around(&self.blocks, place).map(|block| block.start);
        let is_beside = |item: &&Item| item.name == name && start(item.place) == start(place);
        self.items.iter().find(is_beside).map(|item| item.kind)
    }
}

/// What is written since the last brace or semicolon.
#[derive(Default)]
struct Head<'a> {
    /// The first word that says what a brace opens.
    opener: Option<&'a str>,
    /// An `impl` says of what it is one. A `for<'a>` says something else.
    has_for: bool,
    /// What is opened next is there for some configurations only.
    is_conditional: bool,
    /// The word that the next one is declared by.
    declared: Option<&'static str>,
}

impl<'a> Head<'a> {
    /// Reads a word; what it is the name of among types, if it is one.
    fn read(&mut self, word: &'a str, rest: &str, is_in_brackets: bool) -> Option<&'static str> {
        let is_prefix = matches!(word, "pub" | "unsafe" | "default" | "const" | "async");
        let declared = self.declared.take().filter(|_| !self.is_conditional);
        if is_in_brackets {
            self.is_conditional |= matches!(word, "cfg" | "cfg_attr");
        } else if self.opener.is_none() && !is_prefix {
            self.opener = Some(word);
            self.declared = KINDS.into_iter().find(|kind| *kind == word);
        } else {
            self.has_for |= word == "for" && !rest.trim_start().starts_with('<');
        }
        declared
    }

    fn opener(&self) -> Opener {
        match self.opener {
            Some("impl") if self.has_for => Opener::ImplOfTrait,
            Some("impl") => Opener::Impl,
            Some("trait") => Opener::Trait,
            _ => Opener::Other,
        }
    }
}

// Input:
//     "impl Rect { fn area() {} }"
//
// Output:
//     Block { start: 10, end: 25, opener: Impl }, Block { start: 22, end: 23, opener: Other }
fn braces(text: &str) -> Braces {
    let Braces { mut blocks, mut items } = Braces::default();
    let mut open: Vec<usize> = Vec::new();
    let mut head = Head::default();
    let mut brackets = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if let Some(len) = len_of_text(text, at) {
            at += len;
            continue;
        }
        if is_of_word(*byte) {
            let word = word(text, at);
            let rest = &text[at + word.len()..];
            if let Some(kind) = head.read(word, rest, brackets > 0) {
                items.push(Item { place: at, kind, name: word.to_owned() });
            }
            at += word.len();
            continue;
        }
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b'{' => {
                open.push(blocks.len());
                blocks.push(Block { start: at, end: text.len(), opener: head.opener() });
            }
            b'}' => {
                let closed = open.pop().and_then(|index| blocks.get_mut(index));
                closed.into_iter().for_each(|block| block.end = at);
            }
            _ => {}
        }
        match byte {
            b'{' | b'}' | b';' => head = Head::default(),
            _ if byte.is_ascii_whitespace() => {}
            _ => head.declared = None,
        }
        at += 1;
    }
    Braces { blocks, items }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the function `here` is in.
    fn opener_around(text: &str) -> Opener {
        let place = text.find("fn here").unwrap() + "fn ".len();
        braces(text).opener_at(place).unwrap_or(Opener::Other)
    }

    #[test]
    fn a_function_of_an_impl_or_a_trait_is_known() {
        for (text, opener) in [
            ("impl Rect { fn here() {} }", Opener::Impl),
            (
                "pub(crate) struct Rect; impl<T> Rect<T> where T: for<'a> Fn(&'a u8) { #[memo] pub fn here() {} }",
                Opener::Impl,
            ),
            (
                "impl Rect { fn other(&self) { if self.is('}') { \"}\"; } } fn here() {} }",
                Opener::Impl,
            ),
            (
                "impl Rect { const A: &str = r#\"\"}\"#; // }\n /* } /* } */ } */ fn here<'a>() {} }",
                Opener::Impl,
            ),
            ("impl Rect { fn a() { for x in y {} } fn here() {} }", Opener::Impl),
            ("fn outer() { unsafe impl Shape for Rect { fn here() {} } }", Opener::ImplOfTrait),
            (
                "impl<F: for<'a> Fn(&'a u8)> Shape<F> for &Rect { fn here() {} }",
                Opener::ImplOfTrait,
            ),
            ("trait Shape { fn other(); fn here() {} }", Opener::Trait),
            ("#[doc = \"{ for\"] impl Rect { #[cfg(any())] fn here() {} }", Opener::Impl),
        ] {
            assert_eq!(opener_around(text), opener, "{text}");
        }
    }

    #[test]
    fn a_function_of_a_module_or_a_body_is_none() {
        for text in [
            "fn here() {}",
            "impl Rect { fn outer(&self) { fn here() {} } }",
            "impl Rect {} fn here() {}",
            "mod a { struct S { a: u8 } fn here() {} }",
            "impl Rect { fn outer(&self) { let x = || { fn here() {} }; } }",
            "fn outer() -> impl Fn() { fn here() {} }",
            "const A: u8 = { fn here() {} 1 };",
            "impl Rect { const A: u8 = { fn here() {} 1 }; }",
            "macro_rules! make { () => { fn here() {} } }",
        ] {
            assert_eq!(opener_around(text), Opener::Other, "{text}");
        }
    }

    /// What is beside the function `here` that has its name.
    fn kind_beside(text: &str) -> Option<&'static str> {
        braces(text).kind_at(text.find("fn here").unwrap() + "fn ".len(), "here")
    }

    #[test]
    fn what_has_the_name_of_a_function_beside_it_is_known() {
        for (text, kind) in [
            ("mod here; fn here() {}", "mod"),
            ("#[memo] fn here() {} #[path = \"cfg\"] pub(crate) mod here { fn other() {} }", "mod"),
            ("mod a { fn here() {} /* mod other; */ pub unsafe trait here {} }", "trait"),
            ("fn outer() { fn here() {} struct here<'a> { a: &'a u8 } }", "struct"),
        ] {
            assert_eq!(kind_beside(text), Some(kind), "{text}");
        }
        for text in [
            "fn here() {} mod other { mod here {} }",
            "mod here { fn here() {} }",
            "fn here() {} // mod here;",
            "fn here() { mod here {} }",
            "fn here() {} #[cfg(unix)] mod here;",
            "fn here(enum_here: u8) {} use here::here; static TEXT: &str = \"mod here;\";",
        ] {
            assert_eq!(kind_beside(text), None, "{text}");
        }
    }

    #[test]
    fn a_place_is_found_by_its_line_and_column() {
        let text = "a\r\n  µ here\n";
        assert_eq!(place(text, 2, 5), text.find("here"));
        assert_eq!((place(text, 9, 1), place(text, 1, 9)), (None, None));
    }
}
