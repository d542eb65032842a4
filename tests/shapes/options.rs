use crate::Runs;
use memo::memo;

#[test]
fn key_replaces_the_parameters() {
    static RUNS: Runs = Runs::new();
    #[memo(key = url.trim_end_matches('/'))]
    fn fetch(url: &str, retries: u32) -> u32 {
        RUNS.add();
        retries
    }
    assert_eq!((fetch("a", 1), fetch("a/", 2), fetch("b", 3)), (1, 1, 3));
    assert_eq!((fetch::get("a//", 0), RUNS.count()), (Some(1), 2));
}

#[test]
fn key_sees_names_bound_by_patterns_and_self() {
    struct User {
        id: u32,
    }
    impl User {
        #[memo(key = (self.id, *a))]
        fn add(&mut self, (a, f): (u32, fn(u32) -> u32)) -> u32 {
            self.id += 1;
            f(self.id + a)
        }
    }
    let mut user = User { id: 1 };
    assert_eq!((user.add((1, |x| x)), user.id), (3, 2));
    user.id = 1;
    assert_eq!((user.add((1, |x| 2 * x)), user.id), (3, 1));
    assert_eq!((user.add((2, |x| 2 * x)), user.add_contains((9, |x| x))), (8, false));
}

#[test]
fn skip_leaves_a_parameter_out() {
    static RUNS: Runs = Runs::new();
    #[memo(skip(buffer, seed))]
    fn fill(x: u32, buffer: &mut Vec<u32>, seed: f32) -> u32 {
        RUNS.add();
        buffer.push(x);
        seed as u32 + x
    }
    let mut buffer = Vec::new();
    assert_eq!((fill(1, &mut buffer, 0.5), fill(1, &mut buffer, 9.5)), (1, 1));
    assert_eq!((buffer, fill::get(1), RUNS.count()), (vec![1], Some(1), 1));
}

#[test]
fn cache_if_decides_on_the_declared_result() {
    static RUNS: Runs = Runs::new();
    #[memo(cache_if = |result| matches!(result, Ok(x) if *x > 9))]
    fn check(x: u32) -> Result<u32, String> {
        RUNS.add();
        Ok(x)
    }
    #[memo(cache_if = Option::is_some)]
    fn find(x: u32) -> Option<u32> {
        (x > 9).then_some(x)
    }
    for x in [1, 1, 10, 10] {
        assert_eq!((check(x), find(x)), (Ok(x), Some(x).filter(|x| *x > 9)));
    }
    assert_eq!((RUNS.count(), check::contains(1), check::contains(10)), (3, false, true));
    assert!(!find::contains(1) && find::contains(10));
}

#[test]
fn cache_err_stores_errors_too() {
    static RUNS: Runs = Runs::new();
    #[memo(cache_err)]
    fn fail(x: u32) -> Result<u32, String> {
        RUNS.add();
        Err(format!("{x}"))
    }
    assert_eq!(
        (fail(1), fail(1), fail::get(1)),
        (Err("1".into()), Err("1".into()), Some(Err("1".into())))
    );
    assert_eq!(RUNS.count(), 1);
}

#[test]
fn handle_names_the_companions() {
    #[memo(handle = parser_cache)]
    fn parser(x: u32) -> u32 {
        x
    }
    mod parser {}
    struct Tree;
    impl Tree {
        #[memo(in_impl, handle = leaves)]
        fn leaf(x: u32) -> u32 {
            x
        }
    }
    assert_eq!((parser(1), parser_cache::get(1)), (1, Some(1)));
    assert_eq!((Tree::leaf(1), Tree::leaves_get(1)), (1, Some(1)));
}

#[test]
fn name_and_version_are_identity() {
    #[memo(name = "table", version = 2)]
    fn load() -> u8 {
        1
    }
    load();
    assert_eq!(load::stats().name, "table");
}

mod facade {
    pub mod deep {
        pub use memo as cache;
    }
}

#[test]
fn the_crate_may_have_another_path() {
    use crate::options::facade::deep::cache::{memo as attribute, singleton};
    #[attribute(crate = crate::options::facade::deep::cache)]
    fn one() -> u8 {
        1
    }
    #[singleton(crate = crate::options::facade::deep::cache)]
    fn two() -> String {
        "two".into()
    }
    assert_eq!((one(), one::get(), two().as_str(), two::contains()), (1, Some(1), "two", true));
}
