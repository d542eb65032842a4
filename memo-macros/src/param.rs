//! A parameter, and whether it is part of the key.

use crate::attributes;
use crate::generics;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, FnArg, Ident, Macro, ParenthesizedGenericArguments, Pat, PatIdent, PatType,
    Signature, Type, TypeBareFn, TypeParam, TypeReference,
};

/// A parameter other than `self`.
pub(crate) struct Param {
    pub(crate) original: PatType,
    /// Its name in every signature but the original one.
    pub(crate) name: Ident,
    /// Part of the key, if no other is given.
    pub(crate) hashed: bool,
    /// The given `key` or a tag mentions it.
    pub(crate) mentioned: bool,
    /// If its type says `impl Trait`: the type with names for these, and the names.
    pub(crate) named_impls: Option<(Type, Vec<TypeParam>)>,
}

impl Param {
    pub(crate) fn all(sig: &Signature, skip: &[Ident]) -> Vec<Self> {
        let typed = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed.clone()),
            FnArg::Receiver(_) => None,
        });
        let mut count = 0;
        let param = |(index, original): (usize, PatType)| {
            let (name, skipped) = match &*original.pat {
                Pat::Ident(pat) => (pat.ident.clone(), skip.contains(&pat.ident)),
                _ => (format_ident!("arg{index}", span = Span::mixed_site()), false),
            };
            let hashed = !skipped && !is_ignored(&original.pat);
            let mut ty = (*original.ty).clone();
            let names = generics::name_impl_traits(&mut ty, count);
            count += names.len();
            let named_impls = (!names.is_empty()).then_some((ty, names));
            Self { original, name, hashed, mentioned: false, named_impls }
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

    /// The names that its pattern binds, as far as a pattern without macros tells.
    pub(crate) fn bindings(&self) -> Vec<Ident> {
        struct Names(Vec<Ident>);
        impl VisitMut for Names {
            fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
                self.0.push(pat.ident.clone());
                visit_mut::visit_pat_ident_mut(self, pat);
            }
        }
        let mut names = Names(Vec::new());
        names.visit_pat_mut(&mut (*self.original.pat).clone());
        names.0
    }

    /// The conditions under which there is this parameter.
    pub(crate) fn cfgs(&self) -> Vec<&Attribute> {
        attributes::cfgs(&self.original.attrs)
    }

    /// `name: Type`, with the attributes that a copy needs.
    pub(crate) fn declared(&self) -> TokenStream {
        let attributes = attributes::of_copies(&self.original.attrs);
        let (name, ty) = (&self.name, &self.original.ty);
        quote!(#(#attributes)* #name: #ty)
    }

    /// `&Type`, also where the type says `impl A + B`.
    pub(crate) fn reference_type(&self) -> TokenStream {
        match &*self.original.ty {
            Type::ImplTrait(unnamed) if unnamed.bounds.len() > 1 => quote!(&(#unnamed)),
            ty => quote!(&#ty),
        }
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
        fn visit_macro_mut(&mut self, _: &mut Macro) {
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
        fn visit_type_bare_fn_mut(&mut self, _: &mut TypeBareFn) {}
        fn visit_parenthesized_generic_arguments_mut(
            &mut self,
            _: &mut ParenthesizedGenericArguments,
        ) {
        }
    }
    let mut finder = Finder { found: false };
    finder.visit_type_mut(&mut ty.clone());
    finder.found
}
