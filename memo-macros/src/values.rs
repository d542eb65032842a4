//! The values that options take.

use crate::units;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Path, Result, Token};

/// Reads `= VALUE`.
pub(crate) fn value<T: Parse>(option: &Ident, input: ParseStream) -> Result<T> {
    value_by(option, input, T::parse)
}

/// Reads `= some::path`.
pub(crate) fn path(option: &Ident, input: ParseStream) -> Result<Path> {
    value_by(option, input, Path::parse_mod_style)
}

fn value_by<T>(
    option: &Ident,
    input: ParseStream,
    parse: fn(ParseStream) -> Result<T>,
) -> Result<T> {
    if is_bare(input) {
        let cure = format!("`{option}` needs a value: `{option} = …`");
        return Err(Error::new(option.span(), cure));
    }
    input.parse::<Token![=]>()?;
    parse(input)
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
    if !input.peek(syn::token::Paren) {
        let cure = format!("`{option}` needs names: `{option}(a, b)`");
        return Err(Error::new(option.span(), cure));
    }
    let content;
    syn::parenthesized!(content in input);
    let names = Punctuated::<_, Token![,]>::parse_terminated_with(&content, Ident::parse_any)?;
    Ok(names.into_iter().collect())
}

pub(crate) fn non_empty(text: LitStr) -> Result<LitStr> {
    if text.value().is_empty() {
        return Err(Error::new(text.span(), "this cannot be empty"));
    }
    Ok(text)
}

/// The `ttl`: an expression of type `Duration`.
pub(crate) fn ttl(value: &Expr) -> Result<TokenStream> {
    duration(value, "a `ttl` of zero would cache nothing: leave out the attribute instead")
}

/// The bound of a wait: an expression of type `Duration`.
pub(crate) fn wait(value: &Expr) -> Result<TokenStream> {
    duration(value, "with a `wait` of zero no call would wait for another: each would compute")
}

fn duration(value: &Expr, if_zero: &str) -> Result<TokenStream> {
    let text = match literal(value) {
        Some(Lit::Str(text)) => text,
        Some(other) => {
            let cure = "expected a duration like `\"10m\"`, or a `Duration`";
            return Err(Error::new(other.span(), cure));
        }
        None => return Ok(quote!(#value)),
    };
    let duration =
        units::duration(&text.value()).map_err(|error| Error::new(text.span(), error))?;
    if duration.is_zero() {
        return Err(Error::new(text.span(), if_zero));
    }
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    Ok(quote!(::core::time::Duration::new(#seconds, #nanos)))
}

/// The bound of `max_entries`.
pub(crate) fn entries(number: &LitInt) -> Result<usize> {
    let entries = integer(number)?;
    not_zero(number.span(), entries, 0)
}

/// The bound of `max_bytes`.
pub(crate) fn bytes(size: &Lit) -> Result<u64> {
    let bytes = match size {
        Lit::Int(number) => integer(number)?,
        Lit::Str(text) => {
            units::bytes(&text.value()).map_err(|error| Error::new(text.span(), error))?
        }
        other => {
            let cure = "expected a number of bytes or a size like `\"64 MiB\"`";
            return Err(Error::new(other.span(), cure));
        }
    };
    not_zero(size.span(), bytes, 0)
}

fn not_zero<N: PartialEq>(span: proc_macro2::Span, bound: N, zero: N) -> Result<N> {
    if bound == zero {
        let cure = "a bound of zero would cache nothing: leave out the attribute instead";
        return Err(Error::new(span, cure));
    }
    Ok(bound)
}

pub(crate) fn integer<N>(number: &LitInt) -> Result<N>
where
    N: std::str::FromStr,
    N::Err: std::fmt::Display,
{
    if !number.suffix().is_empty() {
        return Err(Error::new(number.span(), "write the number without a type"));
    }
    number.base10_parse()
}

/// The one mode of `refresh`.
pub(crate) fn background(mode: &LitStr) -> Result<()> {
    if mode.value() != "background" {
        return Err(Error::new(mode.span(), "`refresh` has one mode: `\"background\"`"));
    }
    Ok(())
}

/// The one mode of `flight`.
pub(crate) fn fleet(mode: &LitStr) -> Result<()> {
    if mode.value() != "fleet" {
        return Err(Error::new(mode.span(), "`flight` has one mode: `\"fleet\"`"));
    }
    Ok(())
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
        None => format!("unknown store `{name}`: `\"disk\"`, `\"redis\"`, or an expression"),
    };
    Err(Error::new(text.span(), message))
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}
