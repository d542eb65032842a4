//! Types and generics: reading them, and naming what a signature leaves unnamed.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, GenericParam, Generics, Ident, Lifetime, LifetimeParam,
    ParenthesizedGenericArguments, PathArguments, ReturnType, TraitBound, Type, TypeBareFn,
    TypeParam, TypeReference,
};

/// Where `Self` stands first.
pub(crate) fn find_self(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => Some(ident.span()),
        TokenTree::Group(group) => find_self(group.stream()),
        _ => None,
    })
}

/// The type and const parameters as arguments, `::<T, N>`, or nothing.
pub(crate) fn turbofish(generics: &Generics) -> TokenStream {
    let argument = |param: &GenericParam| match param {
        GenericParam::Type(param) => Some(param.ident.to_token_stream()),
        GenericParam::Const(param) => Some(param.ident.to_token_stream()),
        GenericParam::Lifetime(_) => None,
    };
    let arguments: Vec<_> = generics.params.iter().filter_map(argument).collect();
    if arguments.is_empty() {
        return TokenStream::new();
    }
    quote!(::<#(#arguments),*>)
}

/// The same generics and `lifetime`.
pub(crate) fn with_lifetime(generics: &Generics, lifetime: Option<&Lifetime>) -> Generics {
    let mut generics = generics.clone();
    generics.params.extend(lifetime.cloned().map(LifetimeParam::new).map(GenericParam::Lifetime));
    generics
}

// Input:
//     Option<impl Fn(u32) -> u32>
//
// Output:
//     Option<__Impl0>        and        __Impl0: Fn(u32) -> u32
pub(crate) fn name_impl_traits(ty: &mut Type, number: usize) -> Vec<TypeParam> {
    struct Namer {
        number: usize,
        named: Vec<TypeParam>,
    }
    impl VisitMut for Namer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            visit_mut::visit_type_mut(self, ty);
            if let Type::ImplTrait(unnamed) = ty {
                let name = Ident::new(&format!("__Impl{}", self.number), Span::call_site());
                let bounds = &unnamed.bounds;
                self.named.push(syn::parse_quote!(#name: #bounds));
                self.number += 1;
                *ty = syn::parse_quote!(#name);
            }
        }
    }
    let mut namer = Namer { number, named: Vec::new() };
    namer.visit_type_mut(ty);
    namer.named
}

/// Whether `ty` says `impl Trait` anywhere.
pub(crate) fn has_impl_trait(ty: &Type) -> bool {
    !name_impl_traits(&mut ty.clone(), 0).is_empty()
}

// Input:
//     Result<u64, Error<'_>>
//
// Output:
//     Result<u64, Error<'__memo>>        and        '__memo
pub(crate) fn name_elided_lifetimes(ty: &mut Type) -> Option<Lifetime> {
    struct Namer {
        name: Lifetime,
        used: bool,
    }
    impl VisitMut for Namer {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident == "_" {
                *lifetime = self.name.clone();
                self.used = true;
            }
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.lifetime.is_none() {
                reference.lifetime = Some(self.name.clone());
                self.used = true;
            }
            visit_mut::visit_type_reference_mut(self, reference);
        }
        // What these elide is their own.
        fn visit_type_bare_fn_mut(&mut self, _: &mut TypeBareFn) {}
        fn visit_parenthesized_generic_arguments_mut(
            &mut self,
            _: &mut ParenthesizedGenericArguments,
        ) {
        }
    }
    let mut namer = Namer { name: Lifetime::new("'__memo", Span::call_site()), used: false };
    namer.visit_type_mut(ty);
    namer.used.then_some(namer.name)
}

/// The declared type, `()` if none is.
pub(crate) fn returned(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// The type within the groups and parentheses that macros leave around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The type to which references refer.
pub(crate) fn referent(ty: &Type) -> &Type {
    match bare(ty) {
        Type::Reference(reference) => referent(&reference.elem),
        other => other,
    }
}

/// The types of the standard library that are stored with what they hold.
const HOLDERS: [&str; 18] = [
    "Option",
    "Vec",
    "Box",
    "Rc",
    "Arc",
    "VecDeque",
    "LinkedList",
    "BinaryHeap",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "Cell",
    "RefCell",
    "Mutex",
    "RwLock",
    "Wrapping",
    "Reverse",
];

/// A reference in what is stored of a type, as far as that can be seen in how it is written.
pub(crate) fn borrowed(ty: &Type, with_errors: bool) -> Option<&TypeReference> {
    match bare(ty) {
        Type::Reference(reference) => Some(reference),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|ty| borrowed(ty, with_errors)),
        Type::Array(array) => borrowed(&array.elem, with_errors),
        Type::Slice(slice) => borrowed(&slice.elem, with_errors),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let stored = if last.ident == "Result" && !with_errors {
                1
            } else if last.ident == "Result" || HOLDERS.iter().any(|holder| last.ident == holder) {
                usize::MAX
            } else {
                0
            };
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            let types = arguments.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            types.take(stored).find_map(|ty| borrowed(ty, with_errors))
        }
        _ => None,
    }
}

pub(crate) fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

/// A borrow in what is stored of a type that may end, as far as it is written: a lifetime, or what has
/// none.
pub(crate) fn not_static(ty: &Type, with_errors: bool) -> Option<TokenStream> {
    #[derive(Default)]
    struct Finder {
        found: Option<TokenStream>,
        /// The lifetimes for all of which the traits around are implemented.
        for_all: Vec<GenericParam>,
    }
    impl VisitMut for Finder {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            let is_it = |param: &GenericParam| matches!(param, GenericParam::Lifetime(it) if it.lifetime == *lifetime);
            if lifetime.ident != "static" && !self.for_all.iter().any(is_it) {
                self.found.get_or_insert_with(|| lifetime.to_token_stream());
            }
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.lifetime.is_none() {
                self.found.get_or_insert_with(|| reference.to_token_stream());
            }
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
            // What it is implemented for all of is no borrow of anything.
            let outside = self.for_all.len();
            self.for_all.extend(bound.lifetimes.take().into_iter().flat_map(|all| all.lifetimes));
            visit_mut::visit_trait_bound_mut(self, bound);
            self.for_all.truncate(outside);
        }
        // What these borrow they are called with.
        fn visit_type_bare_fn_mut(&mut self, _: &mut TypeBareFn) {}
        fn visit_parenthesized_generic_arguments_mut(
            &mut self,
            _: &mut ParenthesizedGenericArguments,
        ) {
        }
    }
    let value = argument_of(ty, "Result").flatten().filter(|_| !with_errors);
    let mut finder = Finder::default();
    finder.visit_type_mut(&mut value.unwrap_or(ty).clone());
    finder.found
}

/// The first type argument of a path that ends in `name<…>`; `Some(None)` if it has none.
pub(crate) fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<Option<&'a Type>> {
    let Type::Path(path) = bare(ty) else {
        return None;
    };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return Some(None);
    };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }))
}

/// The same path with `replacement` for its first type argument.
pub(crate) fn with_argument(ty: &Type, replacement: &Type) -> Type {
    let mut ty = bare(ty).clone();
    let Type::Path(path) = &mut ty else {
        return ty;
    };
    let arguments = path.path.segments.last_mut().map(|last| &mut last.arguments);
    if let Some(PathArguments::AngleBracketed(arguments)) = arguments {
        let first =
            arguments.args.iter_mut().find(|argument| matches!(argument, GenericArgument::Type(_)));
        first.into_iter().for_each(|first| *first = GenericArgument::Type(replacement.clone()));
    }
    ty
}
