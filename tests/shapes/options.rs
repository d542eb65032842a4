use crate::async_functions::block_on;
use crate::Runs;
use memo::{memo, singleton};
use std::time::Duration;

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

#[test]
fn a_key_may_look_at_what_is_left_out() {
    struct Context {
        tenant: String,
    }
    static RUNS: Runs = Runs::new();
    #[memo(key = (_context.tenant, id))]
    fn page(_context: &Context, id: u32, _log: &mut Vec<u32>) -> u32 {
        RUNS.add();
        _log.push(id);
        id
    }
    let [ada, bob] = ["ada", "bob"].map(|tenant| Context { tenant: tenant.into() });
    let mut log = Vec::new();
    assert_eq!(
        (page(&ada, 1, &mut log), page(&ada, 1, &mut log), page(&bob, 1, &mut log)),
        (1, 1, 1)
    );
    assert_eq!((log, page::get(&bob, 1), page::remove(&ada, 1)), (vec![1, 1], Some(1), true));
    assert_eq!((page::contains(&ada, 1), page::contains(&bob, 1), RUNS.count()), (false, true, 2));

    impl Context {
        #[memo(skip(self), key = format!("{}-{_id:>03}", self.tenant))]
        fn count(&self, _id: u32, names: &[&str]) -> usize {
            names.len()
        }
    }
    assert_eq!((ada.count(1, &["a"]), ada.count(1, &[]), bob.count(1, &[])), (1, 1, 0));
    assert_eq!(ada.count_get(1, &[]), Some(1));
}

#[test]
fn a_key_moves_nothing_out() {
    #[memo(key = (name, (point.x, point.labels[0])))]
    fn label(name: String, point: Point, times: usize) -> String {
        (name + &point.labels[0]).repeat(times) + &point.x
    }
    struct Point {
        x: String,
        labels: Vec<String>,
    }
    let point = || Point { x: "x".into(), labels: vec!["l".into()] };
    assert_eq!(label("n".into(), point(), 2), "nlnlx");
    assert_eq!(label("n".into(), point(), 3), "nlnlx");
}

#[test]
fn a_key_that_fails_runs_uncached() {
    static RUNS: Runs = Runs::new();
    #[memo(key = text.trim().parse::<i32>()?)]
    fn square(text: &str) -> i32 {
        RUNS.add();
        text.trim().parse().map_or(-1, |number: i32| number * number)
    }
    assert_eq!([square("4"), square(" 4"), square("four"), square("four")], [16, 16, -1, -1]);
    assert_eq!((RUNS.count(), square::stats().uncacheable, square::get("4 ")), (3, 2, Some(16)));
    assert_eq!(
        (square::get("x"), square::contains("x"), square::remove("x")),
        (None, false, false)
    );
    square::insert("x", 1);
    assert_eq!((square::refresh("x"), square::refresh("4"), square::stats().entries), (-1, 16, 1));

    #[memo(key = format!("{}/{}", path.first()?, path.get(1)?))]
    async fn read(path: &[String]) -> Result<usize, String> {
        RUNS.add();
        path.first().map(String::len).ok_or_else(|| "none".into())
    }
    let path = |parts: &[&str]| -> Vec<String> { parts.iter().map(|&part| part.into()).collect() };
    assert_eq!((block_on(read(&path(&["abc"]))), RUNS.count()), (Ok(3), 6));
    assert!(read::get(&path(&["a"])).is_none() && read::get(&path(&["a", "b", "c"])).is_none());
    read::insert(&path(&["a", "b"]), Ok(7));
    assert_eq!(read::get(&path(&["a", "b", "c"])), Some(Ok(7)));

    trait Read {
        fn first(&self, of: Option<&str>) -> usize;
    }
    impl Read for u8 {
        #[memo(in_trait, key = of?.len())]
        fn first(&self, of: Option<&str>) -> usize {
            RUNS.add();
            of.map_or(usize::from(*self), str::len)
        }
    }
    let before = RUNS.count();
    assert_eq!([1_u8.first(Some("ab")), 2_u8.first(Some("cd")), 2_u8.first(None)], [2, 2, 2]);
    assert_eq!((3_u8.first(None), RUNS.count() - before), (3, 3));
    let stats = memo::stats();
    let stats: Vec<_> = stats.iter().filter(|stats| stats.name.ends_with("::first")).collect();
    assert_eq!((stats.len(), stats[0].hits, stats[0].uncacheable), (1, 1, 2));
}

#[test]
fn one_key_for_all_calls_says_so() {
    fn locale() -> String {
        "de".into()
    }
    #[memo(key = ())]
    fn once(_x: u32) -> u32 {
        _x
    }
    #[memo(key = locale())]
    fn greeting() -> String {
        "Hallo".into()
    }
    #[memo(key = format!("{a}:{b}"))]
    fn sum(a: u32, b: u32) -> u32 {
        a + b
    }
    assert_eq!((once(1), once(2), once::get()), (1, 1, Some(1)));
    assert_eq!((greeting(), greeting::get()), ("Hallo".into(), Some("Hallo".into())));
    assert_eq!((sum(1, 2), sum::get(1, 2), sum(2, 2)), (3, Some(3), 4));
}

#[test]
fn a_wait_is_a_text_or_a_duration() {
    const LONG: Duration = Duration::from_secs(90);
    #[memo(wait = "1m 30s")]
    fn text(x: u32) -> u32 {
        x
    }
    #[memo(wait = LONG * 2, ttl = LONG)]
    async fn expression(x: u32) -> u32 {
        x
    }
    #[singleton(wait = LONG.min(Duration::from_secs(60)))]
    fn shared(x: u32) -> u32 {
        x
    }
    assert_eq!((text(1), block_on(expression(2)), *shared(3)), (1, 2, 3));
}

#[test]
fn bounds_version_and_name_may_be_expressions() {
    const ROWS: usize = 2;
    static COLUMNS: usize = 3;
    static ASKED: Runs = Runs::new();
    fn configured() -> usize {
        ASKED.add();
        2
    }
    const fn version() -> u64 {
        7
    }
    const NAME: &str = "constant";
    static STATIC_NAME: &str = "static";
    #[memo(max_entries = ROWS * COLUMNS, max_bytes = 64 * 1024, version = version(), name = NAME)]
    fn constant(x: u32) -> u32 {
        x
    }
    #[memo(max_entries = configured(), max_bytes = usize::MAX >> 1, name = STATIC_NAME)]
    fn asked(x: u32) -> u32 {
        x
    }
    #[memo(max_bytes = configured() * 100, version = u64::from(ASKED.count() == 0), name = concat!("a", "b"))]
    fn of_bytes(x: u32) -> Vec<u8> {
        vec![0; x as usize]
    }
    #[singleton(max_entries = configured(), name = NAME)]
    fn shared(x: u32) -> u32 {
        x
    }
    for x in 0..9 {
        assert_eq!((constant(x), asked(x), of_bytes(90).len(), *shared(x)), (x, x, 90, x));
    }
    assert_eq!(
        (constant::stats().entries, asked::stats().entries, shared::stats().entries),
        (6, 2, 2)
    );
    assert!(of_bytes::contains(90) && of_bytes(300).len() == 300 && !of_bytes::contains(300));
    assert_eq!((constant::stats().name, asked::stats().name), ("constant", "static"));
    assert_eq!((of_bytes::stats().name, ASKED.count()), ("ab", 3));
}

#[test]
fn a_bound_that_panics_stores_nothing_and_fails_no_call() {
    #[memo(max_entries = panic!("no configuration"))]
    fn unbounded(x: u32) -> u32 {
        x
    }
    assert_eq!((unbounded(1), unbounded(1)), (1, 1));
    assert_eq!((unbounded::stats().uncacheable, unbounded::stats().entries), (2, 0));
}

#[test]
fn options_are_written_as_people_write_them() {
    #[memo(ttl = "1 day 10 minutes", wait = "0.5s", max_bytes = "1.5 GiB")]
    fn kept(x: u32) -> u32 {
        x
    }
    assert_eq!((kept(1), kept::get(1)), (1, Some(1)));
}

#[test]
fn options_come_through_the_fragments_of_a_macro() {
    macro_rules! cached {
        (
            $name:ident, $x:ident, $ttl:literal, $wait:expr, $entries:literal, $bytes:expr, $version:expr,
            $label:literal, $key:expr, $if:expr, $refresh:literal, $path:path, $handle:ident
        ) => {
            #[memo(
                                                                            ttl = $ttl,
                                                                            wait = $wait,
                                                                            max_entries = $entries,
                                                                            max_bytes = $bytes,
                                                                            version = $version,
                                                                            name = $label,
                                                                            key = $key,
                                                                            cache_if = $if,
                                                                            refresh = $refresh,
                                                                            crate = $path,
                                                                            handle = $handle
                                                                        )]
            fn $name($x: u32) -> u32 {
                $x
            }
        };
    }
    cached!(
        text,
        x,
        "1h",
        "2 minutes",
        2,
        "1 MiB",
        2,
        "fragments",
        format!("{x}"),
        |x| *x < 9,
        "background",
        ::memo,
        fragments
    );
    cached!(
        number,
        x,
        "1h",
        Duration::from_secs(60),
        2,
        1 << 20,
        1 + 1,
        "fragments",
        (x, 1),
        |x| *x < 9,
        "background",
        memo,
        fragments_too
    );
    for x in 0..10 {
        assert_eq!((text(x), number(x)), (x, x));
    }
    assert_eq!((fragments::stats().entries, fragments_too::stats().entries), (2, 2));
    assert_eq!(
        (fragments::get(8), fragments::get(9), fragments::stats().name),
        (Some(8), None, "fragments")
    );
    macro_rules! fallible {
        ($name:ident, $out:ty, $store:expr, $skip:ident) => {
            #[memo(cache_err, store = $store, skip($skip))]
            fn $name(x: u32, $skip: u32) -> $out {
                Err(format!("{x}{}", $skip - $skip))
            }
        };
    }
    fallible!(errs, Result<u32, String>, memo::store::DiskStore::open("/nonexistent/memo"), log);
    assert_eq!((errs(1, 1), errs(1, 2)), (Err("10".into()), Err("10".into())));
}
