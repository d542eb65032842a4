//! What is declared here is blameless, and so is what becomes of it.

use ::memo::{memo, singleton};
use ::std::borrow::ToOwned;
use ::std::format;
use ::std::string::String;
use ::std::sync::Arc;

/// Everything that lints look at: visible, fallible, with many parameters.
///
/// # Errors
/// Never.
#[memo]
pub fn public(a: &str, b: u8, c: u8, _d: &str, (_e, f): (u8, u8)) -> ::std::io::Result<String> {
    ::std::assert!(b < 255 && c < 255 && f < 255);
    ::std::result::Result::Ok(a.to_owned())
}

/// Lifetimes of which the companions need a part.
#[memo]
#[must_use]
pub fn lifetimes<'a, T>(items: &'a [T], _last: &'a T) -> usize
where
    T: ::serde::Serialize + 'a,
{
    items.len()
}

/// More parameters than one may have, but for one.
#[memo]
#[must_use]
pub fn crowded(aa: u8, bb: u8, cc: u8, dd: u8, ee: u8, ff: u8, gg: u8) -> u8 {
    aa + bb + cc + dd + ee + ff + gg
}

/// A type with methods of every kind.
#[derive(Clone, Copy, Debug, ::serde::Serialize)]
pub struct Point {
    x: u8,
}

impl Point {
    /// By reference.
    #[memo]
    #[must_use]
    pub fn x(&self, _scale: u8) -> u8 {
        self.x
    }

    /// By value, with a name that says so.
    #[memo]
    #[must_use]
    pub fn into_x(mut self) -> u8 {
        self.x += 1;
        self.x
    }

    /// Without `self`.
    #[singleton(in_impl)]
    #[must_use]
    pub fn origin() -> Self {
        Self { x: 0 }
    }

    /// A future.
    #[memo]
    pub async fn later(&self, x: u8) -> u8 {
        ::std::future::ready(self.x + x).await
    }
}

/// What only the key is for is used.
#[memo]
#[must_use]
pub fn stamped(path: &str, modified: u64, (version, _): (u8, u8)) -> usize {
    path.len()
}

/// A result that is kept as it is.
#[memo(clone)]
#[must_use]
pub fn kept(path: &str, modified: u64) -> ::std::sync::Arc<usize> {
    ::std::sync::Arc::new(path.len())
}

/// Also what is taken by value.
#[memo]
#[must_use]
pub fn stamped_by_value(path: &str, stamp: ::std::string::String) -> usize {
    path.len()
}

/// What only `enabled` is for is used.
#[memo(enabled = modified > 0 && version > &0, key = path, ttl = |size| lived(*size))]
#[must_use]
pub fn enabled(path: &str, modified: u64, (version, _): (u8, u8)) -> usize {
    path.len()
}

/// In a future, too, and of a resource.
#[singleton(enabled = modified > 0, key = (), ttl = LIFE, jitter = "1m", idle = "1h")]
pub async fn enabled_later(_path: String, modified: u64) -> usize {
    ::std::future::ready(_path.len()).await
}

/// Refreshed behind, by what each says.
#[memo(ttl = |size| lived(*size), refresh = "background", enabled = !path.is_empty())]
#[must_use]
pub fn refreshed(path: &str) -> usize {
    path.len()
}

/// The same in a task.
#[memo(ttl = "1h", refresh = "background", key = path)]
pub async fn refreshed_later(path: &str, _size: usize, _: &[u8]) -> usize {
    ::std::future::ready(path.len() + _size).await
}

/// A task of its own.
///
/// # Errors
/// Never.
#[memo(detached, ttl = "1h", refresh = "background")]
pub async fn detached(
    path: &str,
    _log: String,
    (a, _): (u8, u8),
) -> ::std::result::Result<usize, String> {
    ::std::result::Result::Ok(::std::future::ready(path.len() + _log.len()).await)
}

/// The same of a resource.
#[singleton(detached)]
pub async fn detached_resource(path: String) -> String {
    ::std::future::ready(path).await
}

const LIFE: ::std::time::Duration = ::std::time::Duration::from_secs(60);

fn lived(size: usize) -> ::std::time::Duration {
    if size > 9 {
        LIFE
    } else {
        LIFE * 2
    }
}

/// A future of such.
#[memo(ttl = "1h")]
pub async fn stamped_later(path: ::std::string::String, modified: u64) -> usize {
    ::std::future::ready(path.len()).await
}

/// A resource of such.
#[singleton]
pub async fn stamped_resource(path: &str, modified: u64) -> usize {
    ::std::future::ready(path.len()).await
}

/// So is what only a given key is for, be it left out otherwise.
#[memo(key = (path, modified, version), skip(modified))]
#[must_use]
pub fn keyed(path: &str, modified: u64, [version, ..]: [u8; 2]) -> usize {
    path.len()
}

/// Methods that are the same for every `self`.
pub trait Stamped {
    /// Not async.
    fn stamped(&self, path: &str, modified: u64, version: (u8, u8)) -> usize;
}

impl Stamped for Point {
    #[memo(in_trait)]
    fn stamped(&self, path: &str, modified: u64, (major, minor): (u8, u8)) -> usize {
        path.len()
    }
}

impl Point {
    /// Of nothing but the key.
    #[memo]
    #[must_use]
    pub fn nothing(&self, modified: u64) -> u8 {
        1
    }

    /// Nor here.
    #[memo(in_impl, key = format!("{modified}"))]
    #[must_use]
    pub fn nothing_of(modified: u64) -> u8 {
        1
    }
}

/// A resource.
#[singleton]
#[must_use]
pub fn shared(name: &str) -> Arc<str> {
    ::std::convert::From::from(name)
}

/// The underscore keeps it out of the key and does not say that it is unused.
#[memo]
#[must_use]
pub fn outside_the_key(_items: &[u8], at: usize) -> u8 {
    _items[at]
}

/// Parentheses that a parameter's pattern needs and that of a tuple does not.
#[memo(key = (x, name.len()))]
#[must_use]
pub fn alternatives(
    (::std::result::Result::Ok(x) | ::std::result::Result::Err(x)): ::std::result::Result<u8, u8>,
    name: &str,
) -> usize {
    if x > 0 {
        name.len() + 1
    } else {
        0
    }
}

/// Methods that use what the key leaves out.
pub trait Outside {
    /// In a trait.
    fn outside(&self, _items: &[u8], at: usize) -> u8;
}

impl Outside for Point {
    #[memo(in_trait)]
    fn outside(&self, _items: &[u8], at: usize) -> u8 {
        _items[at]
    }
}

#[::std::prelude::v1::test]
fn nobody_complains() {
    ::std::assert!(public("a", 1, 1, "", (1, 1)).is_ok());
    ::std::assert_eq!((lifetimes(&[1, 2], &1), crowded(1, 1, 1, 1, 1, 1, 1)), (2, 7));
    let point = Point { x: 1 };
    ::std::assert_eq!((point.x(2), point.into_x(), Point::origin().x), (1, 2, 0));
    ::std::assert_eq!(&*shared("a"), "a");
    ::std::mem::drop(point.later(1));
    ::std::assert_eq!((stamped("a", 1, (1, 2)), stamped("a", 2, (1, 2))), (1, 1));
    ::std::assert_eq!(stamped_by_value("a", ::std::string::String::new()), 1);
    ::std::assert_eq!((stamped::stats().misses, keyed("a", 1, [1, 2])), (2, 1));
    ::std::mem::drop((stamped_later("a".to_owned(), 1), stamped_resource("a", 1)));
    ::std::assert_eq!((point.stamped("a", 1, (1, 2)), point.nothing(1)), (1, 1));
    ::std::assert_eq!(Point::nothing_of(1), 1);
    ::std::assert_eq!(alternatives(::std::result::Result::Err(1), "a"), 2);
    ::std::assert_eq!((outside_the_key(&[1, 2], 1), point.outside(&[1, 2], 0)), (2, 1));
}
