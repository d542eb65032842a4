//! What stands around a function, which no attribute is told: read from the source.

use proc_macro2::Span;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Whether a function of this name is written in an `impl` or a `trait`, as far as its source can be
/// had. The compiler says it as well, but of the companions' type, in words that nobody understands.
pub(crate) fn is_in_impl(name: Span) -> bool {
    source_at(name).is_some_and(|(source, place)| is_in_impl_at(&source.braces.blocks, place))
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
    is_impl: bool,
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

fn is_in_impl_at(blocks: &[Block], place: usize) -> bool {
    around(blocks, place).is_some_and(|block| block.is_impl)
}

/// The innermost block that holds the byte.
fn around(blocks: &[Block], place: usize) -> Option<&Block> {
    let around = blocks.iter().filter(|block| block.start < place && place < block.end);
    around.max_by_key(|block| block.start)
}

impl Braces {
    /// What has this name in the block that holds the byte.
    fn kind_at(&self, place: usize, name: &str) -> Option<&'static str> {
        let start = |place| around(&self.blocks, place).map(|block| block.start);
        let is_beside = |item: &&Item| item.name == name && start(item.place) == start(place);
        self.items.iter().find(is_beside).map(|item| item.kind)
    }
}

// Input:
//     "impl Rect { fn area() {} }"
//
// Output:
//     Block { start: 10, end: 25, is_impl: true }, Block { start: 22, end: 23, is_impl: false }
fn braces(text: &str) -> Braces {
    let Braces { mut blocks, mut items } = Braces::default();
    let mut open: Vec<usize> = Vec::new();
    // The first word since the last brace or semicolon that says what a brace opens.
    let mut opener: Option<&str> = None;
    let mut brackets = 0_usize;
    // Whether what is opened next is there for some configurations only.
    let mut is_conditional = false;
    // The word that the next one is declared by.
    let mut declared: Option<&'static str> = None;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if let Some(len) = len_of_text(text, at) {
            at += len;
            continue;
        }
        if is_of_word(*byte) {
            let word = word(text, at);
            let is_prefix = matches!(word, "pub" | "unsafe" | "default" | "const" | "async");
            if brackets == 0 && opener.is_none() && !is_prefix {
                opener = Some(word);
            }
            is_conditional |= brackets > 0 && matches!(word, "cfg" | "cfg_attr");
            if let Some(kind) = declared.take().filter(|_| !is_conditional) {
                items.push(Item { place: at, kind, name: word.to_owned() });
            }
            if brackets == 0 && opener == Some(word) {
                declared = KINDS.into_iter().find(|kind| *kind == word);
            }
            at += word.len();
            continue;
        }
        if !byte.is_ascii_whitespace() {
            declared = None;
        }
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b'{' => {
                open.push(blocks.len());
                let is_impl = matches!(opener, Some("impl" | "trait"));
                blocks.push(Block { start: at, end: text.len(), is_impl });
            }
            b'}' => {
                let closed = open.pop().and_then(|index| blocks.get_mut(index));
                closed.into_iter().for_each(|block| block.end = at);
            }
            _ => {}
        }
        if matches!(byte, b'{' | b'}' | b';') {
            opener = None;
            is_conditional = false;
        }
        at += 1;
    }
    Braces { blocks, items }
}

/// Letters beyond ASCII are words, whatever they are.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn word(text: &str, at: usize) -> &str {
    let len = text.as_bytes()[at..].iter().take_while(|byte| is_of_word(**byte)).count();
    &text[at..at + len]
}

/// The length of the comment, the string or the character there; nothing, if there is none.
fn len_of_text(text: &str, at: usize) -> Option<usize> {
    if !matches!(text.as_bytes()[at], b'/' | b'"' | b'\'' | b'b' | b'c' | b'r') {
        return None;
    }
    let text = &text[at..];
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(len_of_comment(text));
    }
    let prefix = ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| text.starts_with(prefix));
    let prefix = prefix.unwrap_or_default();
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let inside = rest[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let len = inside.find(&end).map_or(inside.len(), |len| len + end.len());
        return Some(prefix.len() + hashes + 1 + len);
    }
    let is_letter = || rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'');
    match rest.chars().next() {
        Some(quote @ '"') => Some(prefix.len() + len_of_quoted(rest, quote)),
        // It is a lifetime otherwise.
        Some(quote @ '\'') if is_letter() => Some(prefix.len() + len_of_quoted(rest, quote)),
        _ => None,
    }
}

/// The length of a comment, which may have others in it.
fn len_of_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        let step = if rest.starts_with(b"/*") {
            depth += 1;
            2
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            2
        } else {
            1
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn len_of_quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' {
            is_escaped = true;
        } else if letter == quote {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the function `here` is in an `impl`.
    fn is_in_impl(text: &str) -> bool {
        is_in_impl_at(&braces(text).blocks, text.find("fn here").unwrap() + "fn ".len())
    }

    #[test]
    fn a_function_of_an_impl_or_a_trait_is_known() {
        for text in [
            "impl Rect { fn here() {} }",
            "pub(crate) struct Rect; impl<T> Rect<T> where T: Fn(u8) -> u8 { #[memo] pub fn here() {} }",
            "impl Rect { fn other(&self) { if self.is('}') { \"}\"; } } fn here() {} }",
            "impl Rect { const A: &str = r#\"\"}\"#; // }\n /* } /* } */ } */ fn here<'a>() {} }",
            "fn outer() { unsafe impl Shape for Rect { fn here() {} } }",
            "trait Shape { fn other(); fn here() {} }",
            "#[doc = \"{\"] impl Rect { #[cfg(any())] fn here() {} }",
        ] {
            assert!(is_in_impl(text), "{text}");
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
            assert!(!is_in_impl(text), "{text}");
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
