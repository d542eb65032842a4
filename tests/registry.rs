//! All functions at once, in a process of their own: `clear_all` would clear other tests' too.

use memo::{memo, singleton};

mod inner {
    #[memo::memo]
    pub(super) fn deep(x: u32) -> u32 {
        x
    }
}

fn wrapper<T: serde::Serialize>(value: T) -> usize {
    #[memo]
    fn nested(x: usize) -> usize {
        x + 1
    }
    drop(value);
    nested(1)
}

#[memo]
fn generic<T: serde::Serialize>(value: T) -> usize {
    let _ = value;
    size_of::<T>()
}

#[singleton]
fn pool(name: &str) -> Vec<String> {
    vec![name.into()]
}

fn entries(stats: &[memo::Stats], name: &str) -> usize {
    let found: Vec<_> = stats.iter().filter(|stats| stats.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {stats:?}");
    found[0].entries
}

#[test]
fn every_function_is_listed_by_its_path_and_cleared_with_all() {
    assert!(memo::stats().iter().all(|stats| !stats.name.ends_with("registry::inner::deep")));
    inner::deep(1);
    inner::deep(2);
    wrapper(0_u8);
    generic(0_u8);
    generic(0_u16);
    let kept = pool("a");

    let names = ["registry::inner::deep", "registry::nested", "registry::generic"];
    let stats = memo::stats();
    assert_eq!(names.map(|name| entries(&stats, name)), [2, 1, 2]);
    assert_eq!(entries(&memo::singleton::stats(), "registry::pool"), 1);

    memo::clear_all();
    let stats = memo::stats();
    assert_eq!(names.map(|name| entries(&stats, name)), [0, 0, 0]);
    // Each attribute has its own registry.
    assert_eq!(entries(&memo::singleton::stats(), "registry::pool"), 1);

    memo::singleton::clear_all();
    assert_eq!(entries(&memo::singleton::stats(), "registry::pool"), 0);
    assert_eq!(*kept, ["a"]);
}
