use crate::Runs;
use memo::memo;
use serde::de::DeserializeOwned;
use serde::Serialize;

#[test]
fn type_parameters_are_part_of_the_key() {
    #[memo]
    fn size<T>() -> usize {
        size_of::<T>()
    }
    assert_eq!((size::<u32>(), size::<u64>(), size::<[u8; 3]>()), (4, 8, 3));
    assert_eq!((size::get::<u32>(), size::get::<u8>()), (Some(4), None));
    size::clear();
    assert_eq!(size::get::<u32>(), None);
}

#[test]
fn const_parameters_are_part_of_the_key() {
    #[memo]
    fn number<const N: usize, const NEGATIVE: bool>() -> isize {
        if NEGATIVE {
            -(N as isize)
        } else {
            N as isize
        }
    }
    assert_eq!((number::<1, false>(), number::<2, false>(), number::<1, true>()), (1, 2, -1));
}

#[test]
fn equal_encodings_of_two_types_are_apart() {
    #[memo]
    fn name<T: Serialize>(value: T) -> String {
        let _ = value;
        std::any::type_name::<T>().into()
    }
    assert_eq!((name(1_u8), name(1_u64)), ("u8".into(), "u64".into()));
}

#[test]
fn bounds_and_where_clauses_are_kept() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn largest<'a, T>(items: &'a [T], _name: &'a str) -> Option<T>
    where
        T: Serialize + DeserializeOwned + PartialOrd + Clone + 'a,
    {
        RUNS.add();
        items.iter().fold(None, |max, x| max.filter(|max| max >= x).or_else(|| Some(x.clone())))
    }
    assert_eq!(largest(&[1.5, 3.5, 2.5], "a"), Some(3.5));
    assert_eq!(largest(&[1.5, 3.5, 2.5], "b"), Some(3.5));
    assert_eq!((largest::get(&[1.5, 3.5, 2.5]), RUNS.count()), (Some(Some(3.5)), 1));
}

#[test]
fn a_type_parameter_needs_no_static_bound() {
    #[memo]
    fn length<T: AsRef<str> + Serialize>(text: T) -> usize {
        text.as_ref().len()
    }
    let local = String::from("local");
    assert_eq!((length(local.as_str()), length(&local)), (5, 5));
}

#[test]
fn hashed_impl_trait_arguments_are_told_apart_by_type() {
    #[memo]
    fn kind(value: &(impl Serialize + Sync), _scale: u32) -> String {
        std::any::type_name_of_val(value).into()
    }
    assert_eq!((kind(&1_u8, 1), kind(&1_i8, 1)), ("u8".into(), "i8".into()));
    assert_eq!((kind::get(&1_u8), kind::get(&1_u16)), (Some("u8".into()), None));
}

#[test]
fn ignored_impl_trait_arguments_are_told_apart_by_type() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn apply<const N: usize>(_f: impl Fn(usize) -> usize, x: usize, _: Option<impl Copy>) -> usize {
        RUNS.add();
        _f(x) + N
    }
    fn double(x: usize) -> usize {
        2 * x
    }
    let triple = |x| 3 * x;
    assert_eq!((apply::<1>(double, 2, Some(0_u8)), apply::<1>(triple, 2, Some(0_u8))), (5, 7));
    assert_eq!((apply::<1>(triple, 2, Some(1_u8)), RUNS.count()), (7, 2));
    apply::<1>(double as fn(usize) -> usize, 2, Some(0_u8));
    assert_eq!(apply::get::<1, fn(usize) -> usize, u8>(2), Some(5));
}
