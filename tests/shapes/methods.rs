use crate::Runs;
use memo::memo;
use serde::Serialize;
use std::marker::PhantomData;
use std::sync::Arc;

#[derive(Clone, Serialize)]
struct Rect {
    width: u32,
    height: u32,
}

static AREA: Runs = Runs::new();
static LOADED: Runs = Runs::new();
static INTO_AREA: Runs = Runs::new();
static SHARED: Runs = Runs::new();

impl Rect {
    #[memo]
    fn area(&self, scale: u32) -> u32 {
        AREA.add();
        self.width * self.height * scale
    }

    #[memo(skip(self))]
    fn load(&mut self, id: u32) -> u32 {
        LOADED.add();
        self.width = id;
        id
    }

    #[memo]
    fn into_area(mut self) -> u32 {
        INTO_AREA.add();
        self.width *= self.height;
        self.width
    }

    #[memo]
    fn shared(self: Arc<Self>, x: u32) -> u32 {
        SHARED.add();
        self.width + x
    }

    #[memo(in_impl)]
    fn square(side: u32) -> u32 {
        side * side
    }

    #[memo]
    fn r#type(&self) -> String {
        "rect".into()
    }
}

#[test]
fn self_is_part_of_the_key() {
    let (a, b) = (Rect { width: 1, height: 2 }, Rect { width: 3, height: 4 });
    assert_eq!((a.area(1), b.area(1), a.clone().area(1), AREA.count()), (2, 12, 2, 2));
    assert_eq!((a.area_get(1), a.area_get(2)), (Some(2), None));
    assert!(a.area_remove(1) && !a.area_contains(1) && b.area_contains(1));
    b.area_insert(1, 0);
    assert_eq!((b.area(1), b.area_refresh(1), b.area_uncached(1)), (0, 12, 12));
    Rect::area_clear();
    assert!(!b.area_contains(1));
}

#[test]
fn a_skipped_self_is_not_part_of_the_key() {
    let (mut a, mut b) = (Rect { width: 1, height: 1 }, Rect { width: 2, height: 1 });
    assert_eq!((a.load(7), b.load(7), LOADED.count()), (7, 7, 1));
    assert_eq!((a.width, b.width), (7, 2));
    assert_eq!(Rect::load_get(7), Some(7));
}

#[test]
fn self_by_value_is_taken_by_reference_to_look() {
    let rect = Rect { width: 3, height: 4 };
    assert_eq!((rect.clone().into_area(), rect.clone().into_area()), (12, 12));
    assert_eq!((rect.into_area_get(), INTO_AREA.count()), (Some(12), 1));
}

#[test]
fn self_in_an_arc_is_compared_by_content() {
    let rect = Rect { width: 3, height: 4 };
    assert_eq!((Arc::new(rect.clone()).shared(1), Arc::new(rect.clone()).shared(1)), (4, 4));
    assert_eq!((rect.shared_get(1), SHARED.count()), (Some(4), 1));
}

#[test]
fn associated_functions_say_so() {
    assert_eq!((Rect::square(3), Rect::square_get(3)), (9, Some(9)));
}

#[test]
fn a_raw_name_prefixes_its_companions_plainly() {
    let rect = Rect { width: 1, height: 1 };
    assert_eq!((rect.r#type(), rect.type_get()), ("rect".into(), Some("rect".into())));
}

#[derive(Serialize)]
struct Wrapper<T>(PhantomData<T>);

impl<T> Wrapper<T> {
    #[memo]
    fn size(&self) -> usize {
        size_of::<T>()
    }

    #[memo(in_impl)]
    fn sum<U>(x: usize) -> usize {
        x + size_of::<T>() + size_of::<U>()
    }
}

#[test]
fn the_type_parameters_of_an_impl_are_part_of_the_key() {
    let (a, b) = (Wrapper::<u8>(PhantomData), Wrapper::<u16>(PhantomData));
    assert_eq!((a.size(), b.size()), (1, 2));
    assert_eq!((Wrapper::<u8>::sum::<u8>(1), Wrapper::<u16>::sum::<u8>(1)), (3, 4));
    assert_eq!(
        (Wrapper::<u8>::sum_get::<u8>(1), Wrapper::<u8>::sum_get::<u64>(1)),
        (Some(3), None)
    );
}

trait Animal {
    fn name(&self) -> String;

    #[memo(in_trait)]
    fn greeting(&self, (polite, loud): (bool, bool)) -> Result<String, String>
    where
        Self: Serialize,
    {
        if !polite {
            return Err("rude".into());
        }
        let name = Some(self.name()).filter(|name| !name.is_empty()).ok_or("nameless")?;
        Ok(if loud { name.to_uppercase() } else { name })
    }

    #[memo(in_trait)]
    fn legs(mut times: usize) -> usize
    where
        Self: Sized,
    {
        times *= 4;
        times + size_of::<Self>()
    }
}

#[derive(Serialize)]
struct Dog(u8);
#[derive(Serialize)]
struct Ant;

static NAMES: Runs = Runs::new();

impl Animal for Dog {
    #[memo(in_trait)]
    fn name(&self) -> String {
        NAMES.add();
        format!("dog {}", self.0)
    }
}

impl Animal for Ant {
    #[memo(in_trait)]
    fn name(&self) -> String {
        "ant".into()
    }
}

#[test]
fn methods_of_a_trait_impl_are_cached_in_the_body() {
    assert_eq!(
        (Dog(1).name(), Dog(1).name(), Dog(2).name()),
        ("dog 1".into(), "dog 1".into(), "dog 2".into())
    );
    assert_eq!((NAMES.count(), Ant.name()), (2, "ant".into()));
}

#[test]
fn default_methods_of_a_trait_are_cached_for_each_type() {
    assert_eq!(Ant.greeting((true, false)), Ok("ant".into()));
    assert_eq!(Ant.greeting((true, true)), Ok("ANT".into()));
    assert_eq!(Ant.greeting((false, true)), Err("rude".into()));
    assert_eq!((Dog::legs(1), Ant::legs(1)), (5, 4));
}

#[test]
fn methods_of_one_name_do_not_meet() {
    #[derive(Serialize)]
    struct Same;
    mod other {
        #[derive(serde::Serialize)]
        pub(super) struct Same;
        impl Same {
            #[memo::memo]
            pub(super) fn id(&self) -> u8 {
                2
            }
        }
    }
    impl Same {
        #[memo]
        fn id(&self) -> u8 {
            1
        }
    }
    assert_eq!((Same.id(), other::Same.id()), (1, 2));
}

#[test]
fn statistics_name_the_type() {
    struct Named;
    impl Named {
        #[memo(in_impl)]
        fn one() -> u8 {
            1
        }
    }
    Named::one();
    assert!(Named::one_stats().name.ends_with("Named::one"), "{}", Named::one_stats().name);
}

#[test]
fn errors_may_borrow_in_a_trait_too() {
    trait Check {
        fn check<'a>(&self, _name: &'a str, ok: bool) -> Result<u8, &'a str>;
    }
    impl Check for Ant {
        #[memo(in_trait)]
        fn check<'a>(&self, _name: &'a str, ok: bool) -> Result<u8, &'a str> {
            if ok {
                Ok(1)
            } else {
                Err(_name)
            }
        }
    }
    trait Elided {
        #[memo(in_trait)]
        fn elided(&self, ok: bool) -> Result<u8, &str>
        where
            Self: Serialize,
        {
            if ok {
                Ok(1)
            } else {
                Err("no")
            }
        }
    }
    impl Elided for Ant {}
    assert_eq!((Ant.check("name", false), Ant.check("name", true)), (Err("name"), Ok(1)));
    assert_eq!((Ant.elided(false), Ant.elided(true)), (Err("no"), Ok(1)));
}
