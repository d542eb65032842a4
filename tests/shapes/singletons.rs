use crate::Runs;
use memo::singleton;
use std::io;
use std::panic::Location;
use std::sync::Arc;

#[test]
fn a_value_is_shared_by_reference() {
    static RUNS: Runs = Runs::new();
    #[singleton]
    fn text(x: u32) -> String {
        RUNS.add();
        x.to_string()
    }
    let first = text(1);
    assert!(Arc::ptr_eq(&first, &text(1)) && !Arc::ptr_eq(&first, &text(2)));
    assert!(text::get(1).is_some_and(|got| Arc::ptr_eq(&first, &got)));
    assert_eq!((RUNS.count(), text::uncached(1)), (2, "1".into()));
    assert!(!Arc::ptr_eq(&first, &text::refresh(1)) && text::remove(1) && !text::contains(1));
    text::clear();
    assert_eq!(text::stats().entries, 0);
}

#[test]
fn an_error_is_tried_again() {
    static RUNS: Runs = Runs::new();
    #[singleton]
    fn connect(port: u16) -> io::Result<String> {
        RUNS.add();
        if port == 0 {
            Err(io::Error::other("port"))
        } else {
            Ok(port.to_string())
        }
    }
    assert!(connect(0).is_err() && connect(0).is_err());
    assert!(connect(1).is_ok_and(|made| Arc::ptr_eq(&made, &connect(1).unwrap())));
    assert_eq!(RUNS.count(), 3);
}

#[test]
fn an_arc_is_shared_as_it_is() {
    #[singleton]
    fn adder(n: u32) -> Arc<dyn Fn(u32) -> u32 + Send + Sync> {
        Arc::new(move |x| x + n)
    }
    #[singleton]
    fn checked(n: u32) -> Result<Arc<str>, String> {
        Ok(n.to_string().into())
    }
    assert_eq!((adder(1)(1), adder(2)(1), checked(3).as_deref()), (2, 3, Ok("3")));
    assert!(Arc::ptr_eq(&adder(1), &adder(1)));
}

#[test]
fn a_resource_that_is_no_longer_valid_is_replaced() {
    static RUNS: Runs = Runs::new();
    #[singleton(validate = |session| session.len() < 3, on_release = drop_session)]
    fn session(_name: &str) -> String {
        RUNS.add();
        _name.into()
    }
    fn drop_session(_: &String) {}
    session("too long");
    session("ok");
    session("kept");
    assert_eq!((RUNS.count(), session("").as_str()), (2, "ok"));
}

#[test]
fn the_callers_line_reaches_the_body() {
    #[singleton]
    #[track_caller]
    fn line(x: u32) -> Result<u32, u32> {
        if x == 0 {
            Err(Location::caller().line())
        } else {
            Ok(Location::caller().line())
        }
    }
    assert_eq!((line(0), line(1)), (Err(line!()), Ok(Arc::new(line!()))));
}

#[test]
fn generic_singletons_are_apart() {
    #[singleton]
    fn default<T: Default + Send + Sync + 'static>() -> T {
        T::default()
    }
    assert_eq!((default::<u8>(), default::<String>()), (Arc::new(0), Arc::default()));
    assert!(Arc::ptr_eq(&default::<String>(), &default::<String>()) && default::remove::<u8>());
}

#[test]
fn methods_share_too() {
    #[derive(serde::Serialize)]
    struct Config(u32);
    impl Config {
        #[singleton]
        fn pool(&self) -> Vec<u32> {
            vec![self.0]
        }
        #[singleton(in_impl)]
        fn global() -> Vec<u32> {
            vec![]
        }
    }
    trait Source {
        fn open(&self) -> Result<Arc<Vec<u32>>, String>;
    }
    impl Source for Config {
        #[singleton(in_trait)]
        fn open(&self) -> Result<Arc<Vec<u32>>, String> {
            let first = vec![self.0].pop().ok_or("empty")?;
            Ok(Arc::new(vec![first]))
        }
    }
    assert!(Arc::ptr_eq(&Config(1).pool(), &Config(1).pool()));
    assert!(Config(1).pool_contains() && !Config(2).pool_contains());
    assert!(Arc::ptr_eq(&Config::global(), &Config::global()));
    assert!(Arc::ptr_eq(&Config(1).open().unwrap(), &Config(1).open().unwrap()));
}
