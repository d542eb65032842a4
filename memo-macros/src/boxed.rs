//! Functions that return a boxed future: `async_trait` and `async_recursion` make them of async ones.

use crate::generics::bare;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AngleBracketedGenericArguments, AssocType, Block, Expr, ExprAsync, ExprCall, GenericArgument,
    PathArguments, PathSegment, Stmt, Type, TypeParamBound,
};

/// What is in the box.
pub(crate) struct Boxed {
    /// The statements of the async block.
    pub(crate) stmts: Vec<Stmt>,
    /// What its future is declared to return.
    pub(crate) output: Type,
}

// Input:
//     -> Pin<Box<dyn Future<Output = u64> + Send + 'async_trait>> { Box::pin(async move { 1 }) }
//
// Output:
//     1        and        u64
/// The async function that this once was, if it was one.
pub(crate) fn boxed(returns: &Type, body: &Block) -> Option<Boxed> {
    let output = output(returns)?;
    let [Stmt::Expr(expr, None)] = body.stmts.as_slice() else { return None };
    let Expr::Call(ExprCall { func, args, .. }) = expr else { return None };
    let Expr::Path(path) = &**func else { return None };
    let mut segments = path.path.segments.iter().rev();
    let is_pin = segments.next()?.ident == "pin" && segments.next()?.ident == "Box";
    let mut args = args.iter();
    match (args.next()?, args.next()) {
        (Expr::Async(ExprAsync { capture: Some(_), block, .. }), None) if is_pin => {
            Some(Boxed { stmts: block.stmts.clone(), output: output.clone() })
        }
        _ => None,
    }
}

/// What a boxed future is declared to return; nothing, if the type is none.
pub(crate) fn output(ty: &Type) -> Option<&Type> {
    let last = last_segment(ty)?;
    if is_alias(last) {
        return types(last).next();
    }
    let inner = types(last).next().filter(|_| last.ident == "Pin")?;
    let inner = last_segment(inner).filter(|last| last.ident == "Box")?;
    let Type::TraitObject(object) = bare(types(inner).next()?) else { return None };
    object.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().and_then(future_output),
        _ => None,
    })
}

/// `Future<Output = T>`.
fn future_output(segment: &PathSegment) -> Option<&Type> {
    let arguments = arguments(segment).filter(|_| segment.ident == "Future")?;
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Output" => Some(ty),
        _ => None,
    })
}

/// `BoxFuture<'a, T>` of the crate `futures`.
fn is_alias(segment: &PathSegment) -> bool {
    segment.ident == "BoxFuture" || segment.ident == "LocalBoxFuture"
}

/// The same future of another output.
pub(crate) fn with_output(ty: &Type, output: &Type) -> TokenStream {
    struct Replacer<'a>(&'a Type);
    impl VisitMut for Replacer<'_> {
        fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
            let is_alias = is_alias(segment);
            let is_future = future_output(segment).is_some();
            if let (PathArguments::AngleBracketed(arguments), true) =
                (&mut segment.arguments, is_alias || is_future)
            {
                for argument in &mut arguments.args {
                    match argument {
                        GenericArgument::Type(ty) if is_alias => *ty = self.0.clone(),
                        GenericArgument::AssocType(bound) => bound.ty = self.0.clone(),
                        _ => {}
                    }
                }
                return;
            }
            visit_mut::visit_path_segment_mut(self, segment);
        }
    }
    let mut ty = ty.clone();
    Replacer(output).visit_type_mut(&mut ty);
    ty.into_token_stream()
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn arguments(segment: &PathSegment) -> Option<&AngleBracketedGenericArguments> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = arguments(segment).into_iter().flat_map(|arguments| &arguments.args);
    arguments.filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn parse<T: syn::parse::Parse>(text: &str) -> T {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn the_future_of_an_async_function_is_known_in_its_box() {
        let body: Block = parse("{ Box::pin(async move { 1; 2 }) }");
        for ty in [
            "::core::pin::Pin<Box<dyn ::core::future::Future<Output = u64> + Send + 'async_trait>>",
            "Pin<Box<dyn Future<Output = u64> + 'a>>",
            "BoxFuture<'static, u64>",
        ] {
            let boxed = boxed(&parse(ty), &body).unwrap();
            assert_eq!(boxed.stmts.len(), 2);
            assert_eq!(boxed.output.to_token_stream().to_string(), "u64");
        }
        let ty: Type = parse("Pin<Box<dyn Future<Output = Result<Pin<u8>, E>> + 'a>>");
        let replaced = with_output(&ty, &parse("Arc<u8>"));
        let expected: Type = parse("Pin<Box<dyn Future<Output = Arc<u8>> + 'a>>");
        assert_eq!(replaced.to_string(), quote!(#expected).to_string());
        let replaced = with_output(&parse("BoxFuture<'a, u8>"), &parse("u16"));
        assert_eq!(replaced.to_string(), "BoxFuture < 'a , u16 >");
    }

    #[test]
    fn other_bodies_and_types_are_none() {
        let future = "Pin<Box<dyn Future<Output = u64>>>";
        for (ty, body) in [
            (future, "{ Box::pin(async { 1 }) }"),
            (future, "{ log(); Box::pin(async move { 1 }) }"),
            (future, "{ other() }"),
            ("Pin<Box<dyn Stream<Output = u64>>>", "{ Box::pin(async move { 1 }) }"),
            ("Box<dyn Future<Output = u64>>", "{ Box::pin(async move { 1 }) }"),
            ("u64", "{ Box::pin(async move { 1 }) }"),
        ] {
            assert!(boxed(&parse(ty), &parse(body)).is_none(), "{ty} {body}");
        }
    }
}
