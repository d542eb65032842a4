//! What a function is called: the name that its attribute sees, and the full one.

use crate::key::Scope;

/// A function's name, as its attribute sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) text: &'static str,
    /// The name lacks the type whose method it is, which the scope of a call knows.
    pub(crate) is_method: bool,
}

impl Name {
    /// The name; for a method with its type in it, `app::shapes::Rect::area`.
    pub(crate) fn full(self, scope: Option<Scope>) -> &'static str {
        match scope {
            // Once a function, for as long as it lives: the process.
            Some(scope) if self.is_method => Box::leak(method_name(scope.path()).into_boxed_str()),
            _ => self.text,
        }
    }
}

/// The method's name from a closure's in it, or in the helper that stands in for it.
// Input: `app::Pair<u8>::__scope_sum::{{closure}}`
// Output: `app::Pair::sum`
fn method_name(path: &str) -> String {
    let path = path.trim_end_matches("::{{closure}}");
    let mut name = String::with_capacity(path.len());
    let mut depth = 0_usize;
    for letter in path.chars() {
        // Generic arguments stand behind a name; `<app::Rect as app::Shape>::area` does not.
        let opens = letter == '<' && (depth > 0 || name.ends_with(|c: char| c.is_alphanumeric()));
        depth += usize::from(opens);
        if depth == 0 {
            name.push(letter);
        }
        depth -= usize::from(letter == '>' && depth > 0);
    }
    name.replace("__scope_", "").replace("__key_", "")
}

#[cfg(test)]
mod tests {
    use super::method_name;

    #[test]
    fn a_method_is_called_by_its_type_without_generic_arguments() {
        assert_eq!(method_name("app::Pair<u8>::__scope_sum::{{closure}}"), "app::Pair::sum");
        assert_eq!(method_name("app::a::Rect::__scope_area::{{closure}}"), "app::a::Rect::area");
        assert_eq!(
            method_name("<app::Rect as app::Shape<app::Pair<u8>>>::area::{{closure}}"),
            "<app::Rect as app::Shape>::area"
        );
    }
}
