//! A crate with one dependency, the strictest lints, and names of its own for everything.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, missing_copy_implementations)]
#![deny(rust_2018_idioms, unused, unused_crate_dependencies, unused_results, unreachable_pub)]
#![deny(let_underscore_drop, redundant_lifetimes, single_use_lifetimes, unused_lifetimes)]
#![deny(unnameable_types, unused_import_braces, unused_qualifications, variant_size_differences)]
#![deny(trivial_casts, trivial_numeric_casts, unit_bindings, non_ascii_idents)]
#![deny(clippy::all, clippy::pedantic)]

/// Not the one.
pub mod std {}
/// Not the one.
pub mod core {}
/// Not the one.
pub mod serde {}

/// Not the one.
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub struct Option;
/// Not the one.
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub struct Result;
/// Not the one.
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub struct String;

use ::memo::{memo, singleton};

/// A function whose parameters have the names that an expansion is tempted by.
#[memo]
#[must_use]
pub fn sum(key: u8, result: u8, cache: u8, memo: u8) -> u8 {
    key + result + cache + memo
}

/// A function that may fail.
///
/// # Errors
/// When there is nothing to parse.
#[memo]
pub fn parse(key: &str, _result: &mut u8) -> ::std::result::Result<u8, ::std::string::String> {
    if key.is_empty() {
        return ::std::result::Result::Err(::std::convert::From::from("empty"));
    }
    *_result += 1;
    ::std::str::FromStr::from_str(key)
        .map_err(|error: ::std::num::ParseIntError| ::std::string::ToString::to_string(&error))
}

/// A function of everything that is no argument.
#[memo(cache_if = |result| *result > 0)]
#[must_use]
pub fn size<T, const N: usize>(_cache: &[T; N]) -> usize {
    ::std::mem::size_of::<[T; N]>()
}

/// A future.
#[memo(key = key.len())]
pub async fn later(key: &str) -> usize {
    ::std::future::ready(key.len()).await
}

/// A resource.
#[singleton]
#[must_use]
pub fn pool(memo: &str) -> ::std::string::String {
    ::std::convert::From::from(memo)
}

/// A type that no key could have a part of.
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub struct Scale {
    factor: u8,
}

/// A trait with a method that is cached by default.
pub trait Stretch {
    /// The factor, doubled.
    #[memo(in_trait, skip(self))]
    fn stretch(&self, key: u8) -> u8 {
        2 * key
    }
}

impl Stretch for Scale {}

impl Scale {
    /// A method.
    #[memo(key = (self.factor, key))]
    #[must_use]
    pub fn apply(&self, key: u8) -> u8 {
        self.factor * key
    }

    /// An associated function.
    #[memo(in_impl, name = "unit")]
    #[must_use]
    pub fn unit(key: u8) -> u8 {
        key
    }
}

#[cfg(test)]
mod tests {
    use super::{Scale, Stretch, later, parse, pool, size, sum};
    use ::std::sync::Arc;
    use ::std::{assert, assert_eq, option::Option::Some};

    #[::std::prelude::v1::test]
    fn one_dependency_is_enough() {
        assert_eq!((sum(1, 2, 3, 4), sum(1, 2, 3, 4), sum::stats().hits), (10, 10, 1));
        let mut runs = 0;
        assert!(parse("7", &mut runs) == parse("7", &mut runs) && parse("", &mut runs).is_err());
        assert_eq!((runs, parse::contains("7")), (1, true));
        assert_eq!((size(&[1_u8, 2]), size(&[1_u8]), size::get::<u8, 2>()), (2, 1, Some(2)));
        assert!(size(&[0_u8; 0]) == 0 && !size::contains::<u8, 0>());
        ::std::mem::drop(later("abc"));
        assert!(!later::contains("abc") && Arc::ptr_eq(&pool("db"), &pool("db")));
        let scale = Scale { factor: 2 };
        assert_eq!((scale.apply(3), scale.apply(3), Scale::apply_stats().hits), (6, 6, 1));
        assert_eq!((scale.stretch(3), Scale::unit(3), Scale::unit_stats().name), (6, 3, "unit"));
    }
}
