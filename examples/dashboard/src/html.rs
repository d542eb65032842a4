//! Just enough to fill in a page.

/// Makes a text harmless, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Puts values where the template says `{{name}}`, in one pass: what a value contains is never a name.
/// A name without a value leaves nothing.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        filled.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Shows what a sentence has in backticks as code.
pub fn sentence(text: &str) -> String {
    let mut shown = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escape(part);
        if at % 2 == 1 {
            shown.push_str(&format!("<code>{part}</code>"));
        } else {
            shown.push_str(&part);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_read_as_templates() {
        assert_eq!(fill("a {{b}} c {{d}}{{e}}", &[("b", "{{d}}"), ("d", "1")]), "a {{d}} c 1");
        assert_eq!(fill("a {{b", &[("b", "1")]), "a {{b");
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escape("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
        assert_eq!(sentence("`f` has `<`"), "<code>f</code> has <code>&lt;</code>");
    }
}
