//! The attributes under `#[memo]`, sent to where they keep their meaning.

use proc_macro2::{Ident, Span};
use syn::punctuated::Punctuated;
use syn::{AttrStyle, Attribute, Meta, Path, Token};

/// A function's attributes, by the items that they belong to.
pub(crate) struct Attributes {
    /// On the function that is called.
    pub(crate) call: Vec<Attribute>,
    /// On what runs the body: the original function and `refresh`.
    pub(crate) body: Vec<Attribute>,
    /// On every item that repeats the signature.
    pub(crate) everywhere: Vec<Attribute>,
    /// The `#[track_caller]`, if there is one.
    pub(crate) track_caller: Option<Attribute>,
}

impl Attributes {
    pub(crate) fn new(attributes: Vec<Attribute>) -> Self {
        let call =
            attributes.into_iter().flat_map(one_by_one).map(allow_instead_of_expect).map(outside);
        let call: Vec<_> = call.collect();
        let those = |belongs: fn(&Attribute) -> bool| -> Vec<_> {
            call.iter().filter(|attribute| belongs(attribute)).cloned().collect()
        };
        Self {
            body: those(|attribute| {
                matches!(word(attribute).as_str(), "track_caller" | "target_feature")
            }),
            everywhere: those(|attribute| is_for_copies(attribute) || hides(attribute)),
            track_caller: those(|attribute| word(attribute) == "track_caller").pop(),
            call,
        }
    }
}

/// Those of a parameter's attributes that its copies need.
pub(crate) fn of_copies(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| is_for_copies(attribute)).cloned().collect()
}

/// The `#[cfg]`s, which also a parameter's uses need.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

/// Whether an attribute is about everything that repeats a signature.
fn is_for_copies(attribute: &Attribute) -> bool {
    matches!(word(attribute).as_str(), "cfg" | "allow" | "warn" | "deny" | "forbid")
}

/// `#[doc(hidden)]`, which hides the companions too.
fn hides(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
        && attribute.parse_args::<Path>().is_ok_and(|argument| argument.is_ident("hidden"))
}

/// The word that tells what an attribute does: `allow` for `#[cfg_attr(test, allow(unused))]`.
fn word(attribute: &Attribute) -> String {
    let conditional = conditional(attribute).and_then(|(_, mut attributes)| attributes.pop());
    let meta = conditional.as_ref().unwrap_or(&attribute.meta);
    meta.path().get_ident().map(ToString::to_string).unwrap_or_default()
}

/// The condition and the attributes of a `#[cfg_attr(…)]`.
fn conditional(attribute: &Attribute) -> Option<(Meta, Vec<Meta>)> {
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let parts = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut parts = parts.into_iter();
    Some((parts.next()?, parts.collect()))
}

// Input:
//     #[cfg_attr(test, inline, allow(unused))]
//
// Output:
//     #[cfg_attr(test, inline)]
//     #[cfg_attr(test, allow(unused))]
fn one_by_one(attribute: Attribute) -> Vec<Attribute> {
    let Some((condition, attributes)) = conditional(&attribute) else {
        return vec![attribute];
    };
    let single = |meta| syn::parse_quote!(#[cfg_attr(#condition, #meta)]);
    attributes.into_iter().map(single).collect()
}

/// An expectation is met by one of the items that repeat the signature, and
/// would be reported as unmet by the others.
fn allow_instead_of_expect(mut attribute: Attribute) -> Attribute {
    if word(&attribute) != "expect" {
        return attribute;
    }
    if let Some((condition, mut attributes)) = conditional(&attribute) {
        attributes.iter_mut().for_each(rename_to_allow);
        return syn::parse_quote!(#[cfg_attr(#condition, #(#attributes),*)]);
    }
    rename_to_allow(&mut attribute.meta);
    attribute
}

/// The attributes inside a body mean the same outside it.
fn outside(mut attribute: Attribute) -> Attribute {
    attribute.style = AttrStyle::Outer;
    attribute
}

fn rename_to_allow(meta: &mut Meta) {
    if let Meta::List(list) = meta {
        list.path = Ident::new("allow", Span::call_site()).into();
    }
}
