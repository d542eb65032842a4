//! Words of a source file, and what looks like its code and is not.

/// Letters beyond ASCII are words, whatever they are.
pub(super) fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

pub(super) fn word(text: &str, at: usize) -> &str {
    let len = text.as_bytes()[at..].iter().take_while(|byte| is_of_word(**byte)).count();
    &text[at..at + len]
}

/// The length of the comment, the string or the character there; nothing, if there is none.
pub(super) fn len_of_text(text: &str, at: usize) -> Option<usize> {
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
