//! The memo crate where it is not called `memo`.

use std::sync::Arc;

use reexport::memo::{memo, singleton};

use crate::Count;

#[test]
fn a_reexport_is_as_good_as_the_crate() {
    static RUNS: Count = Count::new();
    #[memo(crate = reexport::memo)]
    fn double(x: u32) -> u32 {
        RUNS.add();
        2 * x
    }
    #[singleton(crate = reexport::memo)]
    fn pool(url: &str) -> Result<String, String> {
        Ok(url.into())
    }
    assert_eq!((double(2), double(2), RUNS.get()), (4, 4, 1));
    assert!(Arc::ptr_eq(&pool("db").unwrap(), &pool("db").unwrap()));
}

#[test]
fn a_macro_of_another_crate_writes_memoized_functions() {
    static RUNS: Count = Count::new();
    reexport::cached! {
        pub fn triple(x: u32) -> u32 {
            RUNS.add();
            3 * x
        }
    }
    assert_eq!((triple(2), triple(2), RUNS.get()), (6, 6, 1));
    assert_eq!(triple::get(2), Some(6));
}

#[test]
fn a_crate_that_has_it_renamed_has_the_same_caches() {
    assert_eq!((reexport::square(5), reexport::square::get(5)), (25, Some(25)));
    assert!(reexport::memo::stats().iter().any(|stats| stats.name == "reexport::square"));
    assert!(memo::stats().iter().any(|stats| stats.name == "reexport::square"));
}
