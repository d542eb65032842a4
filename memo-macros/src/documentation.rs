//! What a user's documentation says of a cached function and of its companions.

use crate::function::{Function, Place};
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Meta};

// Input:
//     memo        and        ttl = "10m"
//
// Output:
//     `#[memo(ttl = "10m")]`
/// How the function is cached, as its attribute says it.
pub(crate) fn how(attribute: &str, options: &TokenStream) -> String {
    /// What fits in a line with the rest.
    const LONGEST: usize = 60;
    let options = options.to_string();
    match options.as_str() {
        "" => format!("`#[{attribute}]`"),
        long if long.len() > LONGEST || long.contains(['`', '\n']) => {
            format!("`#[{attribute}(…)]`")
        }
        short => format!("`#[{attribute}({short})]`"),
    }
}

impl Function {
    /// A paragraph after the function's own. One without documentation stays so: a lint may ask for it.
    pub(crate) fn documented_caller(&self) -> Option<TokenStream> {
        let is_documented = self.attributes.call.iter().any(says_something);
        let how = &self.how;
        let text = match &self.place {
            Place::Trait => format!("Cached by {how}."),
            Place::Type(companions) => {
                let name = companions.unraw();
                format!("Cached by {how}: see [its companions](enum@{name}).")
            }
            Place::Impl(prefix) => {
                let prefix = prefix.unraw();
                let companion = |name| format!("[`{prefix}_{name}`](Self::{prefix}_{name})");
                let [get, refresh, clear] = ["get", "refresh", "clear"].map(companion);
                format!("Cached by {how}: see its companions {get}, {refresh}, {clear} and others.")
            }
        };
        is_documented.then(|| quote!(#[doc = ""] #[doc = #text]))
    }

    /// What the companions' type says of itself.
    pub(crate) fn documented_companions(&self) -> String {
        let (name, how) = (self.sig.ident.unraw(), &self.how);
        format!(
            "The companions of [`{name}`](fn@{name}), which look into its cache, fill it and clear it.\n\n\
             The function is cached by {how}. This type has no values."
        )
    }
}

/// Whether an attribute is a line of documentation.
fn says_something(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc") && matches!(attribute.meta, Meta::NameValue(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_shown_where_they_fit_in_a_line() {
        let how = |options: &str| how("memo", &options.parse().unwrap());
        assert_eq!(how(""), "`#[memo]`");
        assert!(how("ttl = \"10m\"").starts_with("`#[memo(ttl = "));
        assert_eq!(how("name = \"`\""), "`#[memo(…)]`");
        assert_eq!(how(&format!("name = {:?}", "a".repeat(60))), "`#[memo(…)]`");
    }
}
