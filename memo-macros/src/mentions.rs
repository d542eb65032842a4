//! What the user's code mentions, and whether an expression can differ from call to call.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprAwait, ExprCall, ExprMethodCall, ExprPath, Ident, LitStr, Macro, Path};

/// The names in what the user wrote: its identifiers, and what the texts in its macros have in
/// braces.
pub(crate) struct Mentions(HashSet<String>);

impl Mentions {
    pub(crate) fn of(written: &impl ToTokens) -> Self {
        let mut names = HashSet::new();
        collect(written.to_token_stream(), false, &mut names);
        Self(names)
    }

    pub(crate) fn has(&self, name: &Ident) -> bool {
        self.0.contains(&name.unraw().to_string())
    }
}

fn collect(tokens: TokenStream, in_macro: bool, names: &mut HashSet<String>) {
    let mut before = Before::default();
    for token in tokens {
        match &token {
            TokenTree::Ident(name) => drop(names.insert(name.unraw().to_string())),
            TokenTree::Literal(literal) if in_macro => names.extend(placeholders(literal)),
            TokenTree::Group(group) => {
                collect(group.stream(), in_macro || before.is_macro(), names);
            }
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
        before.push(token);
    }
}

/// The two tokens before one, which tell a macro's arguments from any other group.
#[derive(Default)]
struct Before {
    name: Option<TokenTree>,
    mark: Option<TokenTree>,
}

impl Before {
    fn push(&mut self, token: TokenTree) {
        self.name = self.mark.replace(token);
    }

    fn is_macro(&self) -> bool {
        matches!(&self.name, Some(TokenTree::Ident(_)))
            && matches!(&self.mark, Some(TokenTree::Punct(mark)) if mark.as_char() == '!')
    }

    /// The name of the macro whose arguments come next.
    fn macro_name(&self) -> Option<String> {
        self.name.as_ref().filter(|_| self.is_macro()).map(ToString::to_string)
    }
}

// Input:
//     "{id:>width$} {{no}} {}"
//
// Output:
//     id, width
fn placeholders(literal: &Literal) -> Vec<String> {
    let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) else {
        return Vec::new();
    };
    let text = text.value().replace("{{", "");
    let inside = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let names = inside.flat_map(|inside| {
        let (name, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let arguments = spec.split_inclusive('$').filter_map(|part| part.strip_suffix('$'));
        let arguments = arguments.map(|part| part.trim_start_matches(|c: char| !is_start(c)));
        std::iter::once(name).chain(arguments)
    });
    names.map(|name| name.trim().to_owned()).collect()
}

fn is_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

/// Whether an expression can differ from call to call: it has one of these names in it, or a call,
/// or a macro that is more than text.
pub(crate) fn can_differ(expr: &Expr, is_param: &dyn Fn(&Ident) -> bool) -> bool {
    let mut finder = Finder { is_param, found: false };
    finder.visit_expr_mut(&mut expr.clone());
    finder.found
}

struct Finder<'a> {
    is_param: &'a dyn Fn(&Ident) -> bool,
    found: bool,
}

impl VisitMut for Finder<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        // What cannot be read may be anything.
        self.found |= matches!(expr, Expr::Verbatim(_));
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        self.found |= path.path.get_ident().is_some_and(self.is_param);
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        match &*call.func {
            Expr::Path(path) if is_constructor(&path.path) => {
                call.args.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
            }
            _ => self.found = true,
        }
    }

    fn visit_expr_method_call_mut(&mut self, _: &mut ExprMethodCall) {
        self.found = true;
    }

    fn visit_expr_await_mut(&mut self, _: &mut ExprAwait) {
        self.found = true;
    }

    fn visit_macro_mut(&mut self, called: &mut Macro) {
        let name = called.path.segments.last().map(|last| last.ident.to_string());
        self.found |= self.is_more_than_text(&name.unwrap_or_default(), called.tokens.clone());
    }
}

/// The macros that are a text whatever they are given.
const TEXTS: [&str; 9] = [
    "stringify",
    "line",
    "column",
    "file",
    "module_path",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
];

impl Finder<'_> {
    fn is_more_than_text(&self, name: &str, tokens: TokenStream) -> bool {
        if TEXTS.contains(&name) {
            return false;
        }
        // Without arguments it is whatever it stands for.
        tokens.is_empty() || self.has_more_than_text(tokens)
    }

    fn has_more_than_text(&self, tokens: TokenStream) -> bool {
        let mut before = Before::default();
        let mut names = Vec::new();
        for token in tokens {
            let is_more = match &token {
                TokenTree::Ident(name) => {
                    names.push(name.to_string());
                    false
                }
                TokenTree::Group(group) => match before.macro_name() {
                    Some(name) => {
                        names.pop();
                        self.is_more_than_text(&name, group.stream())
                    }
                    None => self.has_more_than_text(group.stream()),
                },
                TokenTree::Literal(text) => placeholders(text)
                    .iter()
                    .filter_map(|name| syn::parse_str(name).ok())
                    .any(|name| (self.is_param)(&name)),
                TokenTree::Punct(_) => false,
            };
            if is_more {
                return true;
            }
            before.push(token);
        }
        names.iter().any(|name| !matches!(name.as_str(), "true" | "false"))
    }
}

/// Whether a path names a tuple struct or a variant, as far as its case tells.
fn is_constructor(path: &Path) -> bool {
    let Some(last) = path.segments.last() else { return false };
    let name = last.ident.unraw().to_string();
    let is_camel = name.len() == 1 || name.chars().any(char::is_lowercase);
    name.starts_with(char::is_uppercase) && is_camel
}

/// Whether it is `()`.
pub(crate) fn is_unit(expr: &Expr) -> bool {
    match expr {
        Expr::Tuple(tuple) => tuple.elems.is_empty(),
        Expr::Paren(paren) => is_unit(&paren.expr),
        Expr::Group(group) => is_unit(&group.expr),
        _ => false,
    }
}

/// The text that an expression is, if it is nothing else, and has names in braces.
pub(crate) fn unformatted(expr: &Expr) -> Option<String> {
    let mut tokens = expr.to_token_stream().into_iter();
    let first = match tokens.next()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().into_iter().next()?
        }
        token => token,
    };
    match (first, tokens.next()) {
        (TokenTree::Literal(text), None) => {
            let has_names = placeholders(&text).iter().any(|name| name.starts_with(is_start));
            has_names.then(|| text.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(expr: &str) -> bool {
        can_differ(&syn::parse_str(expr).unwrap(), &|name| name == "id" || name == "self")
    }

    #[test]
    fn a_parameter_a_call_or_a_macro_of_more_than_text_can_differ() {
        for expr in [
            "id",
            "(id)",
            "&id",
            "self.tenant",
            "(1, id)",
            "{ id }",
            "if true { 1 } else { id }",
            "locale()",
            "VERSION.len()",
            "Some(id)",
            "Key { id }",
            "format!(\"{id}\")",
            "format!(\"{id:?}-{}\", 1)",
            "format!(\"{:>id$}\", 1)",
            "format!(\"{}\", locale())",
            "concat!(\"a\", locale!())",
            "locale!()",
            "json!({ \"a\": [id] })",
            "CONFIG.ids[id]",
            "load().await",
        ] {
            assert!(differs(expr), "{expr}");
        }
    }

    #[test]
    fn what_is_the_same_for_every_call_cannot() {
        for expr in [
            "1",
            "-1",
            "\"{id}\"",
            "b\"id\"",
            "true",
            "VERSION",
            "crate::id::VERSION",
            "CONFIG.id",
            "*LOCALE",
            "Some(1)",
            "Key { id: 1 }",
            "(1, \"a\")",
            "[1, 2]",
            "{ 1 }",
            "()",
            "|x| 1",
            "format!(\"x\")",
            "format!(\"{{id}}\")",
            "format!(\"{other}\")",
            "concat!(\"a\", 1, true)",
            "concat!(\"a\", stringify!(id))",
            "stringify!(id)",
            "env!(\"HOME\")",
            "line!()",
        ] {
            assert!(!differs(expr), "{expr}");
        }
    }

    #[test]
    fn a_text_mentions_what_its_macro_formats() {
        let mentions = |expr: &str, name: &str| {
            let name = Ident::new(name, proc_macro2::Span::call_site());
            Mentions::of(&syn::parse_str::<Expr>(expr).unwrap()).has(&name)
        };
        assert!(mentions("format!(\"{_ctx}\")", "_ctx") && mentions("(_ctx.id, a)", "_ctx"));
        assert!(!mentions("\"{_ctx}\".len()", "_ctx") && !mentions("f(\"{_ctx}\")", "_ctx"));
        assert!(mentions("a.max(concat!(format!(\"{:_ctx$}\", 1)))", "_ctx"));
    }
}
