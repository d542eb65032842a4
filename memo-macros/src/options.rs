//! The option lists of both attributes, read into one struct each.

use crate::units;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Path, Result, Token};

/// What `#[memo(…)]` was given.
#[derive(Default)]
pub(crate) struct MemoOptions {
    pub(crate) shared: SharedOptions,
    pub(crate) version: Option<u64>,
    pub(crate) cache_if: Option<Expr>,
    pub(crate) cache_err: bool,
    pub(crate) max_bytes: Option<u64>,
}

/// What `#[singleton(…)]` was given.
#[derive(Default)]
pub(crate) struct SingletonOptions {
    pub(crate) shared: SharedOptions,
    pub(crate) validate: Option<Expr>,
    pub(crate) on_release: Option<Expr>,
}

/// What both attributes understand.
#[derive(Default)]
pub(crate) struct SharedOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) key: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) handle: Option<Ident>,
    pub(crate) in_impl: Option<Ident>,
    pub(crate) in_trait: Option<Ident>,
    pub(crate) ttl: Option<TokenStream>,
    pub(crate) max_entries: Option<usize>,
    pub(crate) refresh: Option<Ident>,
}

/// One attribute, as messages speak of it.
struct Attribute {
    name: &'static str,
    options: &'static [&'static str],
}

const MEMO: Attribute = Attribute {
    name: "memo",
    options: &[
        "ttl",
        "max_entries",
        "max_bytes",
        "refresh",
        "store",
        "cache_if",
        "cache_err",
        "key",
        "skip",
        "version",
        "name",
        "in_impl",
        "in_trait",
        "handle",
        "crate",
    ],
};

const SINGLETON: Attribute = Attribute {
    name: "singleton",
    options: &[
        "ttl",
        "max_entries",
        "refresh",
        "validate",
        "on_release",
        "key",
        "skip",
        "name",
        "in_impl",
        "in_trait",
        "handle",
        "crate",
    ],
};

/// Options that are read and checked, but that the runtime does not offer yet.
const NOT_YET: &[&str] = &["ttl", "max_entries", "max_bytes", "refresh", "store"];

impl Parse for MemoOptions {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        MEMO.read(input, |option, name, input| {
            match name {
                "version" => options.version = Some(integer(&value(input)?)?),
                "cache_if" => options.cache_if = Some(value(input)?),
                "cache_err" => options.cache_err = flag(option, input)?,
                "max_bytes" => options.max_bytes = Some(size(&value(input)?)?),
                "store" => store(&value(input)?)?,
                _ => options.shared.set(option, name, input)?,
            }
            Ok(())
        })?;
        options.shared.check()?;
        Ok(options)
    }
}

impl Parse for SingletonOptions {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        SINGLETON.read(input, |option, name, input| {
            match name {
                "validate" => options.validate = Some(value(input)?),
                "on_release" => options.on_release = Some(value(input)?),
                _ => options.shared.set(option, name, input)?,
            }
            Ok(())
        })?;
        options.shared.check()?;
        Ok(options)
    }
}

impl SharedOptions {
    fn set(&mut self, option: &Ident, name: &str, input: ParseStream) -> Result<()> {
        match name {
            "crate" => self.krate = Some(path(input)?),
            "name" => self.name = Some(name_of_function(input)?),
            "key" => self.key = Some(value(input)?),
            "skip" => self.skip = names(input)?,
            "handle" => self.handle = Some(value(input)?),
            "in_impl" => self.in_impl = flag(option, input)?.then(|| option.clone()),
            "in_trait" => self.in_trait = flag(option, input)?.then(|| option.clone()),
            "ttl" => self.ttl = Some(ttl(value(input)?)?),
            "max_entries" => self.max_entries = Some(bound(&value(input)?)?),
            "refresh" => self.refresh = Some(background(option, &value(input)?)?),
            _ => unreachable!("`Attribute::read` lets known options pass only"),
        }
        Ok(())
    }

    /// The rules between options.
    fn check(&self) -> Result<()> {
        if let (Some(_), Some(second)) = (&self.in_impl, &self.in_trait) {
            return Err(Error::new(
                second.span(),
                "a function is `in_impl` or `in_trait`, not both",
            ));
        }
        if let (Some(_), Some(handle)) = (&self.in_trait, &self.handle) {
            return Err(Error::new(
                handle.span(),
                "with `in_trait` there are no companions that `handle` could name",
            ));
        }
        match (&self.refresh, &self.ttl) {
            (Some(refresh), None) => Err(Error::new(
                refresh.span(),
                "`refresh` needs a `ttl`: without one nothing becomes old",
            )),
            _ => Ok(()),
        }
    }

    /// The path of the `memo` crate.
    pub(crate) fn krate(&self) -> TokenStream {
        match &self.krate {
            Some(path) => quote!(#path),
            None => quote!(::memo),
        }
    }

    /// The calls that hand these options to the runtime.
    pub(crate) fn settings(&self) -> TokenStream {
        let ttl = self.ttl.iter();
        let max_entries = self.max_entries.iter();
        let refresh = self.refresh.iter().map(|_| quote!(.refresh_in_background()));
        quote!(#(.ttl(#ttl))* #(.max_entries(#max_entries))* #(#refresh)*)
    }
}

impl Attribute {
    /// Reads a list of options, each at most once, handing each to `set`.
    fn read(
        &self,
        input: ParseStream,
        mut set: impl FnMut(&Ident, &str, ParseStream) -> Result<()>,
    ) -> Result<()> {
        let mut given: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            let name = option.to_string();
            if !self.options.contains(&name.as_str()) {
                return Err(self.unknown(&option));
            }
            if given.contains(&option) {
                return Err(Error::new(
                    option.span(),
                    format!("`{name}` is given twice: keep one"),
                ));
            }
            set(&option, &name, input)?;
            given.push(option);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        match given.iter().find(|option| NOT_YET.contains(&option.to_string().as_str())) {
            Some(option) => Err(Error::new(
                option.span(),
                format!("`{option}` is not available in this version of memo"),
            )),
            None => Ok(()),
        }
    }

    fn unknown(&self, option: &Ident) -> Error {
        let name = option.to_string();
        let this = self.name;
        let elsewhere =
            [MEMO, SINGLETON].into_iter().find(|other| other.options.contains(&name.as_str()));
        let message = if let Some(other) = elsewhere {
            format!("`{name}` is an option of `#[{}]`, not of `#[{this}]`", other.name)
        } else if let Some(near) = nearest(&name, self.options) {
            format!("`#[{this}]` has no option `{name}`: did you mean `{near}`?")
        } else {
            format!("`#[{this}]` has no option `{name}`: it has {}", self.options.join(", "))
        };
        Error::new(option.span(), message)
    }
}

/// Reads `= VALUE`.
fn value<T: Parse>(input: ParseStream) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Reads the nothing that follows a bare option.
fn flag(option: &Ident, input: ParseStream) -> Result<bool> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(true);
    }
    Err(input.error(format!("`{option}` takes no value: write it alone")))
}

fn path(input: ParseStream) -> Result<Path> {
    input.parse::<Token![=]>()?;
    input.call(Path::parse_mod_style)
}

/// Reads `(a, self)`.
fn names(input: ParseStream) -> Result<Vec<Ident>> {
    let content;
    syn::parenthesized!(content in input);
    let names = Punctuated::<_, Token![,]>::parse_terminated_with(&content, Ident::parse_any)?;
    Ok(names.into_iter().collect())
}

fn name_of_function(input: ParseStream) -> Result<LitStr> {
    let name: LitStr = value(input)?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "a function's name cannot be empty"));
    }
    Ok(name)
}

fn ttl(value: Expr) -> Result<TokenStream> {
    let Some(text) = string(&value) else {
        return match literal(&value) {
            Some(other) => Err(Error::new_spanned(
                other,
                "expected a duration like `\"10m\"`, or a `Duration`",
            )),
            None => Ok(quote!(#value)),
        };
    };
    let ttl = units::duration(&text.value()).map_err(|message| Error::new(text.span(), message))?;
    if ttl.is_zero() {
        return Err(Error::new(
            text.span(),
            "a `ttl` of zero would cache nothing: leave out the attribute instead",
        ));
    }
    let (seconds, nanos) = (ttl.as_secs(), ttl.subsec_nanos());
    Ok(quote!(::core::time::Duration::new(#seconds, #nanos)))
}

fn bound(number: &LitInt) -> Result<usize> {
    match integer(number)? {
        0 => Err(Error::new(
            number.span(),
            "a bound of zero would cache nothing: leave out the attribute instead",
        )),
        bound => Ok(bound),
    }
}

fn size(value: &Lit) -> Result<u64> {
    let bytes = match value {
        Lit::Int(number) => integer(number)?,
        Lit::Str(text) => {
            units::bytes(&text.value()).map_err(|message| Error::new(text.span(), message))?
        }
        other => {
            return Err(Error::new(
                other.span(),
                "expected a number of bytes or a size like `\"64 MiB\"`",
            ));
        }
    };
    match bytes {
        0 => Err(Error::new(
            value.span(),
            "a bound of zero would cache nothing: leave out the attribute instead",
        )),
        bytes => Ok(bytes),
    }
}

fn background(option: &Ident, value: &LitStr) -> Result<Ident> {
    match value.value().as_str() {
        "background" => Ok(option.clone()),
        _ => Err(Error::new(value.span(), "`refresh` has one mode: `\"background\"`")),
    }
}

fn store(value: &Expr) -> Result<()> {
    let Some(text) = string(value) else {
        return Ok(());
    };
    let message = match text.value().as_str() {
        name @ ("disk" | "redis") => {
            format!("`store = \"{name}\"` needs the feature `{name}` of `memo`")
        }
        name => format!("unknown store `{name}`: `\"disk\"`, `\"redis\"`, or an expression"),
    };
    Err(Error::new(text.span(), message))
}

fn integer<N>(number: &LitInt) -> Result<N>
where
    N: std::str::FromStr,
    N::Err: std::fmt::Display,
{
    if !number.suffix().is_empty() {
        return Err(Error::new(number.span(), "write the number without a type"));
    }
    number.base10_parse()
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn string(value: &Expr) -> Option<&LitStr> {
    match literal(value)? {
        Lit::Str(text) => Some(text),
        _ => None,
    }
}

/// The known name that a typing error most likely meant.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let (distance, near) = known.iter().map(|known| (distance(name, known), *known)).min()?;
    (distance <= name.len().max(6) / 3).then_some(near)
}

/// The number of letters to insert, remove or change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
