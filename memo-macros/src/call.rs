//! What the quoted bodies say: the static, the question to the runtime, and the original function.

use crate::attributes;
use crate::companions::Takes;
use crate::function::{Function, Place};
use crate::generics;
use crate::key::ends;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, Ident};

/// An expression, and the helper beside the companions that it calls.
pub(crate) struct Helped {
    pub(crate) item: TokenStream,
    pub(crate) expr: TokenStream,
}

/// What a miss runs.
pub(crate) struct Body {
    /// The call of the original function; of an async one, its future.
    pub(crate) original: TokenStream,
    /// What makes of that future's output what the call returns, if it is something else.
    pub(crate) result_of: Option<TokenStream>,
    /// The result goes to a store, too.
    pub(crate) is_stored: bool,
}

/// What the runtime is told of a function at each call: its static, and its payload.
pub(crate) struct Told<'a> {
    pub(crate) memo: &'a TokenStream,
    pub(crate) payload: &'a TokenStream,
}

impl Told<'_> {
    fn both(&self) -> [&TokenStream; 2] {
        [self.memo, self.payload]
    }
}

// Input:
//     get(page::__memo(), …, page::__key(&match … { Some(__value) => __value, None => break 'key }))
//
// Output:
//     'asked: {
//         'key: { break 'asked get(page::__memo(), …) }
//         get(page::__memo(), …, NoKey(…))
//     }
fn either(question: &TokenStream, without: &TokenStream) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        'asked: {
            'key: {
                break 'asked #question;
            }
            #without
        }
    }
}

impl Function {
    // Input:
    //     new
    //
    // Output:
    //     fn __memo() -> &'static Static { static __MEMORY: Static = Static::new(Memo::new("crate::square")); &__MEMORY }
    // With `scope = "session"` it is a `Scoped`, and `__MEMORY.here()`.
    pub(crate) fn memory(
        &self,
        new: &str,
        name: Option<&TokenStream>,
        settings: &TokenStream,
    ) -> Helped {
        let private = &self.private;
        let new = Ident::new(new, Span::mixed_site());
        let own = self.sig.ident.unraw().to_string();
        let path = quote!(::core::concat!(::core::module_path!(), "::", #own));
        let new = match (name, &self.place) {
            (Some(name), _) => quote!(#new(#name)),
            (None, Place::Type(_)) => quote!(#new(#path)),
            (None, Place::Impl(_) | Place::Trait) => quote!(#new(#path).method()),
        };
        let memo = quote!(#private::Memo::#new #settings);
        let (kind, here) = match self.is_of_sessions {
            true => (quote!(Scoped), quote!(__MEMORY.here())),
            false => (quote!(Static), quote!(&__MEMORY)),
        };
        let item = quote!(static __MEMORY: #private::#kind = #private::#kind::new(#memo););
        if let Place::Trait = self.place {
            return Helped { item, expr: here };
        }
        let returns = quote!(&'static #private::Static);
        let memory = quote!(#item #here);
        self.helped("memo", &Generics::default(), &returns, &memory)
    }

    /// A call with the static that it speaks of, where that is in no helper.
    pub(crate) fn with_memory(&self, memory: &Helped, call: &TokenStream) -> TokenStream {
        let item = matches!(self.place, Place::Trait).then_some(&memory.item).into_iter();
        quote!(#(#item)* #call)
    }

    /// `body` in a helper, or inlined where there is no room for one.
    pub(crate) fn helped(
        &self,
        name: &str,
        generics: &Generics,
        returns: &TokenStream,
        body: &TokenStream,
    ) -> Helped {
        if let Place::Trait = self.place {
            return Helped { item: TokenStream::new(), expr: quote!({ #body }) };
        }
        let item = self.helper(name, generics, &TokenStream::new(), returns, body);
        let (home, name) = (self.home(), self.helper_name(name));
        let turbofish = generics::turbofish(generics);
        Helped { item, expr: quote!(#home::#name #turbofish()) }
    }

    /// `verb(before, key, after)`: one question to the runtime.
    pub(crate) fn ask(
        &self,
        verb: &str,
        before: &[&TokenStream],
        takes: Takes,
        after: Option<&Ident>,
    ) -> TokenStream {
        let private = &self.private;
        let verb = Ident::new(verb, Span::mixed_site());
        let after: Vec<_> = after.into_iter().collect();
        let has_tags = self.asks_for_tags(&verb.to_string());
        let ask = |key| quote!(#private::#verb(#(#before,)* #key #(, #after)*));
        self.ask_by(takes, has_tags, ask)
    }

    /// The same for the companion of that name in a task.
    pub(crate) fn ask_async(
        &self,
        verb: &str,
        before: &[&TokenStream],
        after: Option<&Ident>,
    ) -> TokenStream {
        let private = &self.private;
        let verb = Ident::new(verb, Span::mixed_site());
        let after: Vec<_> = after.into_iter().collect();
        let has_tags = self.asks_for_tags(&verb.to_string());
        let ask = |key| quote!(#private::#verb(#(#before,)* #key #(, #after)*).await);
        self.ask_by(Takes::Key, has_tags, ask)
    }

    /// Whether a question of this name is about more than what is in memory of a call.
    fn asks_for_tags(&self, verb: &str) -> bool {
        match verb {
            "hit" | "remove" | "remove_async" | "contains" | "refreshed" => false,
            "get" | "explain" => self.is_stored,
            _ => true,
        }
    }

    // Input:
    //     page::__key(&id)
    //
    // Output:
    //     tagged(page::__key(&id), || TagList::new().and(&(format!("user:{id}"))))
    fn with_tags(&self, key: &TokenStream) -> TokenStream {
        let private = &self.private;
        let tags = self.tags.iter().map(|(tag, _)| {
            let (start, end) = ends(tag);
            let and = Ident::new("and", start);
            quote_spanned!(end=> .#and(&(#tag)))
        });
        quote!(#private::tagged(#key, || #private::TagList::new()#(#tags)*))
    }

    /// The question of a key, whichever the call has.
    fn ask_by(
        &self,
        takes: Takes,
        has_tags: bool,
        ask: impl Fn(TokenStream) -> TokenStream,
    ) -> TokenStream {
        let has_tags = has_tags && !self.tags.is_empty();
        let key = self.key_of(takes);
        let question = ask(if has_tags { self.with_tags(&key) } else { key });
        match &self.key {
            None if has_tags => self.with_names(takes, question),
            None => question,
            Some(key) if !key.is_fallible => self.with_names(takes, question),
            Some(_) => {
                let without = ask(self.no_key_of(takes));
                self.with_names(takes, either(&question, &without))
            }
        }
    }

    // Input:
    //     page(&(*a, b.len()))
    //
    // Output:
    //     match (&arg0,) { ((a, b),) => page(&(*a, b.len())) }
    /// The given `key`, and a tag, see the names that a pattern binds.
    fn with_names(&self, takes: Takes, question: TokenStream) -> TokenStream {
        let unnamed = self.params.iter().filter(|param| param.is_taken(takes) && !param.is_named());
        let (patterns, names): (Vec<_>, Vec<_>) =
            unnamed.map(|param| (&param.original.pat, &param.name)).unzip();
        if patterns.is_empty() {
            return question;
        }
        quote! {
            match (#(&#names,)*) {
                #[allow(unused_parens, unused_variables)]
                (#(#patterns,)*) => #question,
            }
        }
    }

    /// The call, and what it becomes as `refresh`.
    ///
    /// A call that takes no more than to find may be split; `is_plain` says that no option takes
    /// more.
    pub(crate) fn answer(
        &self,
        told: &Told<'_>,
        (returns, body): (&TokenStream, &Body),
        (refresh, is_plain): (Option<&Ident>, bool),
    ) -> (Helped, TokenStream) {
        let run = |verb| {
            let call = self.ask(verb, &told.both(), Takes::All, None);
            self.run(&call, body)
        };
        let enter = || self.run(&self.enter(told), body);
        let whole = |expr| Helped { item: TokenStream::new(), expr };
        let call = match refresh {
            Some(_) => whole(self.run_before_refresh(told, |call| self.run(call, body))),
            // What depends on something that expires does so too: then the second part has all hits.
            None if is_plain && self.is_split() && self.is_dependent => {
                self.split(told, returns, run("enter"))
            }
            None if is_plain && self.is_split() => self.split(told, returns, run("look_again")),
            None => whole(enter()),
        };
        (call, run("refresh"))
    }

    // Input:
    //     rows.len() < 1_000, and enter(…)
    //
    // Output:
    //     identity(if is_enabled(page::__memo(), None, || rows.len() < 1_000) {
    //         enter(…)
    //     } else {
    //         uncached(page::__memo(), page::__payload())
    //     })
    /// The call, looked up; where `enabled` is false it is not. The condition comes before the key, which
    /// the user's code may be, too.
    pub(crate) fn enter(&self, told: &Told<'_>) -> TokenStream {
        let call = self.ask("enter", &told.both(), Takes::All, None);
        let Some((condition, _)) = &self.enabled else { return call };
        let (private, Told { memo, payload }) = (&self.private, told);
        let scope = match self.has_scope() || matches!(self.place, Place::Trait) {
            true => quote!(::core::option::Option::Some(#private::Scope::of(&|| ()))),
            false => quote!(::core::option::Option::None),
        };
        // In parentheses, as what begins with a block would end with it: `{ … } && …`.
        let here = Span::mixed_site().located_at(condition.span());
        let condition = quote_spanned!(here=> (#condition));
        let condition = quote!(|| -> ::core::primitive::bool { #condition });
        let is_enabled = quote!(#private::is_enabled(#memo, #scope, #condition));
        let is_enabled = self.with_names(Takes::All, is_enabled);
        quote! {
            ::core::convert::identity(if #is_enabled {
                #call
            } else {
                #private::uncached(#memo, #payload)
            })
        }
    }

    // Input:
    //     look_again(…).run(move || square::uncached(x))
    //
    // Output:
    //     match hit(square::__memo(), square::__codec(), square::__key(&x)) {
    //         Some(__value) => __value,
    //         None => square::__missed(x),
    //     }
    //     #[cold] fn __missed(x: u64) -> u64 { look_again(…).run(move || square::uncached(x)) }
    /// Splits a call in a hit that needs nothing of its arguments afterwards, and all the rest. What
    /// is to be seen by more than one caller (`key`'s side effects, a future, the caller's line), or
    /// always takes more (a `ttl`), stays in one piece.
    fn split(&self, told: &Told<'_>, returns: &TokenStream, call: TokenStream) -> Helped {
        let hit = self.ask("hit", &told.both(), Takes::All, None);
        let missed = self.hand_on(&self.helper_name("missed"));
        let value = quote_spanned!(Span::mixed_site()=> __value);
        let expr = quote! {
            match #hit {
                ::core::option::Option::Some(#value) => #value,
                ::core::option::Option::None => #missed,
            }
        };
        Helped { item: self.cold_helper("missed", returns, &call), expr }
    }

    fn is_split(&self) -> bool {
        !self.is_async()
            && self.key.is_none()
            && self.attributes.track_caller.is_none()
            && !matches!(self.place, Place::Trait)
    }

    /// The call of the original function.
    pub(crate) fn original(&self) -> TokenStream {
        if let Place::Trait = self.place {
            return self.inlined();
        }
        self.hand_on(&self.companion_name("uncached"))
    }

    /// The call of an item that takes all that the function does.
    fn hand_on(&self, name: &Ident) -> TokenStream {
        let home = self.home();
        let turbofish = generics::turbofish(&self.sig.generics);
        let this = self.receiver.iter().map(|receiver| receiver.self_token);
        let params = self.params.iter().map(|param| {
            let (cfgs, name) = (param.cfgs(), &param.name);
            quote!(#(#cfgs)* #name)
        });
        let call = quote!(#home::#name #turbofish(#(#this,)* #(#params),*));
        match self.sig.unsafety {
            Some(_) => quote!(unsafe { #call }),
            None => call,
        }
    }

    // Input:
    //     fn sum(&self, (a, b): (u32, u32)) -> u32 { a + b }
    //
    // Output:
    //     (move || -> u32 { let (a, b) = arg0; a + b })()
    fn inlined(&self) -> TokenStream {
        let (returns, statements) = (&self.returns, &self.stmts);
        let bindings = self.params.iter().filter(|param| !param.is_plain()).map(|param| {
            let attributes = attributes::of_copies(&param.original.attrs);
            let (pat, name) = (&param.original.pat, &param.name);
            let uses = self.uses_of_key(param);
            quote!(#(#attributes)* let #pat = #name; #uses)
        });
        let body = quote!(#(#bindings)* #(#statements)*);
        if !self.is_async() {
            return quote!((move || -> #returns { #body })());
        }
        // The `return` that never runs tells the compiler what the block returns.
        let never = quote!(::core::option::Option::None::<#returns>);
        quote_spanned! {Span::mixed_site()=>
            async move {
                if let ::core::option::Option::Some(__never) = #never {
                    return __never;
                }
                #body
            }
        }
    }

    // Input:
    //     enter(…)        and        square::uncached(x)
    //
    // Output:
    //     enter(…).run(move || square::uncached(x))
    fn run(&self, call: &TokenStream, body: &Body) -> TokenStream {
        let here = Span::mixed_site();
        if self.is_async() {
            return self.run_async(call, body);
        }
        let original = &body.original;
        if self.attributes.track_caller.is_none() {
            return quote!(#call.run(move || #original));
        }
        // A closure would be the caller that the body sees.
        quote_spanned! {here=>
            match #call.hit() {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__miss) => __miss.finish(#original),
            }
        }
    }

    // Input:
    //     enter(…)        and        square::uncached(x)
    //
    // Output:
    //     let __call = enter(…);
    //     let __miss = match __call.missed() { Ok(__value) => return __value, Err(__miss) => __miss };
    //     let __body = pin!(Some(square::uncached(x)));
    //     __miss.run_async(__body).await
    /// Statements of their own, so that neither a borrow of an argument nor the result of a hit is in
    /// the future while it waits; and so that the body is in it once, which keeps the future of a
    /// function that calls others like it from doubling at each level.
    ///
    /// Names of the expansion's own begin with two underscores: a pattern cannot bind that of a constant,
    /// which the user's code may have.
    fn run_async(&self, call: &TokenStream, body: &Body) -> TokenStream {
        let here = Span::mixed_site();
        if self.is_detached {
            return self.run_detached(call, body);
        }
        let run = match body {
            Body { is_stored: true, .. } => "run_async_stored",
            Body { result_of: Some(_), .. } => "run_async_as",
            _ => "run_async",
        };
        let run = Ident::new(run, here);
        let original = &body.original;
        let result_of = body.result_of.iter();
        quote_spanned! {here=>
            let __call = #call;
            let __miss = match __call.missed() {
                ::core::result::Result::Ok(__value) => return __value,
                ::core::result::Result::Err(__miss) => __miss,
            };
            let __body = ::core::pin::pin!(::core::option::Option::Some(#original));
            __miss.#run(__body #(, #result_of)*).await
        }
    }
}
