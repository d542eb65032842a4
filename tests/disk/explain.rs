//! `func::explain(…)` of what is on the disk.

use std::fs;
use std::time::Duration;

use memo::{memo, Why};

use crate::children::{ask_another, command, computed, Child, Scratch};

#[memo(store = "disk", name = "explained", version = 1, ttl = "1h")]
fn price(number: u64) -> u64 {
    computed(number)
}

mod changed {
    use super::*;

    #[memo(store = "disk", name = "explained", version = 2)]
    pub(super) fn price(number: u64) -> u64 {
        computed(2 * number)
    }
}

#[memo(store = "disk", tags(format!("explained:{number}")))]
fn tagged(number: u64) -> u64 {
    computed(number)
}

#[memo(store = "disk")]
async fn task(number: u64) -> u64 {
    computed(number)
}

fn said(why: &Why) -> String {
    match why {
        Why::Hit { age, left } => {
            let hour = Duration::from_secs(3600);
            let is_young =
                *age < hour / 2 && left.is_none_or(|left| left > hour / 2 && left <= hour);
            format!("hit {is_young} {}", left.is_some())
        }
        why => format!("{why:?}"),
    }
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "call" => price(number).to_string(),
        "call changed" => changed::price(number).to_string(),
        "call tagged" => tagged(number).to_string(),
        "remove" => price::remove(number).to_string(),
        "clear tag" => {
            memo::clear_tag(format!("explained:{number}"));
            "done".into()
        }
        "explain" => said(price::explain(number).why()),
        "explain changed" => said(changed::price::explain(number).why()),
        "explain tagged" => said(tagged::explain(number).why()),
        "explain task" => {
            // A future that nobody polls calls nothing.
            drop(task(number));
            said(task::explain(number).why())
        }
        "counted" => {
            let stats = [price::stats(), changed::price::stats(), tagged::stats()];
            format!("{}", stats.map(|stats| stats.hits + stats.misses).iter().sum::<u64>())
        }
        _ => unreachable!("{line}"),
    }
}

#[test]
fn what_another_process_computed_is_a_hit_and_nothing_is_counted() {
    let scratch = Scratch::new();
    assert_eq!(ask_another("explain", &scratch, "explain 1"), "Never");
    ask_another("explain", &scratch, "call 1");
    ask_another("explain", &scratch, "call tagged 1");
    let mut child = Child::new("explain", &scratch);
    assert_eq!(child.ask("explain 1"), "hit true true");
    assert_eq!(child.ask("explain tagged 1"), "hit true false");
    assert_eq!(child.ask("explain 2"), "Never");
    assert_eq!(child.ask("explain task 1"), "Never");
    assert_eq!(child.ask("counted 0"), "0");
}

#[test]
fn what_is_removed_from_the_disk_was_removed() {
    let scratch = Scratch::new();
    let mut child = Child::new("explain", &scratch);
    child.ask("call 1");
    child.ask("call tagged 1");
    assert_eq!(child.ask("remove 1"), "true");
    assert_eq!(child.ask("explain 1"), "Removed");
    child.ask("clear tag 1");
    assert!(child.ask("explain tagged 1").starts_with("Cleared"));
}

#[test]
fn a_function_that_was_changed_has_results_of_another_version_alone() {
    let scratch = Scratch::new();
    ask_another("explain", &scratch, "call 1");
    let mut child = Child::new("explain", &scratch);
    assert_eq!(child.ask("explain changed 1"), "OtherVersion");
    assert_eq!(child.ask("explain tagged 1"), "Never");
    assert_eq!(child.ask("call changed 2"), "4, computed");
    assert_eq!(child.ask("explain changed 1"), "Never");
}

#[test]
fn a_directory_that_cannot_be_used_is_not_reached() {
    let scratch = Scratch::new();
    fs::write(scratch.path(), b"a file").unwrap();
    assert_eq!(ask_another("explain", &scratch, "explain 1"), "StoreUnreachable");
}
