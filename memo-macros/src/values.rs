//! The values that options take.

use crate::generics;
use crate::mentions::unformatted;
use crate::units;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprUnary, Ident, Lit, LitInt, Path, Result, Token, UnOp};

/// Reads `= VALUE`.
pub(crate) fn value<T: Parse>(option: &Ident, input: ParseStream) -> Result<T> {
    if is_bare(input) {
        let cure = format!("`{option}` needs a value: `{option} = …`");
        return Err(Error::new(option.span(), cure));
    }
    if !input.peek(Token![=]) {
        return Err(input.error(format!("`{option}` is followed by its value: `{option} = …`")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Reads `= some::path`.
pub(crate) fn path(option: &Ident, input: ParseStream) -> Result<Path> {
    let value: Expr = value(option, input)?;
    match bare(&value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        other => {
            let cure = format!("`{option}` needs a path: `{option} = some::path`");
            Err(Error::new_spanned(other, cure))
        }
    }
}

/// Reads `= name`.
pub(crate) fn name(option: &Ident, input: ParseStream) -> Result<Ident> {
    let value: Expr = value(option, input)?;
    match bare(&value) {
        Expr::Path(path) if path.qself.is_none() && path.path.get_ident().is_some() => {
            Ok(path.path.require_ident()?.clone())
        }
        other => {
            let cure = format!("`{option}` needs a name: `{option} = name`");
            Err(Error::new_spanned(other, cure))
        }
    }
}

/// Reads the nothing that follows an option without a value.
pub(crate) fn flag(option: &Ident, input: ParseStream) -> Result<bool> {
    if is_bare(input) {
        return Ok(true);
    }
    Err(input.error(format!("`{option}` takes no value: write it alone")))
}

fn is_bare(input: ParseStream) -> bool {
    input.is_empty() || input.peek(Token![,])
}

/// Reads `(a, self)`.
pub(crate) fn names(option: &Ident, input: ParseStream) -> Result<Vec<Ident>> {
    let cure = format!("`{option}` needs names: `{option}(a, b)`");
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(option.span(), cure));
    }
    let content;
    syn::parenthesized!(content in input);
    let names = Punctuated::<_, Token![,]>::parse_terminated_with(&content, Ident::parse_any)
        .map_err(|error| Error::new(error.span(), &cure))?;
    if names.is_empty() {
        return Err(Error::new(option.span(), cure));
    }
    Ok(names.into_iter().collect())
}

/// The expression within the groups that `macro_rules!` leaves around a fragment, and parentheses.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match bare(value) {
        Expr::Lit(literal) => Some(&literal.lit),
        _ => None,
    }
}

/// The number that follows a minus.
fn negated(value: &Expr) -> Option<&Lit> {
    match bare(value) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => literal(expr),
        _ => None,
    }
}

/// The `ttl`, and who says it.
pub(crate) enum Ttl {
    /// It is an expression of type `Duration`.
    Fixed(TokenStream),
    /// A closure says it of each result.
    Closure(Expr),
    /// A path, whose type says which of the two it is.
    Path(Expr),
}

/// The `ttl`: of type `Duration`, or a function from a result to one.
pub(crate) fn ttl(value: &Expr) -> Result<Ttl> {
    match bare(value) {
        Expr::Closure(_) => Ok(Ttl::Closure(value.clone())),
        Expr::Path(_) => Ok(Ttl::Path(value.clone())),
        _ => {
            duration(value, "a `ttl` of zero would cache nothing: leave out the attribute instead")
                .map(Ttl::Fixed)
        }
    }
}

impl Ttl {
    /// The call that hands it to the runtime, as far as it is one for all results.
    pub(crate) fn setting(&self, private: &TokenStream) -> TokenStream {
        match self {
            Self::Fixed(ttl) => quote!(.ttl(|| #ttl)),
            Self::Path(path) if is_named_like_a_constant(path) => {
                quote!(.ttl_of_type(|| #private::SaidOfAny::new(#path).ttl()))
            }
            Self::Closure(_) | Self::Path(_) => quote!(.ttl_of_result()),
        }
    }
}

/// Whether a path may be that of a constant or a static which a static's initializer can name. What is
/// not is asked for each result, of whatever type it is.
fn is_named_like_a_constant(path: &Expr) -> bool {
    let Expr::Path(path) = bare(path) else { return false };
    let is_free = path.qself.is_none() && path.path.segments[0].ident != "Self";
    is_free
        && path
            .path
            .segments
            .last()
            .is_some_and(|last| !last.ident.to_string().contains(char::is_lowercase))
}

/// By how much a `ttl` may be shortened: an expression of type `Duration`.
pub(crate) fn jitter(value: &Expr) -> Result<TokenStream> {
    duration(value, "a `jitter` of zero shortens nothing: leave it out")
}

/// For how long an old result answers where the body fails: an expression of type `Duration`.
pub(crate) fn stale(value: &Expr) -> Result<TokenStream> {
    duration(value, "a `stale_if_error` of zero would keep nothing: leave it out")
}

/// The time to idle: an expression of type `Duration`.
pub(crate) fn idle(value: &Expr) -> Result<TokenStream> {
    duration(value, "an `idle` of zero would cache nothing: leave out the attribute instead")
}

/// A condition on the parameters: an expression of type `bool`.
pub(crate) fn condition(value: Expr) -> Result<Expr> {
    match literal(&value) {
        None | Some(Lit::Bool(_)) => Ok(value),
        Some(other) => {
            let cure = "expected a condition, as in `enabled = rows.len() < 1_000`";
            Err(Error::new(other.span(), cure))
        }
    }
}

/// Reads `(format!("user:{id}"), team)`: what results are tagged with.
pub(crate) fn tags(option: &Ident, input: ParseStream) -> Result<Vec<Expr>> {
    let cure = "`tags` needs expressions over the parameters: `tags(format!(\"user:{id}\"))`";
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(option.span(), cure));
    }
    let content;
    syn::parenthesized!(content in input);
    let tags: Vec<Expr> =
        Punctuated::<_, Token![,]>::parse_terminated(&content)?.into_iter().collect();
    if tags.is_empty() {
        return Err(Error::new(option.span(), cure));
    }
    for tag in &tags {
        if let Some(text) = unformatted(tag) {
            let cure = format!(
                "a tag is an expression, and this text is the same for every call: write `tags(format!({text}))`"
            );
            return Err(Error::new_spanned(tag, cure));
        }
        match literal(tag) {
            None | Some(Lit::Str(_)) => {}
            Some(other) => {
                let cure = format!("a tag is a text: write `tags(\"{}\")`", quote!(#other));
                return Err(Error::new(other.span(), cure));
            }
        }
    }
    Ok(tags)
}

/// The bound of a wait: an expression of type `Duration`.
pub(crate) fn wait(value: &Expr) -> Result<TokenStream> {
    duration(value, "with a `wait` of zero no call would wait for another: each would compute")
}

/// What is asked once is so outside the `impl`.
fn outside(value: &Expr) -> Result<()> {
    match generics::find_self(quote!(#value)) {
        Some(here) => {
            let cure =
                "this is asked once for all types, where there is no `Self`: write the type's name";
            Err(Error::new(here, cure))
        }
        None => Ok(()),
    }
}

fn duration(value: &Expr, if_zero: &str) -> Result<TokenStream> {
    let text = match (literal(value), negated(value)) {
        (Some(Lit::Str(text)), _) => text,
        (Some(Lit::Int(number)), _) if number.suffix().is_empty() => {
            let cure = format!("the unit is missing: write `\"{number}s\"` or `\"{number}ms\"`");
            return Err(Error::new(number.span(), cure));
        }
        (Some(other), _) => {
            let cure = match with_unit(other).filter(|text| units::duration(text).is_ok()) {
                Some(text) => format!("a duration is written as a text: `\"{text}\"`"),
                None => "expected a duration like `\"10m\"`, or a `Duration`".to_owned(),
            };
            return Err(Error::new(other.span(), cure));
        }
        (None, Some(_)) => {
            return Err(Error::new_spanned(bare(value), "a duration cannot be negative"));
        }
        (None, None) => return outside(value).map(|()| quote!(#value)),
    };
    let duration =
        units::duration(&text.value()).map_err(|error| Error::new(text.span(), error))?;
    if duration.is_zero() {
        return Err(Error::new(text.span(), if_zero));
    }
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    Ok(quote!(::core::time::Duration::new(#seconds, #nanos)))
}

// Input:
//     64MiB
//
// Output:
//     "64MiB"
/// A number whose suffix may be a unit, as what a text would say.
fn with_unit(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Int(number) => Some(format!("{}{}", number.base10_digits(), number.suffix())),
        Lit::Float(number) => Some(format!("{}{}", number.base10_digits(), number.suffix())),
        _ => None,
    }
}

/// A bound, and who knows it.
pub(crate) enum Bound {
    /// This macro.
    Literal(u64),
    /// The compiler: a constant of type `usize`.
    Const(TokenStream),
    /// The program, which is asked once.
    Asked(Expr),
}

const ZERO: &str = "a bound of zero would cache nothing: leave out the attribute instead";

/// The bound of `max_entries`.
pub(crate) fn entries(value: Expr) -> Result<Bound> {
    match literal(&value) {
        Some(Lit::Int(number)) => known(number.span(), integer(number, "usize")?),
        Some(other) => {
            let cure = "expected a number, as in `max_entries = 1_000`";
            Err(Error::new(other.span(), cure))
        }
        None => outside(&value).and_then(|()| bound(value)),
    }
}

/// The bound of `max_bytes`.
pub(crate) fn bytes(value: Expr) -> Result<Bound> {
    let (span, bytes) = match literal(&value) {
        Some(number @ (Lit::Int(_) | Lit::Float(_))) if is_size(number) => {
            let text = with_unit(number).unwrap_or_default();
            let cure = format!("a size is written as a text: `\"{text}\"`");
            return Err(Error::new(number.span(), cure));
        }
        Some(Lit::Int(number)) => (number.span(), integer(number, "usize")?),
        Some(Lit::Str(text)) => {
            let bytes = units::bytes(&text.value());
            (text.span(), bytes.map_err(|error| Error::new(text.span(), error))?)
        }
        Some(other) => {
            let cure = "expected a number of bytes or a size like `\"64 MiB\"`";
            return Err(Error::new(other.span(), cure));
        }
        None => return outside(&value).and_then(|()| bound(value)),
    };
    known(span, bytes)
}

/// Whether a number has a suffix that is a unit of bytes.
fn is_size(number: &Lit) -> bool {
    with_unit(number).is_some_and(|text| units::bytes(&text).is_ok())
}

fn known(span: Span, bound: u64) -> Result<Bound> {
    if bound == 0 { Err(Error::new(span, ZERO)) } else { Ok(Bound::Literal(bound)) }
}

// Input:
//     2 * ROWS
//
// Output:
//     { let bound: usize = 2 * ROWS; assert!(bound != 0, "a bound of zero …"); bound }
fn bound(value: Expr) -> Result<Bound> {
    if negated(&value).is_some() {
        return Err(Error::new_spanned(bare(&value), "a bound cannot be negative"));
    }
    if !is_const(&value) {
        return Ok(Bound::Asked(value));
    }
    let here = Span::mixed_site().located_at(value.span());
    Ok(Bound::Const(quote_spanned! {here=> {
        let bound: ::core::primitive::usize = #value;
        ::core::assert!(bound != 0, #ZERO);
        bound
    }}))
}

/// Whether the compiler knows the value, as far as its tokens tell: names of constants are
/// uppercase, and those of statics, which it knows too.
fn is_const(value: &Expr) -> bool {
    match bare(value) {
        Expr::Lit(_) => true,
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            last.arguments.is_none() && !name.contains(char::is_lowercase)
        }),
        Expr::Binary(binary) => is_const(&binary.left) && is_const(&binary.right),
        Expr::Cast(cast) => is_const(&cast.expr),
        _ => false,
    }
}

/// The `version`: an expression of type `u64`.
pub(crate) fn version(value: &Expr) -> Result<TokenStream> {
    if negated(value).is_some() {
        return Err(Error::new_spanned(bare(value), "a version cannot be negative"));
    }
    match literal(value) {
        Some(Lit::Int(number)) => {
            let version: u64 = integer(number, "u64")?;
            Ok(quote!(#version))
        }
        Some(other) => Err(Error::new(other.span(), "expected a number, as in `version = 2`")),
        None => Ok(quote!(#value)),
    }
}

// Input:
//     NAME
//
// Output:
//     { let name: &'static str = NAME; assert!(!name.is_empty(), "a name cannot be empty"); name }
/// The `name`: a constant expression of type `&'static str`.
pub(crate) fn name_text(value: &Expr) -> Result<TokenStream> {
    const EMPTY: &str = "a name cannot be empty";
    match literal(value) {
        Some(Lit::Str(text)) if text.value().is_empty() => Err(Error::new(text.span(), EMPTY)),
        Some(Lit::Str(text)) => Ok(quote!(#text)),
        Some(other) => Err(Error::new(other.span(), "expected a text, as in `name = \"prices\"`")),
        None => {
            let here = Span::mixed_site().located_at(value.span());
            Ok(quote_spanned! {here=> {
                let name: &'static ::core::primitive::str = #value;
                ::core::assert!(!name.is_empty(), #EMPTY);
                name
            }})
        }
    }
}

// Input:
//     spinner        or        spinner = "Loading rows…"
//
// Output:
//     ""             or        "Loading rows…"
/// Reads what a terminal shows of a computation that lasts: by default the function's name, which the
/// runtime knows in full.
pub(crate) fn spinner(option: &Ident, input: ParseStream) -> Result<TokenStream> {
    let text = if is_bare(input) {
        quote!("")
    } else {
        let text: Expr = value(option, input)?;
        match literal(&text) {
            Some(Lit::Str(written)) if written.value().is_empty() => {
                let cure =
                    "an empty text says nothing: write `spinner` alone for the function's name";
                return Err(Error::new(written.span(), cure));
            }
            None | Some(Lit::Str(_)) => quote!(#text),
            Some(other) => {
                let cure = "expected a text, as in `spinner = \"Loading rows…\"`";
                return Err(Error::new(other.span(), cure));
            }
        }
    };
    if cfg!(feature = "spinner") {
        Ok(text)
    } else {
        Err(Error::new(option.span(), "`spinner` needs the feature `spinner` of `memo`"))
    }
}

/// A whole number, with the type that it is to have or without one.
fn integer<N>(number: &LitInt, ty: &str) -> Result<N>
where
    N: std::str::FromStr,
    N::Err: std::fmt::Display,
{
    if number.suffix().is_empty() || number.suffix() == ty {
        return number.base10_parse();
    }
    Err(Error::new(number.span(), format!("this is a `{ty}`: write the number without a type")))
}

/// The one mode of `refresh`.
pub(crate) fn background(mode: &Expr) -> Result<()> {
    one_mode(mode, "background", "`refresh` has one mode: `\"background\"`")
}

/// The one scope there is.
pub(crate) fn session(scope: &Expr) -> Result<()> {
    let cure = match literal(scope) {
        Some(Lit::Str(text)) => format!(
            "there is no scope `{}`: `scope = \"session\"`, or none for one cache for all",
            text.value()
        ),
        _ => "there is one scope: `\"session\"`".to_owned(),
    };
    one_mode(scope, "session", &cure)
}

/// The one mode of `flight`.
pub(crate) fn fleet(mode: &Expr) -> Result<()> {
    one_mode(mode, "fleet", "`flight` has one mode: `\"fleet\"`")
}

fn one_mode(mode: &Expr, known: &str, cure: &str) -> Result<()> {
    match literal(mode) {
        Some(Lit::Str(text)) if text.value() == known => Ok(()),
        _ => Err(Error::new_spanned(bare(mode), cure)),
    }
}

/// Where results live beyond the process.
pub(crate) enum Store {
    /// What the runtime opens by this name.
    Named(Ident),
    Given(Box<Expr>),
}

/// The stores that have a name, and whether the features they need are there.
const STORES: [(&str, bool); 2] =
    [("disk", cfg!(feature = "disk")), ("redis", cfg!(feature = "redis"))];

/// A store by its name, or any expression.
pub(crate) fn store(value: Expr) -> Result<Store> {
    let Some(Lit::Str(text)) = literal(&value) else {
        return Ok(Store::Given(Box::new(value)));
    };
    let name = text.value();
    let message = match STORES.iter().find(|(known, _)| *known == name) {
        Some((name, true)) => return Ok(Store::Named(Ident::new(name, text.span()))),
        Some((name, false)) => {
            format!("`store = \"{name}\"` needs the feature `{name}` of `memo`")
        }
        None => format!(
            "unknown store `{name}`: `\"disk\"`, `\"redis\"`, or an expression such as `DiskStore::open(\"results\")`"
        ),
    };
    Err(Error::new(text.span(), message))
}
