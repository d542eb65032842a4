//! Has memo under a name of its own, and hands it on.
//!
//! ```
//! #[cache::memo]
//! fn double(x: u64) -> u64 {
//!     2 * x
//! }
//!
//! assert_eq!((double(4), double::get(4)), (8, Some(8)));
//! ```

pub use cache as memo;

/// What a macro of this crate writes into one that has never heard of memo.
#[macro_export]
macro_rules! cached {
    ($vis:vis fn $name:ident($param:ident: $in:ty) -> $out:ty $body:block) => {
        #[$crate::memo::memo(crate = $crate::memo)]
        $vis fn $name($param: $in) -> $out $body
    };
}

/// The second power, once.
///
/// ```
/// assert_eq!(reexport::square(4), 16);
/// assert_eq!(reexport::square::stats().misses, 1);
/// ```
#[cache::memo]
pub fn square(x: u64) -> u64 {
    x * x
}

#[cache::memo(cache_err)]
pub fn root(x: i64) -> Result<i64, String> {
    if x < 0 {
        return Err(format!("{x} has none"));
    }
    Ok((x as f64).sqrt() as i64)
}

#[cache::memo(crate = ::cache)]
pub async fn later(x: u64) -> u64 {
    x + 1
}

/// One for everybody.
///
/// ```
/// assert_eq!(*reexport::pool("db"), "db");
/// assert_eq!(reexport::pool::stats().misses, 1);
/// ```
#[cache::singleton]
pub fn pool(url: &str) -> String {
    url.into()
}

pub struct Scale(pub u64);

pub trait Stretch {
    fn stretch(&self, x: u64) -> u64;
}

impl Scale {
    #[cache::memo(crate = cache, key = (self.0, x))]
    pub fn apply(&self, x: u64) -> u64 {
        self.0 * x
    }

    #[cache::singleton(in_impl)]
    pub fn unit() -> Self {
        Scale(1)
    }
}

impl Stretch for Scale {
    #[cache::memo(in_trait, key = (self.0, x))]
    fn stretch(&self, x: u64) -> u64 {
        self.0 + x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn every_kind_of_function_works_under_another_name() {
        assert_eq!((square(4), square::get(4)), (16, Some(16)));
        assert_eq!((root(9), root(-1)), (Ok(3), Err("-1 has none".into())));
        assert!(root::contains(-1) && !later::contains(1));
        assert!(Arc::ptr_eq(&pool("db"), &pool("db")));
        assert_eq!((Scale(2).apply(3), Scale(2).apply_get(3)), (6, Some(6)));
        assert_eq!((Scale(2).stretch(3), Scale(2).stretch(3)), (5, 5));
        assert!(Arc::ptr_eq(&Scale::unit(), &Scale::unit()));
        let stats: cache::Stats = square::stats();
        assert_eq!(stats.name, "reexport::square");
    }
}
