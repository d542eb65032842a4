//! What is told to who watches many processes. Each test is in a block of its own, whose functions are
//! all that the text is about.

use std::panic::{catch_unwind, resume_unwind};
use std::time::Duration;

use memo::{isolated, memo, openmetrics, singleton};

/// The number of a sample.
fn sample<'t>(text: &'t str, name: &str, labels: &str) -> Option<&'t str> {
    let sample = format!("{name}{{{labels}}} ");
    let mut numbers = text.lines().filter_map(|line| line.strip_prefix(&sample));
    let number = numbers.next();
    assert_eq!(numbers.next(), None, "{sample} is there twice");
    number
}

#[test]
fn each_function_has_its_numbers() {
    #[memo(name = "square", max_entries = 10, max_bytes = "1 KiB", ttl = "1000.5s")]
    fn square(x: u64) -> u64 {
        x * x
    }

    #[singleton(name = "pool")]
    fn pool() -> Vec<u64> {
        vec![]
    }

    isolated(|| {
        assert_eq!(openmetrics(), "# EOF\n");
        square(4);
        square(4);
        square(5);
        memo::advance(Duration::from_secs(1001));
        pool();

        let text = openmetrics();
        let square = |name| sample(&text, name, r#"function="square",kind="memo""#);
        assert_eq!(square("memo_hits_total"), Some("1"));
        assert_eq!(square("memo_misses_total"), Some("2"));
        assert_eq!(square("memo_expirations_total"), Some("2"));
        assert_eq!(square("memo_entries"), Some("0"));
        assert_eq!(square("memo_bytes"), Some("0"));
        assert_eq!(square("memo_max_entries"), Some("10"));
        assert_eq!(square("memo_max_bytes"), Some("1024"));
        assert_eq!(square("memo_ttl_seconds"), Some("1000.5"));
        assert_eq!(square("memo_compute_seconds_count"), Some("2"));

        let pool = |name| sample(&text, name, r#"function="pool",kind="singleton""#);
        assert_eq!(pool("memo_misses_total"), Some("1"));
        assert_eq!(pool("memo_entries"), Some("1"));
        // Nobody knows what a resource takes.
        assert_eq!(pool("memo_bytes"), None);
        assert_eq!(pool("memo_max_entries"), None);
        assert_eq!(pool("memo_ttl_seconds"), None);
    });
}

#[test]
fn times_are_as_many_as_bodies_returned() {
    #[memo(name = "body")]
    fn body(x: u64) -> Result<u64, String> {
        match x {
            0 => Err("none".to_owned()),
            1 => resume_unwind(Box::new("one")),
            x => Ok(x),
        }
    }

    isolated(|| {
        let count = || {
            let text = openmetrics();
            let labels = r#"function="body",kind="memo""#;
            sample(&text, "memo_compute_seconds_count", labels).map(|count| count.parse::<u64>())
        };
        assert!(body(0).is_err());
        assert_eq!(count(), Some(Ok(1)));
        assert!(catch_unwind(|| body(1)).is_err());
        assert_eq!(count(), Some(Ok(1)));
        assert_eq!(body(2), Ok(2));
        assert_eq!(body(2), Ok(2));
        assert_eq!(count(), Some(Ok(2)));
        assert_eq!(body::refresh(2), Ok(2));
        assert_eq!(count(), Some(Ok(3)));
        // The panic is a miss, and the refresh is none.
        assert_eq!(body::stats().misses, 3);
        // This has no time, and counts nowhere.
        assert_eq!(body::uncached(2), Ok(2));
        assert_eq!(count(), Some(Ok(3)));
    });
}

#[test]
fn functions_of_one_name_are_one() {
    #[memo(name = "both", max_entries = 10, max_bytes = 100, ttl = "1h")]
    fn one(x: u64) -> u64 {
        x
    }

    #[memo(name = "both", max_entries = 5, ttl = "2h")]
    fn other(x: u64) -> u64 {
        x
    }

    #[singleton(name = "both")]
    fn resource() -> u64 {
        1
    }

    isolated(|| {
        assert_eq!((one(1), other(1), other(2), *resource()), (1, 1, 2, 1));
        let text = openmetrics();
        let both = |name| sample(&text, name, r#"function="both",kind="memo""#);
        assert_eq!(both("memo_misses_total"), Some("3"));
        assert_eq!(both("memo_compute_seconds_count"), Some("3"));
        assert_eq!(both("memo_entries"), Some("3"));
        assert_eq!(both("memo_max_entries"), Some("15"));
        // Only one of them has a bound, and they do not agree about the `ttl`.
        assert_eq!(both("memo_max_bytes"), None);
        assert_eq!(both("memo_ttl_seconds"), None);
        let resource = sample(&text, "memo_misses_total", r#"function="both",kind="singleton""#);
        assert_eq!(resource, Some("1"));
    });
}

#[test]
fn a_name_may_be_any_text() {
    #[memo(name = "a\"b\\c\nd")]
    fn odd() -> u64 {
        1
    }

    isolated(|| {
        odd();
        let text = openmetrics();
        let labels = r#"function="a\"b\\c\nd",kind="memo""#;
        assert_eq!(sample(&text, "memo_misses_total", labels), Some("1"));
    });
}

#[test]
fn what_does_not_expire_has_no_ttl() {
    #[memo(name = "lasting", ttl = Duration::MAX)]
    fn lasting() -> u64 {
        1
    }

    isolated(|| {
        lasting();
        assert!(!openmetrics().contains("memo_ttl_seconds"));
    });
}
