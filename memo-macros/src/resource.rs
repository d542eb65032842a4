//! What a singleton function shares, read off its declared return type.

use crate::function::Function;
use crate::generics::{argument_of, bare, is_static, with_argument};
use quote::quote;
use syn::{Error, Result, ReturnType, Type};

/// The shared type, and how the function hands it over.
pub(crate) struct Resource {
    /// `X` of the `Arc<X>` that callers get.
    pub(crate) shared: Type,
    /// What callers get: `Arc<X>` or `Result<Arc<X>, E>`.
    pub(crate) returns: Type,
    pub(crate) fallible: bool,
    /// Whether the function makes the `Arc` itself.
    pub(crate) is_arc: bool,
}

impl Resource {
    pub(crate) fn new(function: &Function) -> Result<Self> {
        let (private, declared) = (&function.private, &function.returns);
        if let ReturnType::Default = function.sig.output {
            return Err(Error::new(
                function.sig.ident.span(),
                "a singleton is what its function returns: declare a return type",
            ));
        }
        let fallible = argument_of(declared, "Result");
        let value = match fallible {
            Some(None) => {
                return Err(Error::new_spanned(
                    declared,
                    "which type is shared? write it as `Result<T>` or `Result<T, E>`",
                ));
            }
            Some(Some(value)) => value,
            None => declared,
        };
        check_value(value)?;
        let (shared, is_arc) = match argument_of(value, "Arc") {
            Some(None) => {
                return Err(Error::new_spanned(
                    value,
                    "which type is shared? write it as `Arc<T>`",
                ));
            }
            Some(Some(shared)) => (shared.clone(), true),
            None => (value.clone(), false),
        };
        let returns = if is_arc {
            declared.clone()
        } else {
            let arc = Type::Verbatim(quote!(#private::Arc<#value>));
            if fallible.is_some() { with_argument(declared, &arc) } else { arc }
        };
        Ok(Self { shared, returns, fallible: fallible.is_some(), is_arc })
    }
}

fn check_value(value: &Type) -> Result<()> {
    match bare(value) {
        Type::Tuple(unit) if unit.elems.is_empty() => Err(Error::new_spanned(
            value,
            "a singleton is what its function returns, and `()` is nothing to share",
        )),
        Type::Reference(reference) if !is_static(reference) => Err(Error::new_spanned(
            value,
            "a singleton outlives every borrow: return the value itself",
        )),
        _ => Ok(()),
    }
}
