//! Every shape of function, as a singleton; each is called until it is a hit.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use memo::{memo, singleton};
use serde::Serialize;

use crate::Count;

/// Asserts that each expression is the same `Arc` again, and another one than those before it.
macro_rules! assert_shared_and_apart {
    ($($call:expr),+ $(,)?) => {{
        let first = [$($call),+];
        let again = [$($call),+];
        assert!(first.iter().zip(&again).all(|(first, again)| Arc::ptr_eq(first, again)));
        let addresses: HashSet<_> = first.iter().map(Arc::as_ptr).collect();
        assert_eq!(addresses.len(), first.len(), "some of these are one");
    }};
}

#[derive(Clone, Serialize)]
struct Config<T> {
    url: &'static str,
    kind: T,
}

trait Open {
    fn open(&self, port: u16) -> Arc<String>;

    #[singleton(in_trait)]
    fn open_by_default(&self, (host, port): (&str, u16)) -> Result<String, String>
    where
        Self: Serialize,
    {
        let port = port.checked_add(1).ok_or("no such port")?;
        Ok(format!("{host}:{port}"))
    }
}

impl<T: Serialize> Open for Config<T> {
    // The attribute writes what callers get; a trait declares it.
    #[singleton(in_trait)]
    fn open(&self, port: u16) -> String {
        format!("{}:{port}", self.url)
    }
}

impl<T: Serialize> Config<T> {
    #[singleton]
    fn pool(&self, size: u32) -> String {
        format!("{} {size}", self.url)
    }

    #[singleton(skip(self))]
    fn any(&mut self, size: u32) -> String {
        self.url = "used";
        size.to_string()
    }

    #[singleton]
    fn into_pool(mut self) -> String {
        self.url = self.url.trim();
        self.url.to_owned()
    }

    #[singleton]
    fn of_arc(self: Arc<Self>) -> String {
        self.url.to_owned()
    }

    #[singleton(in_impl)]
    fn size<U>() -> usize {
        size_of::<(T, U)>()
    }

    #[singleton]
    async fn later(&self, _name: &str) -> Result<String, String> {
        Ok(self.url.to_owned())
    }
}

#[test]
fn methods_are_shared_by_what_self_is() {
    let (a, b) = (Config { url: "a", kind: 1_u8 }, Config { url: "b", kind: 1_u8 });
    let wide = Config { url: "a", kind: 1_u32 };
    assert_shared_and_apart!(a.pool(1), a.pool(2), b.pool(1), wide.pool(1));
    assert_shared_and_apart!(a.clone().into_pool(), b.clone().into_pool());
    assert_shared_and_apart!(Arc::new(a.clone()).of_arc(), Arc::new(b.clone()).of_arc());
    assert_shared_and_apart!(a.open(1), a.open(2), b.open(1), wide.open(1));
    assert_shared_and_apart!(
        a.open_by_default(("x", 1)).unwrap(),
        a.open_by_default(("y", 1)).unwrap(),
        b.open_by_default(("x", 1)).unwrap(),
    );
    assert!(a.open_by_default(("x", u16::MAX)).is_err());
    assert!(a.pool_contains(1) && a.pool_remove(1) && a.into_pool_get().is_some());
    let later = |config: &Config<u8>| tokio_test::block_on(config.later("")).unwrap();
    assert_shared_and_apart!(later(&a), later(&b));
}

#[test]
fn a_skipped_self_is_not_part_of_the_key() {
    let (mut a, mut b) = (Config { url: "a", kind: () }, Config { url: "b", kind: () });
    assert!(Arc::ptr_eq(&a.any(1), &b.any(1)));
    assert_eq!((a.url, b.url), ("used", "b"));
}

#[test]
fn associated_functions_are_shared_by_their_types() {
    assert_shared_and_apart!(
        Config::<u8>::size::<u8>(),
        Config::<u8>::size::<i8>(),
        Config::<i8>::size::<u8>(),
    );
    assert!(Config::<u8>::size_contains::<u8>() && !Config::<u8>::size_contains::<u64>());
}

#[test]
fn generics_are_apart() {
    #[singleton]
    fn sized<'a, T, const N: usize>(
        _items: &'a [T; N],
        scale: impl Serialize,
        _then: impl Fn() -> usize,
    ) -> usize
    where
        T: Serialize + Copy + 'a,
    {
        let _ = scale;
        size_of::<[T; N]>() + _then()
    }
    let (one, two) = (|| 1, || 2);
    assert_shared_and_apart!(
        sized(&[1_u8], 1_u8, one),
        sized(&[1_i8], 1_u8, one),
        sized(&[1_u8, 1], 1_u8, one),
        sized(&[1_u8], 1_i8, one),
        sized(&[1_u8], 1_u8, two),
    );
}

#[test]
fn a_type_parameter_needs_no_static_bound() {
    #[singleton]
    fn owned<T: AsRef<str> + Serialize>(text: T) -> String {
        text.as_ref().to_owned()
    }
    #[singleton]
    async fn later<T: AsRef<str> + Serialize>(text: T) -> String {
        text.as_ref().to_owned()
    }
    let local = String::from("local");
    assert_shared_and_apart!(owned(local.as_str()), owned(&local), owned("other"));
    let later = |text| tokio_test::block_on(later(text));
    assert_shared_and_apart!(later(local.as_str()), later("other"));
}

#[test]
fn a_macro_can_write_the_function() {
    macro_rules! shared {
        ($name:ident, $param:ident: $in:ty => $out:ty, $body:expr) => {
            #[singleton]
            fn $name($param: $in, extra: u32) -> $out {
                let sum = $body;
                sum + extra
            }
        };
    }
    shared!(plus_one, x: u32 => u32, x + 1);
    assert_shared_and_apart!(plus_one(1, 1), plus_one(2, 1), plus_one(1, 2));
    assert_eq!(plus_one::get(1, 1), Some(Arc::new(3)));
}

#[test]
fn an_error_may_borrow() {
    #[singleton]
    fn check(x: u32, _name: &str) -> Result<u32, &str> {
        if x == 0 {
            return Err(_name);
        }
        Ok(x)
    }
    let name = String::from("name");
    assert_eq!((check(0, &name), check(1, &name)), (Err("name"), Ok(Arc::new(1))));
    assert!(!check::contains(0) && check::get(1).is_some());
}

#[test]
fn parameters_are_taken_as_they_are() {
    struct Point {
        x: i32,
    }
    impl Serialize for Point {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.x.serialize(serializer)
        }
    }
    #[singleton]
    fn sum(
        mut a: i32,
        (b, _): (i32, i32),
        Point { x }: Point,
        _: &dyn Fn(),
        _log: &mut Vec<i32>,
        #[cfg(test)] c: f64,
        #[cfg(not(test))] d: Missing,
        #[allow(unused_variables)] e: [u8; 32],
    ) -> i32 {
        a += b + x + c as i32;
        _log.push(a);
        a
    }
    let mut log = Vec::new();
    let mut call = |a, b, x, c| sum(a, (b, 0), Point { x }, &|| (), &mut log, c, [7; 32]);
    assert_shared_and_apart!(
        call(1, 1, 1, 1.0),
        call(2, 1, 1, 1.0),
        call(1, 2, 1, 1.0),
        call(1, 1, 2, 1.0),
        call(1, 1, 1, 1.5),
    );
    assert_eq!(log, [4, 5, 5, 5, 4]);
}

#[test]
fn equal_arguments_are_the_same_call_whoever_owns_them() {
    type Limits = HashMap<String, f64>;
    static RUNS: Count = Count::new();
    #[singleton]
    fn borrowed(a: &str, b: &[u8], c: Option<&str>, d: Cow<'_, str>, e: &Path, f: &&u32) -> usize {
        RUNS.add();
        let text = a.len() + c.map_or(0, str::len) + d.len() + e.as_os_str().len();
        text + b.len() + **f as usize
    }
    #[singleton]
    #[allow(clippy::boxed_local)]
    fn owned(a: Box<str>, b: &Limits, c: HashSet<u8>) -> usize {
        RUNS.add();
        a.len() + b.len() + c.len()
    }
    #[memo]
    fn stored(a: Box<str>) -> Box<str> {
        RUNS.add();
        a
    }
    let (a, c) = (String::from("a"), String::from("c"));
    let first = borrowed("a", &[1], Some("c"), Cow::Borrowed("d"), Path::new("e"), &&1);
    let again = borrowed(
        &a,
        Vec::from([1]).as_slice(),
        Some(&c),
        Cow::Owned("d".into()),
        "e".as_ref(),
        &&1,
    );
    assert!(Arc::ptr_eq(&first, &again));

    let names = ["a", "b", "c", "d", "e", "f"];
    let limits = Limits::from(names.map(|name| (name.to_owned(), 0.5)));
    let reversed = names.iter().rev().map(|&name| (name.to_owned(), 0.5)).collect();
    let first = owned("a".into(), &limits, HashSet::from([1, 2, 3]));
    let again = owned(a.clone().into(), &reversed, HashSet::from([3, 2, 1]));
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(stored("a".into()), stored(a.into()));
    assert_eq!(RUNS.get(), 3);
}

#[test]
fn functions_keep_what_they_were_declared_with() {
    #[singleton]
    unsafe fn device(port: u32) -> u32 {
        port
    }
    #[singleton]
    #[allow(improper_ctypes_definitions)]
    extern "C" fn handle(port: u32) -> u32 {
        port
    }
    #[singleton]
    fn r#type(r#in: u32) -> u32 {
        r#in
    }
    #[singleton]
    fn f() -> u32 {
        1
    }
    #[singleton]
    #[allow(non_snake_case)]
    fn F() -> u32 {
        #[singleton]
        #[inline]
        fn f() -> u32 {
            2
        }
        *f()
    }
    #[singleton]
    #[must_use = "it may have failed"]
    #[deprecated]
    fn old(port: u32) -> Result<u32, String> {
        if port == 0 {
            return Err("zero".into());
        }
        Ok(port.checked_add(1).ok_or("overflow")?)
    }
    #[singleton]
    #[cfg(not(test))]
    fn never(x: Missing) -> Missing {}

    // SAFETY: the function asks for nothing.
    assert_shared_and_apart!(unsafe { device(1) }, unsafe { device(2) });
    let pointer: extern "C" fn(u32) -> Arc<u32> = handle;
    assert_shared_and_apart!(pointer(1), pointer(2), r#type(1), f(), F());
    assert!(r#type::contains(1) && r#type::stats().name.ends_with("::type"));
    #[expect(deprecated)]
    let (zero, last, one) = (old(0), old(u32::MAX), old(1));
    assert_eq!((zero, last, one), (Err("zero".into()), Err("overflow".into()), Ok(Arc::new(2))));
}

mod visible {
    #[memo::singleton]
    pub(super) fn to_super() -> u8 {
        1
    }
    #[memo::singleton]
    pub(in crate::singletons) fn to_path() -> u8 {
        2
    }
    #[memo::singleton]
    pub fn to_all() -> u8 {
        3
    }
}

#[test]
fn companions_are_as_visible_as_the_function_and_travel_with_it() {
    use visible::{to_all, to_path as renamed};
    assert_shared_and_apart!(visible::to_super(), renamed(), to_all());
    assert!(visible::to_super::contains() && renamed::remove() && to_all::get().is_some());
}

#[test]
fn whatever_can_be_shared_is_shared() {
    #[singleton]
    fn maybe(x: u32) -> Option<u32> {
        (x > 0).then_some(x)
    }
    #[singleton]
    fn boxed() -> Box<dyn Fn(u32) -> u32 + Send + Sync> {
        Box::new(|x| x + 1)
    }
    #[singleton]
    fn slice() -> Arc<[u8]> {
        [1, 2].into()
    }
    assert_shared_and_apart!(maybe(0), maybe(1));
    assert_eq!((boxed()(1), &*slice()), (2, &[1, 2][..]));
    assert!(Arc::ptr_eq(&boxed(), &boxed()) && Arc::ptr_eq(&slice(), &slice()));
}

#[test]
fn options_mean_what_they_mean_for_memo() {
    static RUNS: Count = Count::new();
    #[singleton(key = url.trim_end_matches('/'), name = "pools", handle = pools)]
    fn pool(url: &str) -> String {
        RUNS.add();
        url.to_owned()
    }
    mod pool {}
    #[singleton(skip(retries))]
    fn session(user: &str, retries: u32) -> String {
        format!("{user} {retries}")
    }
    assert!(Arc::ptr_eq(&pool("db"), &pool("db/")) && pools::contains("db//"));
    assert_eq!((RUNS.get(), pools::stats().name), (1, "pools"));
    assert!(Arc::ptr_eq(&session("ada", 1), &session("ada", 2)) && session::contains("ada"));
}
