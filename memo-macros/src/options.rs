//! The option lists of both attributes, read into one struct each.

use crate::foreign;
use crate::renamed;
use crate::values::{
    Bound, Store, Ttl, background, bytes, condition, entries, flag, fleet, idle, jitter, name,
    name_text, names, path, session, spinner, stale, store, tags, ttl, value, version, wait,
};
use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, LitInt, Path, Result, Token};

/// What `#[memo(…)]` was given.
#[derive(Default)]
pub(crate) struct MemoOptions {
    pub(crate) shared: SharedOptions,
    pub(crate) version: Option<TokenStream>,
    pub(crate) cache_if: Option<Expr>,
    pub(crate) cache_err: bool,
    /// Results are kept as they are, and cloned.
    pub(crate) clone: bool,
    /// For how long after its `ttl` an old result answers where the body fails.
    pub(crate) stale_if_error: Option<(Ident, TokenStream)>,
    pub(crate) max_bytes: Option<Bound>,
    pub(crate) store: Option<Store>,
    /// One process computes a call for all.
    pub(crate) flight: Option<Ident>,
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
    /// All that was given, of the attribute's own options too.
    pub(crate) written: TokenStream,
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<TokenStream>,
    pub(crate) key: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) handle: Option<Ident>,
    pub(crate) in_impl: bool,
    pub(crate) in_trait: Option<Ident>,
    pub(crate) ttl: Option<Ttl>,
    pub(crate) jitter: Option<(Ident, TokenStream)>,
    pub(crate) idle: Option<(Ident, TokenStream)>,
    pub(crate) enabled: Option<Expr>,
    /// What results are tagged with; none, if nothing is said.
    pub(crate) tags: Vec<Expr>,
    pub(crate) wait: Option<TokenStream>,
    /// Results go with what they were computed from.
    pub(crate) depends: bool,
    /// What a terminal shows of a computation that lasts; an empty text is the function's name.
    pub(crate) spinner: Option<TokenStream>,
    pub(crate) max_entries: Option<Bound>,
    pub(crate) refresh: Option<Ident>,
    /// The computation survives its caller.
    pub(crate) detached: Option<Ident>,
    /// Who waits for a computation that fails is told of its error.
    pub(crate) share_err: Option<Ident>,
    /// There is a cache for each session.
    pub(crate) scope: Option<Ident>,
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
        "jitter",
        "idle",
        "max_entries",
        "max_bytes",
        "refresh",
        "detached",
        "depends",
        "wait",
        "spinner",
        "scope",
        "store",
        "flight",
        "cache_if",
        "cache_err",
        "share_err",
        "stale_if_error",
        "clone",
        "enabled",
        "tags",
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
        "jitter",
        "idle",
        "max_entries",
        "refresh",
        "detached",
        "depends",
        "wait",
        "spinner",
        "scope",
        "share_err",
        "enabled",
        "tags",
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

impl Parse for MemoOptions {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        let mut needs_bytes: Vec<Ident> = Vec::new();
        MEMO.read(input, |option, name| {
            match name {
                "version" => options.version = Some(version(&value(option, input)?)?),
                "cache_if" => options.cache_if = Some(value(option, input)?),
                "cache_err" => options.cache_err = flag(option, input)?,
                "clone" => options.clone = flag(option, input)?,
                "stale_if_error" => {
                    let stale = stale(&value(option, input)?)?;
                    options.stale_if_error = Some((option.clone(), stale));
                }
                "max_bytes" => {
                    options.max_bytes = Some(bytes(value(option, input)?)?);
                    needs_bytes.push(option.clone());
                }
                "store" => {
                    options.store = Some(store(value(option, input)?)?);
                    needs_bytes.push(option.clone());
                }
                "flight" => {
                    fleet(&value::<Expr>(option, input)?)?;
                    options.flight = Some(option.clone());
                }
                _ => options.shared.set(option, name, input)?,
            }
            Ok(())
        })?;
        options.shared.check()?;
        let is_old = |_: &&(Ident, TokenStream)| options.shared.ttl.is_none();
        if let Some((stale, _)) = options.stale_if_error.as_ref().filter(is_old) {
            let cure = "`stale_if_error` needs a `ttl`: without one nothing becomes old";
            return Err(Error::new(stale.span(), cure));
        }
        if let Some(share_err) = options.shared.share_err.as_ref().filter(|_| options.cache_err) {
            let cure = "`cache_err` shares errors as it stores them: leave out `share_err`";
            return Err(Error::new(share_err.span(), cure));
        }
        if let Some(option) = needs_bytes.first().filter(|_| options.clone) {
            return Err(Error::new(option.span(), without_bytes(option)));
        }
        if let Some((idle, _)) = options.shared.idle.as_ref().filter(|_| options.store.is_some()) {
            let cure = "with a `store` nobody knows when another process asked last: \
                        bound how old results get by `ttl`, or leave out the `store`";
            return Err(Error::new(idle.span(), cure));
        }
        options.check_scope()?;
        if let Some(flight) = options.flight.as_ref().filter(|_| options.store.is_none()) {
            let cure =
                "`flight` needs a `store`: without one there is no other process to wait for";
            return Err(Error::new(flight.span(), cure));
        }
        Ok(options)
    }
}

impl MemoOptions {
    /// A store has its results for all, and for longer than a session.
    fn check_scope(&self) -> Result<()> {
        let Some(scope) = &self.shared.scope else { return Ok(()) };
        let cure = if self.store.is_some() {
            "what is a session's ends with it, and a `store` keeps results for all, and for longer: \
             leave out one of them, or have `key` say whose they are"
        } else if self.flight.is_some() {
            "a session is of this process alone, and so there is no fleet to compute for: \
             leave out `flight`"
        } else {
            return Ok(());
        };
        Err(Error::new(scope.span(), cure))
    }
}

/// Why an option cannot be beside `clone`.
fn without_bytes(option: &Ident) -> &'static str {
    if option == "store" {
        "a `store` keeps bytes, and `clone` results as they are: leave out one of them"
    } else {
        "with `clone` nobody knows how many bytes a result takes: bound them by `max_entries`"
    }
}

impl Parse for SingletonOptions {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        SINGLETON.read(input, |option, name| {
            match name {
                "validate" => options.validate = Some(value(option, input)?),
                "on_release" => options.on_release = Some(value(option, input)?),
                _ => options.shared.set(option, name, input)?,
            }
            Ok(())
        })?;
        options.shared.check()?;
        Ok(options)
    }
}

impl MemoOptions {
    /// The calls that hand these options to the runtime, but those about the store.
    pub(crate) fn settings(&self) -> TokenStream {
        let shared = self.shared.settings();
        let version = self.version.iter();
        let max_bytes = self.max_bytes.iter().map(|bound| match bound {
            Bound::Literal(bytes) => quote!(.max_bytes(#bytes)),
            Bound::Const(bytes) => quote!(.max_bytes(#bytes as ::core::primitive::u64)),
            Bound::Asked(bytes) => quote!(.ask_max_bytes(|| #bytes)),
        });
        let stale = self.stale_if_error.iter().map(|(_, stale)| stale);
        quote!(#(.version(|| #version))* #shared #(.stale_if_error(|| #stale))* #(#max_bytes)*)
    }
}

impl SharedOptions {
    fn set(&mut self, option: &Ident, called: &str, input: ParseStream) -> Result<()> {
        match called {
            "crate" => self.krate = Some(path(option, input)?),
            "name" => self.name = Some(name_text(&value(option, input)?)?),
            "key" => self.key = Some(value(option, input)?),
            "skip" => self.skip = names(option, input)?,
            "handle" => self.handle = Some(name(option, input)?),
            "in_impl" => self.in_impl = flag(option, input)?,
            "in_trait" => self.in_trait = flag(option, input)?.then(|| option.clone()),
            "ttl" => self.ttl = Some(ttl(&value(option, input)?)?),
            "share_err" => self.share_err = flag(option, input)?.then(|| option.clone()),
            "detached" => self.detached = flag(option, input)?.then(|| option.clone()),
            "jitter" => self.jitter = Some((option.clone(), jitter(&value(option, input)?)?)),
            "idle" => self.idle = Some((option.clone(), idle(&value(option, input)?)?)),
            "tags" => self.tags = tags(option, input)?,
            "enabled" => self.enabled = Some(condition(value(option, input)?)?),
            "depends" => self.depends = flag(option, input)?,
            "spinner" => self.spinner = Some(spinner(option, input)?),
            "wait" => self.wait = Some(wait(&value(option, input)?)?),
            "max_entries" => self.max_entries = Some(entries(value(option, input)?)?),
            "scope" => {
                session(&value::<Expr>(option, input)?)?;
                self.scope = Some(option.clone());
            }
            "refresh" => {
                background(&value::<Expr>(option, input)?)?;
                self.refresh = Some(option.clone());
            }
            _ => unreachable!("`Attribute::read` lets known options pass only"),
        }
        Ok(())
    }

    /// The rules between options.
    fn check(&self) -> Result<()> {
        if let Some(in_trait) = self.in_trait.as_ref().filter(|_| self.in_impl) {
            let cure = "a function is `in_impl` or `in_trait`, not both";
            return Err(Error::new(in_trait.span(), cure));
        }
        if let Some(handle) = self.handle.as_ref().filter(|_| self.in_trait.is_some()) {
            let cure = "with `in_trait` there are no companions that `handle` could name";
            return Err(Error::new(handle.span(), cure));
        }
        if let Some(refresh) = self.refresh.as_ref().filter(|_| self.ttl.is_none()) {
            let cure = "`refresh` needs a `ttl`: without one nothing becomes old";
            return Err(Error::new(refresh.span(), cure));
        }
        if let Some((jitter, _)) = self.jitter.as_ref().filter(|_| self.ttl.is_none()) {
            let cure = "`jitter` needs a `ttl`, which it shortens";
            return Err(Error::new(jitter.span(), cure));
        }
        Ok(())
    }

    /// The path of the `memo` crate.
    pub(crate) fn krate(&self) -> TokenStream {
        if let Some(path) = &self.krate {
            return quote!(#path);
        }
        let renamed = renamed::name().and_then(|name| syn::parse_str::<Ident>(name).ok());
        let name = renamed.map_or_else(|| "memo".to_owned(), |name| name.to_string());
        let name = Ident::new(&name, Span::call_site());
        quote!(::#name)
    }

    /// The calls that hand these options to the runtime.
    pub(crate) fn settings(&self) -> TokenStream {
        let krate = self.krate();
        let ttl = self.ttl.iter().map(|ttl| ttl.setting(&quote!(#krate::__private)));
        let (jitter, idle) = (self.jitter.iter().map(|(_, jitter)| jitter), self.idle.iter());
        let (idle, wait) = (idle.map(|(_, idle)| idle), self.wait.iter());
        let spinner = self.spinner.iter();
        let max_entries = self.max_entries.iter().map(|bound| match bound {
            Bound::Literal(entries) => {
                let entries = Literal::u64_unsuffixed(*entries);
                quote!(.max_entries(#entries))
            }
            Bound::Const(entries) => quote!(.max_entries(#entries)),
            Bound::Asked(entries) => quote!(.ask_max_entries(|| #entries)),
        });
        let refresh = self.refresh.iter().map(|_| quote!(.refresh_in_background()));
        let depends = self.depends.then(|| quote!(.depends()));
        let tagged = (!self.tags.is_empty()).then(|| quote!(.tagged()));
        quote! {
            #(#ttl)* #(.jitter(|| #jitter))* #(.idle(|| #idle))* #(.wait(|| #wait))*
            #(.spinner(#spinner))* #(#max_entries)* #(#refresh)* #tagged #depends
        }
    }

    /// Whether a hit takes no more than to find it, by what these options say.
    pub(crate) fn is_plain(&self) -> bool {
        self.ttl.is_none() && self.idle.is_none() && self.enabled.is_none()
    }
}

impl Attribute {
    /// Reads a list of options, each at most once; `set` reads what follows each name.
    fn read(
        &self,
        input: ParseStream,
        mut set: impl FnMut(&Ident, &str) -> Result<()>,
    ) -> Result<Vec<Ident>> {
        let mut given: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any).map_err(|error| self.expected(&error))?;
            let name = option.to_string();
            if !self.options.contains(&name.as_str()) {
                let is_alone = input.is_empty() || input.peek(Token![,]);
                if is_alone && given.last().is_some_and(|last| last == "key") {
                    let cure = format!("`key` is one expression: write `key = (…, {name})`");
                    return Err(Error::new(option.span(), cure));
                }
                return Err(self.unknown(&option, number_after(input).as_deref()));
            }
            if given.contains(&option) {
                let cure = format!("`{name}` is given twice: keep one");
                return Err(Error::new(option.span(), cure));
            }
            set(&option, &name)?;
            given.push(option);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(given)
    }

    fn expected(&self, error: &Error) -> Error {
        let (this, option) = (self.name, self.options[0]);
        let cure = format!("expected an option, as in `#[{this}({option} = \"10m\")]`");
        Error::new(error.span(), cure)
    }

    fn unknown(&self, option: &Ident, number: Option<&str>) -> Error {
        let name = option.to_string();
        let this = self.name;
        let elsewhere =
            [MEMO, SINGLETON].into_iter().find(|other| other.options.contains(&name.as_str()));
        let message = if let Some(other) = elsewhere {
            format!("`{name}` is an option of `#[{}]`, not of `#[{this}]`", other.name)
        } else if let Some(advice) = foreign::advice(&name, number, self.options) {
            format!("`#[{this}]` has no option `{name}`: {advice}")
        } else if let Some(near) = nearest(&name, self.options) {
            format!("`#[{this}]` has no option `{name}`: did you mean `{near}`?")
        } else {
            format!("`#[{this}]` has no option `{name}`: it has `{}`", self.options.join("`, `"))
        };
        Error::new(option.span(), message)
    }
}

/// The whole number that an option is given, if it is one.
fn number_after(input: ParseStream) -> Option<String> {
    let ahead = input.fork();
    let _: Token![=] = ahead.parse().ok()?;
    let number: LitInt = ahead.parse().ok()?;
    number.suffix().is_empty().then(|| number.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn memo(options: &str) -> std::result::Result<MemoOptions, String> {
        syn::parse_str(options).map_err(|error| error.to_string())
    }

    #[test]
    fn options_come_in_any_order_and_with_a_trailing_comma() {
        let options = memo("skip(a, self), version = 1_000, crate = a::b, cache_err,").unwrap();
        assert_eq!(options.shared.skip, ["a", "self"]);
        assert_eq!(options.version.unwrap().to_string(), "1000u64");
        assert_eq!(options.shared.krate().to_string(), "a :: b");
        assert!(options.cache_err);
    }

    #[test]
    fn a_store_is_named_or_an_expression() {
        assert!(matches!(memo("store = make()").unwrap().store, Some(Store::Given(_))));
        assert_eq!(
            memo("store = \"tape\"").err().unwrap(),
            "unknown store `tape`: `\"disk\"`, `\"redis\"`, or an expression such as `DiskStore::open(\"results\")`"
        );
    }

    #[test]
    fn a_typing_error_finds_the_nearest_name() {
        assert_eq!(nearest("tll", MEMO.options), Some("ttl"));
        assert_eq!(nearest("max_entry", MEMO.options), Some("max_entries"));
        assert_eq!(nearest("onrelease", SINGLETON.options), Some("on_release"));
        assert_eq!(nearest("lifetime", MEMO.options), None);
    }
}
