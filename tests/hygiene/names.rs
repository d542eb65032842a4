//! The names that the expansion might have relied on mean something else here.

#![allow(
    dead_code,
    unused_macros,
    missing_docs,
    missing_debug_implementations,
    non_snake_case,
    clippy::pedantic
)]

pub mod std {}
pub mod core {}
pub mod memo {}
pub mod serde {}

pub struct Option;
pub struct Result;
pub struct String;
pub struct Arc;
pub struct Memo;
pub trait Fn {}
pub trait Sized {}

pub fn Some() {}
pub fn None() {}
pub fn Ok() {}
pub fn Err() {}
pub fn enter() {}

macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}

#[::memo::memo]
fn sum(key: u8, result: u8, cache: u8, memo: u8, value: u8, call: u8, miss: u8) -> u8 {
    key + result + cache + memo + value + call + miss
}

#[::memo::memo]
#[track_caller]
fn traced(value: u8, miss: u8, found: u8) -> ::std::result::Result<u8, u8> {
    if value == 0 {
        return ::std::result::Result::Err(miss);
    }
    ::std::result::Result::Ok(miss + found)
}

#[::memo::memo(cache_if = |condition| *condition > 0)]
async fn later(call: u8, condition: u8) -> u8 {
    call + condition
}

#[::memo::memo(enabled = value > condition && said != 0, ttl = |data| ::std::time::Duration::from_secs(*data))]
async fn lived(value: u64, condition: u64, said: u64) -> u64 {
    said + value + condition
}

#[::memo::memo(detached, ttl = LIFE, refresh = "background")]
async fn task(call: u8, miss: &str, made: u8, body: u8, this: u8, value: u8) -> usize {
    miss.len() + (call + made + body + this + value) as usize
}

#[::memo::singleton(detached)]
async fn task_of_resource(call: u8, miss: u8, made: u8, this: u8) -> u8 {
    call + miss + made + this
}

#[::memo::memo(ttl = LIFE, jitter = LIFE, idle = LIFE)]
fn idle(data: u8, keep: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(data + keep)
}

const LIFE: ::std::time::Duration = ::std::time::Duration::from_secs(60);

#[::memo::memo(clone)]
fn kept(value: u8, found: u8) -> ::std::result::Result<&'static str, u8> {
    ::std::result::Result::Ok(if value < found { "less" } else { "more" })
}

#[::memo::singleton]
fn resource(value: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(value)
}

#[derive(::serde::Serialize)]
struct Type<T>(T);

impl<T> Type<T> {
    #[::memo::memo(in_impl)]
    fn size<const N: usize>(value: u8, _f: impl ::std::ops::Fn()) -> usize {
        ::std::mem::size_of::<T>() + N + value as usize
    }
}

trait Trait {
    #[::memo::memo(in_trait)]
    fn method(&self, (value, never): (u8, u8)) -> ::std::option::Option<u8>
    where
        Self: ::serde::Serialize,
    {
        value.checked_sub(never)
    }
}

impl Trait for Type<u8> {}

#[::std::prelude::v1::test]
fn they_are_not_mistaken() {
    ::std::assert_eq!((sum(1, 2, 3, 4, 5, 6, 7), sum::refresh(1, 2, 3, 4, 5, 6, 7)), (28, 28));
    sum::insert(1, 2, 3, 4, 5, 6, 7, 0);
    ::std::assert_eq!(sum(1, 2, 3, 4, 5, 6, 7), 0);
    ::std::assert!(traced(1, 2, 3) == traced(1, 2, 3) && traced(0, 2, 3).is_err());
    ::std::assert!(resource(1).is_ok() && later::get(1, 2).is_none());
    ::std::assert!(kept(1, 2) == kept(1, 2) && kept::contains(1, 2));
    ::std::assert!(idle(1, 2) == idle(1, 2) && lived::get(1, 2, 3).is_none());
    ::std::assert_eq!((idle::retain(|value| *value > 3), lived::retain(|_| true)), (1, 0));
    ::std::assert_eq!(Type::<u8>::size::<2>(3, || ()), 6);
    ::std::assert_eq!(Type(1_u8).method((3, 2)), ::std::option::Option::Some(1));
}
