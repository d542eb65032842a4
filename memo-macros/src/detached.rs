//! `detached`: the computation is a task of its own, with arguments of its own.

use crate::call::Body;
use crate::function::{Function, Place};
use crate::generics;
use crate::key::ends;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, GenericArgument, PathArguments, Result, Type};

impl Function {
    /// A task goes on when the call is gone, and with it whatever it borrowed.
    pub(crate) fn check_detached(&self, detached: Option<&Ident>) -> Result<()> {
        let Some(detached) = detached else { return Ok(()) };
        let cure = if !self.is_async() {
            "a call that blocks cannot be given up by its caller, and needs no `detached`: it is for async functions"
        } else if let Place::Trait = self.place {
            "with `in_trait` there is no function of its own that a task could call: leave out `detached`, \
             or call an associated function that has it"
        } else if self.sig.unsafety.is_some() {
            "an `unsafe fn` is called under conditions that may not hold any more once its caller has given up"
        } else {
            return self.check_owned("detached");
        };
        Err(Error::new(detached.span(), cure))
    }

    /// What a task takes with it is its own: a reference is cloned or `ToOwned`, what borrows inside
    /// is neither.
    pub(crate) fn check_owned(&self, option: &str) -> Result<()> {
        let this = self.receiver.iter().map(|receiver| &*receiver.ty);
        for ty in this.chain(self.params.iter().map(|param| &*param.original.ty)) {
            let referent = match generics::bare(ty) {
                Type::Reference(reference) if reference.mutability.is_some() => {
                    let cure = format!(
                        "`{option}` computes in a task that may outlive its caller, also what it does with an \
                         argument outside the key: take what is changed in an `Arc<Mutex<…>>`, or leave out \
                         `{option}`"
                    );
                    return Err(Error::new_spanned(reference, cure));
                }
                Type::Reference(reference) => &*reference.elem,
                ty => ty,
            };
            if let Some(borrow) = generics::not_static(referent, true) {
                let owned = owned(ty).to_token_stream();
                let cure = format!(
                    "`{option}` computes in a task with arguments of its own, also those outside the key, \
                     and cannot own what borrows inside: take `{}`",
                    written(&owned)
                );
                return Err(Error::new_spanned(borrow, cure));
            }
        }
        Ok(())
    }

    // Input:
    //     enter(…)        and        page::uncached(url, size)
    //
    // Output:
    //     let __call = enter(…);
    //     let __miss = match __call.missed() { Ok(__value) => return __value, Err(__miss) => __miss };
    //     __miss.run_detached(move || {
    //         let url = ToOwned::to_owned(url);
    //         let size = Clone::clone(&size);
    //         async move { page::uncached(&url, size).await }
    //     }).await
    pub(crate) fn run_detached(&self, call: &TokenStream, body: &Body) -> TokenStream {
        let here = Span::mixed_site();
        let (owned, passed): (Vec<_>, Vec<_>) = self.own_arguments().into_iter().unzip();
        let (home, uncached) = (self.home(), self.companion_name("uncached"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let original = quote!(#home::#uncached #turbofish(#(#passed),*).await);
        let original = match &body.result_of {
            Some(result_of) => quote!((#result_of)(#original)),
            None => original,
        };
        // What is not `Send` is reported where it is written.
        let task =
            quote_spanned!(here.located_at(self.sig.ident.span())=> async move { #original });
        let run = Ident::new("run_detached", ends(&self.returns).0);
        quote_spanned! {here=>
            let __call = #call;
            let __miss = match __call.missed() {
                ::core::result::Result::Ok(__value) => return __value,
                ::core::result::Result::Err(__miss) => __miss,
            };
            __miss.#run(move || {
                #(#owned)*
                #task
            })
            .await
        }
    }
}

// Input:
//     Option<&str>
//
// Output:
//     Option<String>
/// The type to write instead of one that borrows, as far as its name tells.
fn owned(ty: &Type) -> Type {
    struct Owner;
    impl VisitMut for Owner {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            visit_mut::visit_type_mut(self, ty);
            let owned = match &*ty {
                Type::Reference(reference) => owned_of(&reference.elem),
                Type::Path(_) => match generics::argument_of(ty, "Cow") {
                    Some(Some(of)) => owned_of(of),
                    _ => without_lifetimes(ty),
                },
                _ => return,
            };
            *ty = owned;
        }
    }
    let mut ty = ty.clone();
    Owner.visit_type_mut(&mut ty);
    ty
}

/// What owns a value of this type.
fn owned_of(ty: &Type) -> Type {
    if let Type::Slice(slice) = generics::bare(ty) {
        let elem = &slice.elem;
        return syn::parse_quote!(Vec<#elem>);
    }
    let Type::Path(path) = generics::bare(ty) else { return ty.clone() };
    let name = path.path.segments.last().map(|last| last.ident.to_string());
    match name.as_deref() {
        Some("str") => syn::parse_quote!(String),
        Some("Path") => syn::parse_quote!(PathBuf),
        Some("OsStr") => syn::parse_quote!(OsString),
        Some("CStr") => syn::parse_quote!(CString),
        _ => ty.clone(),
    }
}

/// The same type, which has no lifetime in the owned shape that its user gives it.
fn without_lifetimes(ty: &Type) -> Type {
    let mut ty = ty.clone();
    if let Type::Path(path) = &mut ty {
        for segment in &mut path.path.segments {
            let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
            let all = std::mem::take(&mut arguments.args);
            let is_type = |it: &GenericArgument| !matches!(it, GenericArgument::Lifetime(_));
            arguments.args = all.into_iter().filter(is_type).collect();
            if arguments.args.is_empty() {
                segment.arguments = PathArguments::None;
            }
        }
    }
    ty
}

/// A type as people write it.
fn written(ty: &TokenStream) -> String {
    let mut text = ty.to_string();
    for (spaced, close) in [
        (" < ", "<"),
        (" <", "<"),
        (" >", ">"),
        (" ,", ","),
        ("< ", "<"),
        (" :: ", "::"),
        (":: ", "::"),
        ("& ", "&"),
    ] {
        text = text.replace(spaced, close);
    }
    text
}
