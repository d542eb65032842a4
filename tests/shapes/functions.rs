use crate::Runs;
use memo::memo;
use std::panic::Location;

#[test]
fn an_unsafe_function_stays_unsafe() {
    #[memo]
    unsafe fn read(x: u32) -> u32 {
        x
    }
    // SAFETY: the function asks for nothing.
    assert_eq!(unsafe { (read(1), read::refresh(1), read::uncached(1)) }, (1, 1, 1));
    assert_eq!(read::get(1), Some(1));
}

#[test]
fn an_extern_function_keeps_its_abi() {
    #[memo]
    extern "C" fn double(x: u32) -> u32 {
        2 * x
    }
    let pointer: extern "C" fn(u32) -> u32 = double;
    assert_eq!((pointer(2), double::get(2)), (4, Some(4)));
}

#[test]
fn raw_names_are_names() {
    #[memo]
    fn r#match(r#type: u32) -> u32 {
        r#type + 1
    }
    assert_eq!((r#match(1), r#match::get(1)), (2, Some(2)));
    assert!(r#match::stats().name.ends_with("::match"));
}

#[test]
#[allow(non_snake_case)]
fn a_function_beside_its_uppercase_twin() {
    #[memo]
    fn f() -> u8 {
        1
    }
    #[memo]
    fn F() -> u8 {
        2
    }
    assert_eq!((f(), F(), f(), F()), (1, 2, 1, 2));
}

#[test]
fn functions_nest() {
    #[memo]
    fn outer(x: u32) -> u32 {
        #[memo]
        fn inner(x: u32) -> u32 {
            x + 1
        }
        inner::insert(2, 10);
        inner(x) + inner(2)
    }
    assert_eq!((outer(1), outer(1)), (12, 12));
}

#[test]
fn a_function_calls_itself_through_the_cache() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn fibonacci(n: u64) -> u64 {
        RUNS.add();
        if n < 2 {
            n
        } else {
            fibonacci(n - 1) + fibonacci(n - 2)
        }
    }
    assert_eq!((fibonacci(80), RUNS.count()), (23_416_728_348_467_685, 81));
}

#[test]
fn early_returns_leave_the_body_only() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn parse(text: &str) -> Option<u32> {
        RUNS.add();
        if text.is_empty() {
            return Some(0);
        }
        let number: u32 = text.parse().ok()?;
        Some(number)
    }
    let all = || [parse(""), parse("1"), parse("x")];
    assert_eq!(
        (all(), all(), RUNS.count()),
        ([Some(0), Some(1), None], [Some(0), Some(1), None], 3)
    );
}

#[test]
fn the_callers_line_reaches_the_body() {
    #[memo]
    #[track_caller]
    fn line(_x: u32) -> u32 {
        Location::caller().line()
    }
    assert_eq!(line(1), line!());
    assert_eq!(line::refresh(1), line!());
    assert_eq!(line::uncached(1), line!());
}

#[test]
fn attributes_stay_where_they_have_their_meaning() {
    #[memo]
    #[cfg(not(test))]
    fn never(x: Missing) -> Missing {}

    #[memo]
    #[cfg(test)]
    #[cfg_attr(test, inline, allow(unused_variables))]
    #[must_use]
    #[expect(clippy::needless_pass_by_value)]
    fn always(x: String) -> usize {
        #![allow(unused_mut)]
        let mut unused = 1;
        2
    }

    #[memo]
    #[deprecated]
    fn old() -> u8 {
        1
    }

    assert_eq!((always("a".into()), always::get("a".into())), (2, Some(2)));
    #[expect(deprecated)]
    let value = old();
    assert_eq!(old::get(), Some(value));
}

mod visible {
    use memo::memo;

    #[memo]
    pub(super) fn to_super() -> u8 {
        1
    }
    #[memo]
    pub(in crate::functions) fn to_path() -> u8 {
        2
    }
    #[memo]
    pub fn to_all() -> u8 {
        3
    }
    pub(super) mod deep {
        pub(in crate::functions) use super::to_path as renamed;
    }
}

#[test]
fn companions_are_as_visible_as_the_function_and_travel_with_it() {
    use visible::deep::renamed;
    use visible::to_all;
    assert_eq!((visible::to_super(), renamed(), to_all()), (1, 2, 3));
    assert_eq!(
        (visible::to_super::get(), renamed::get(), to_all::get()),
        (Some(1), Some(2), Some(3))
    );
}

#[test]
fn a_macro_can_write_the_function() {
    macro_rules! cached {
        ($name:ident, $param:ident: $in:ty => $out:ty, $body:expr) => {
            #[memo]
            fn $name($param: $in, extra: u32) -> $out {
                let sum = $body;
                sum + extra
            }
        };
    }
    cached!(plus_one, x: u32 => u32, x + 1);
    assert_eq!((plus_one(1, 2), plus_one::get(1, 2)), (4, Some(4)));
}

#[test]
fn a_body_uses_its_own_companions() {
    #[memo]
    fn factorial(n: u64) -> u64 {
        if n == 0 {
            return 1;
        }
        let before = factorial::get(n - 1).unwrap_or_else(|| factorial::refresh(n - 1));
        factorial::insert(n - 1, before);
        n * before
    }
    assert_eq!((factorial(5), factorial::stats().entries), (120, 6));
}

mod tools {
    pub(super) struct Tool;
    pub(super) mod parser {
        pub(in crate::functions) const LIMIT: usize = 2;
    }
    impl Tool {
        #[memo::memo(in_impl)]
        pub(super) fn std(x: u32) -> u32 {
            std::cmp::max(x, 1)
        }
        #[memo::memo(skip(self))]
        pub(super) fn parser(&self, text: &str) -> usize {
            text.len().min(parser::LIMIT)
        }
    }
    #[memo::memo]
    pub(super) fn serde_json(text: &str) -> usize {
        ::serde_json::from_str::<::serde_json::Value>(text)
            .map_or(0, |value| value.to_string().len())
    }
}

#[test]
fn a_method_may_have_the_name_of_a_crate_or_module_and_a_function_that_of_an_absolute_one() {
    assert_eq!((tools::Tool::std(0), tools::Tool.parser("abc")), (1, 2));
    assert_eq!((tools::serde_json(" 12 "), tools::parser::LIMIT), (2, 2));
}
