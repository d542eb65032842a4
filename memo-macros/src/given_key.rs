//! The option `key = EXPR`: what it mentions, and how it is evaluated.

use crate::key::part;
use crate::mentions::{Mentions, can_differ, is_unit, unformatted};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Error, Expr, ExprAsync, ExprClosure, ExprTry, ExprTuple, Ident, Item, Macro, Result, Token,
};

/// The expression that is the key instead of the hashed parameters.
pub(crate) struct GivenKey {
    /// Evaluated by reference, and left early where it fails.
    pub(crate) value: TokenStream,
    /// It may fail, and the call runs uncached then: it breaks out of a block `'key`.
    pub(crate) is_fallible: bool,
    mentions: Mentions,
}

impl GivenKey {
    /// Refuses what is the same for every call: each would get the first one's result.
    pub(crate) fn new(expr: &Expr, private: &TokenStream, names: &[Ident]) -> Result<Self> {
        if !is_unit(expr) && !can_differ(expr, &|name| names.contains(name)) {
            return Err(Error::new_spanned(expr, cure(expr, names)));
        }
        let mentions = Mentions::of(expr);
        let mut evaluated = expr.clone();
        borrow_elements(&mut evaluated);
        let mut fallible = Fallible { private, found: false, hidden: None };
        fallible.visit_expr_mut(&mut evaluated);
        if let Some(hidden) = fallible.hidden {
            let cure = "this `?` would leave the function, not the key: write what it is about outside the macro";
            return Err(Error::new(hidden, cure));
        }
        let value = part(private, &quote!(&(#evaluated)), expr);
        Ok(Self { value, is_fallible: fallible.found, mentions })
    }

    pub(crate) fn mentions(&self, name: &Ident) -> bool {
        self.mentions.has(name)
    }
}

fn cure(expr: &Expr, names: &[Ident]) -> String {
    if let Some(text) = unformatted(expr) {
        return format!(
            "`key` is an expression, and this text is the same for every call: write `key = format!({text})`"
        );
    }
    let mention = match names.iter().find(|name| *name != "self") {
        Some(name) => format!("mention a parameter (`key = {name}`), "),
        None => String::new(),
    };
    format!(
        "this `key` is the same for every call, and each would get the first one's result: {mention}\
         call what tells the calls apart (`key = locale()`), or write `key = ()` if they are all one"
    )
}

// Input:
//     (self.tenant, (id, name.len()))
//
// Output:
//     (&self.tenant, (&id, name.len()))
/// A reference is the same key as what it refers to, and moves nothing out.
fn borrow_elements(expr: &mut Expr) {
    match expr {
        Expr::Group(group) => borrow_elements(&mut group.expr),
        Expr::Paren(paren) => borrow_elements(&mut paren.expr),
        Expr::Tuple(ExprTuple { elems, .. }) => {
            for element in elems {
                borrow_elements(element);
                if is_place(element) {
                    *element = syn::parse_quote!(&#element);
                }
            }
        }
        _ => {}
    }
}

fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Group(group) => is_place(&group.expr),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)),
        _ => false,
    }
}

// Input:
//     parse(id)?
//
// Output:
//     match Attempt::attempt(parse(id)) { __value => { let Some(__value) = __value else { break 'key }; __value } }
/// Rewrites each `?` that would leave the function. The `match` keeps temporaries as long as `?`
/// does; an arm that ends in `break` would have the compiler guess at the type of what is no attempt.
struct Fallible<'a> {
    private: &'a TokenStream,
    found: bool,
    /// One that is among tokens of which only their macro knows what they mean.
    hidden: Option<Span>,
}

impl VisitMut for Fallible<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        let Expr::Try(ExprTry { expr: attempt, question_token, .. }) = expr else { return };
        self.found = true;
        let private = self.private;
        let at = Span::mixed_site().located_at(question_token.spans[0]);
        let value = Ident::new("__value", Span::mixed_site());
        let attempted = quote_spanned!(at=> #private::Attempt::attempt(#attempt));
        *expr = Expr::Verbatim(quote_spanned! {Span::mixed_site()=>
            match #attempted {
                #value => {
                    let ::core::option::Option::Some(#value) = #value else { break 'key };
                    #value
                }
            }
        });
    }

    // In these it leaves something else.
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_macro_mut(&mut self, called: &mut Macro) {
        let arguments = called.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        match arguments {
            Ok(mut arguments) => {
                arguments.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
                called.tokens = arguments.into_token_stream();
            }
            Err(_) => self.hidden = self.hidden.or_else(|| question_mark(called.tokens.clone())),
        }
    }
}

fn question_mark(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Punct(mark) if mark.as_char() == '?' => Some(mark.span()),
        TokenTree::Group(group) => question_mark(group.stream()),
        _ => None,
    })
}
