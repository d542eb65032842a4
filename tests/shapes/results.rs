use crate::Runs;
use memo::memo;
use serde::{Deserialize, Serialize};
use std::io;
use std::rc::Rc;

struct NotSerializable;

type Fallible<T> = Result<T, NotSerializable>;

#[test]
fn only_ok_is_stored() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn half(x: u32) -> Result<u32, NotSerializable> {
        RUNS.add();
        if x.is_multiple_of(2) {
            Ok(x / 2)
        } else {
            Err(NotSerializable)
        }
    }
    assert!(half(4).is_ok() && half(4).is_ok());
    assert_eq!(RUNS.count(), 1);
    assert!(half(3).is_err() && half(3).is_err());
    assert_eq!((RUNS.count(), half::contains(3)), (3, false));
    half::insert(4, Ok(7));
    assert!(matches!(half::get(4), Some(Ok(7))));
}

#[test]
fn an_alias_of_result_is_a_result() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn own() -> Fallible<u32> {
        RUNS.add();
        Err(NotSerializable)
    }
    #[memo]
    fn standard() -> io::Result<u32> {
        RUNS.add();
        Err(io::Error::other("no"))
    }
    assert!(own().is_err() && own().is_err() && standard().is_err() && standard().is_err());
    assert_eq!(RUNS.count(), 4);
}

#[test]
fn an_error_may_borrow() {
    struct Borrowed<'a>(&'a str);
    #[memo]
    fn check(x: u32, _name: &str) -> Result<u32, Borrowed<'_>> {
        if x == 0 {
            Err(Borrowed(_name))
        } else {
            Ok(x)
        }
    }
    assert!(matches!(check(0, "name"), Err(Borrowed("name"))));
    assert!(check(1, "name").is_ok() && matches!(check::get(1), Some(Ok(1))));
}

#[test]
fn every_owned_result_is_a_hit() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn nothing() {
        RUNS.add();
    }
    #[memo]
    fn option(x: u32) -> Option<Option<u32>> {
        RUNS.add();
        (x > 0).then(|| (x > 1).then_some(x))
    }
    #[memo]
    fn boxed() -> Box<[u8]> {
        RUNS.add();
        [1, 2].into()
    }
    for _ in 0..2 {
        nothing();
        assert_eq!([option(0), option(1), option(2)], [None, Some(None), Some(Some(2))]);
        assert_eq!(*boxed(), [1, 2]);
    }
    assert_eq!(RUNS.count(), 5);
}

#[test]
fn a_result_need_not_be_send_nor_sync_nor_clone() {
    #[derive(Serialize, Deserialize)]
    struct Local {
        value: u32,
        #[serde(skip)]
        shared: Rc<u32>,
    }
    static RUNS: Runs = Runs::new();
    #[memo]
    fn local(value: u32) -> Local {
        RUNS.add();
        Local { value, shared: Rc::new(value) }
    }
    let (first, second) = (local(1), local(1));
    assert_eq!((first.value, second.value, RUNS.count()), (1, 1, 1));
    assert_eq!((*first.shared, *second.shared), (1, 0));
}
