//! The names of the expansion's own variables and items are those of constants here, which a pattern
//! could not bind.

#![allow(dead_code, missing_docs, missing_debug_implementations, clippy::pedantic)]
#![allow(non_upper_case_globals)]

use ::std::prelude::v1::*;
use ::std::{assert_eq, time::Duration};

macro_rules! constants {
    ($($name:ident)*) => { $(const $name: u8 = 1;)* };
}

constants! {
    and arguments argument body call condition data digest entry error evaluated f found
    here hit hooks key kept life made memo memory miss name never of own params part parts
    payload point result result_of run scope shared store stored tag tags this ttl values
    CACHE HOOKS KEY MEMO MEMORY NAME PAYLOAD SHARED STATIC TAGS
}

const LIFE: Duration = Duration::from_secs(60);

#[::memo::memo(tags(::std::format!("number {number}")))]
fn plain(number: u8) -> u8 {
    number + MEMORY
}

#[::memo::memo]
#[track_caller]
fn traced(number: u8) -> ::std::result::Result<u8, u8> {
    number.checked_sub(values).ok_or(miss)
}

#[::memo::memo(cache_if = |number| *number > 0)]
async fn later(number: u8) -> u8 {
    number + body
}

#[::memo::memo(enabled = number > 0, ttl = |number| Duration::from_secs(*number))]
async fn lived(number: u64) -> u64 {
    number + u64::from(call)
}

#[::memo::memo(detached, ttl = LIFE, refresh = "background")]
async fn task(text: &str) -> usize {
    text.len() + usize::from(call)
}

#[::memo::singleton(detached)]
async fn task_of_resource(number: u8) -> u8 {
    number + made
}

#[::memo::memo(ttl = LIFE, jitter = LIFE, idle = LIFE, refresh = "background")]
fn idle((number, other): (u8, u8)) -> ::std::result::Result<u8, u8> {
    number.checked_sub(other).ok_or(data)
}

#[::memo::memo(key = number.checked_add(other)?.to_string())]
fn given(number: u8, other: u8) -> ::std::option::Option<u8> {
    number.checked_sub(other)?.checked_add(key)
}

#[::memo::memo(clone, stale_if_error = LIFE, ttl = LIFE)]
fn cloned(number: u8) -> ::std::result::Result<&'static str, u8> {
    ::std::result::Result::Ok(if number < found { "less" } else { "more" })
}

#[::memo::memo(scope = "session")]
fn of_session(number: u8) -> u8 {
    number + shared
}

#[::memo::singleton(on_release = |_| ())]
fn resource(number: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(number)
}

#[derive(Clone, ::serde::Serialize)]
struct Type<T>(T);

impl<T> Type<T> {
    #[::memo::memo(in_impl)]
    fn size<const N: usize>(number: u8, _f: impl ::std::ops::Fn()) -> usize {
        ::std::mem::size_of::<T>() + N + number as usize
    }
}

impl Type<u8> {
    #[::memo::memo(in_impl, ttl = LIFE, refresh = "background")]
    fn sum(&self, number: u8) -> u8 {
        self.0 + number + this
    }
}

trait Trait {
    #[::memo::memo(in_trait)]
    fn method(&self, (number, other): (u8, u8)) -> ::std::option::Option<u8>
    where
        Self: ::serde::Serialize,
    {
        number.checked_sub(other)?.checked_add(MEMORY)
    }

    #[::memo::memo(in_trait)]
    async fn later_method(&self, number: u8) -> u8
    where
        Self: ::serde::Serialize,
    {
        number + never + MEMORY
    }
}

impl Trait for Type<u8> {}

#[test]
fn they_are_not_bound() {
    assert_eq!([plain(1), plain(1), plain::refresh(1)], [2; 3]);
    plain::insert(1, 7);
    assert_eq!((plain(1), plain::get(1), plain::remove(1)), (7, Some(7), true));
    assert_eq!([traced(0), traced(0)], [Err(1); 2]);
    assert_eq!([idle((2, 1)), idle((0, 1)), idle((2, 1))], [Ok(1), Err(1), Ok(1)]);
    assert_eq!((idle::retain(|number| *number > 3), plain::retain(|_| true)), (1, 0));
    assert_eq!(
        [given(3, 1), given(3, 1), given(0, 1), given(255, 1)],
        [Some(3), Some(3), None, Some(255)]
    );
    assert_eq!([cloned(0), cloned(0)], [Ok("less"); 2]);
    assert_eq!(resource(1).map(|it| *it), Ok(1));
    assert_eq!((Type::<u8>::size::<2>(3, || ()), Type(1).sum(1)), (6, 3));
    assert_eq!([Type(1_u8).method((3, 2)), Type(1_u8).method((3, 2))], [Some(2); 2]);
}
