//! A parameter, and whether it is part of the key.

use proc_macro2::Span;
use quote::format_ident;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Ident, Pat, PatIdent, PatType, Signature, Type, TypeReference};

/// A parameter other than `self`.
pub(crate) struct Param {
    pub(crate) original: PatType,
    /// Its name in every signature but the original one.
    pub(crate) name: Ident,
    pub(crate) hashed: bool,
}

impl Param {
    pub(crate) fn all(sig: &Signature, skip: &[Ident]) -> Vec<Self> {
        let typed = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed.clone()),
            FnArg::Receiver(_) => None,
        });
        let param = |(index, original): (usize, PatType)| {
            let (name, skipped) = match &*original.pat {
                Pat::Ident(pat) => (pat.ident.clone(), skip.contains(&pat.ident)),
                _ => (format_ident!("arg{index}", span = Span::mixed_site()), false),
            };
            let hashed = !skipped && !is_ignored(&original.pat);
            Self { original, name, hashed }
        };
        typed.enumerate().map(param).collect()
    }

    /// Whether the pattern is a name, `mut` or not.
    pub(crate) fn is_named(&self) -> bool {
        matches!(&*self.original.pat, Pat::Ident(_))
    }

    /// Whether the pattern is the name alone.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(
            &*self.original.pat,
            Pat::Ident(PatIdent { by_ref: None, mutability: None, subpat: None, .. })
        )
    }
}

/// Whether a pattern says, with underscores, that its value is not part of the key.
fn is_ignored(pat: &Pat) -> bool {
    struct Bindings {
        all_ignored: bool,
    }
    impl VisitMut for Bindings {
        fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
            self.all_ignored &= pat.ident.to_string().starts_with('_');
            visit_mut::visit_pat_ident_mut(self, pat);
        }
        fn visit_macro_mut(&mut self, _: &mut syn::Macro) {
            self.all_ignored = false;
        }
    }
    let mut bindings = Bindings { all_ignored: true };
    bindings.visit_pat_mut(&mut pat.clone());
    bindings.all_ignored
}

/// Whether a value of this type lets the function change something of its caller's.
pub(crate) fn is_mutable(ty: &Type) -> bool {
    struct Finder {
        found: bool,
    }
    impl VisitMut for Finder {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.found |= reference.mutability.is_some();
            visit_mut::visit_type_reference_mut(self, reference);
        }
        // What these take, they are given later.
        fn visit_type_bare_fn_mut(&mut self, _: &mut syn::TypeBareFn) {}
        fn visit_parenthesized_generic_arguments_mut(
            &mut self,
            _: &mut syn::ParenthesizedGenericArguments,
        ) {
        }
    }
    let mut finder = Finder { found: false };
    finder.visit_type_mut(&mut ty.clone());
    finder.found
}
