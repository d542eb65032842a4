//! A result's age counts from when it was computed, in whatever process.

use std::thread;
use std::time::{Duration, Instant};

use memo::memo;

use crate::children::{ask_another, command, computed, Child, Scratch};

const TTL: Duration = Duration::from_millis(1500);
/// Memory's clock comes some milliseconds at a time.
const TICK: Duration = Duration::from_millis(20);

#[memo(store = "disk", ttl = TTL)]
fn quote(number: u64) -> u64 {
    computed(number)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "call" => quote(number).to_string(),
        "get" => format!("{:?}", quote::get(number)),
        "contains" => quote::contains(number).to_string(),
        "remove" => quote::remove(number).to_string(),
        _ => unreachable!("{line}"),
    }
}

#[test]
fn a_result_that_another_process_loads_expires_when_it_would_have_anyway() {
    let scratch = Scratch::new();
    let mut late = Child::new("expiry", &scratch);
    let before = Instant::now();
    let computed = ask_another("expiry", &scratch, "call 1");
    // Not computed after this moment.
    let after = Instant::now();
    assert_eq!(computed, "1, computed");
    thread::sleep(TTL / 2);
    let loaded = late.ask("call 1");
    // Only on a machine that stood still meanwhile may it have expired already.
    assert!(loaded == "1" || before.elapsed() >= TTL, "{loaded}");

    let mut last = loaded;
    while last == "1" {
        let start = Instant::now();
        last = late.ask("call 1");
        let is_over = start.duration_since(after) >= TTL + TICK;
        assert!(!is_over || last == "1, computed", "served past its time");
    }
    assert!(before.elapsed() >= TTL, "expired before its time");
    assert_eq!(ask_another("expiry", &scratch, "get 1"), "Some(1)");
}

#[test]
fn what_has_expired_on_the_disk_is_neither_there_nor_removed_and_computed_anew() {
    let scratch = Scratch::new();
    assert_eq!(ask_another("expiry", &scratch, "call 1"), "1, computed");
    let after = Instant::now();
    // No wait for something to happen: it is how long the result lives.
    thread::sleep(TTL.saturating_sub(after.elapsed()));
    for (line, answer) in [("get 1", "None"), ("contains 1", "false"), ("remove 1", "false")] {
        assert_eq!(ask_another("expiry", &scratch, line), answer);
    }
    assert_eq!(ask_another("expiry", &scratch, "call 1"), "1, computed");
    assert_eq!(ask_another("expiry", &scratch, "call 1"), "1");
}
