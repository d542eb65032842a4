//! A tag is cleared in the store for every process, for what is there and for what is being computed.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use memo::memo;

use crate::children::{ask_another, command, computed, listen, say, Child, Scratch, BOUND};

static READING: AtomicU64 = AtomicU64::new(0);

#[memo(store = "disk", tags(format!("sensor {sensor}"), sensor.checked_sub(100).map(|_| "far")))]
fn reading(sensor: u64) -> u64 {
    computed(READING.load(SeqCst))
}

#[memo(store = "disk", tags([1, 2].map(|sensor| format!("sensor {sensor}"))))]
fn sum() -> u64 {
    computed(reading(1) + reading(2))
}

/// Takes until this process is told to go on.
#[memo(store = "disk", tags(format!("held {sensor}")))]
fn held(sensor: u64) -> u64 {
    let _ = sensor;
    let reading = READING.load(SeqCst);
    say("inside");
    listen().unwrap();
    computed(reading)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    match what {
        "now" => READING.store(number, SeqCst),
        "call" => return reading(number).to_string(),
        "sum" => return sum().to_string(),
        "get" => return format!("{:?}", reading::get(number)),
        "insert" => reading::insert(number, READING.load(SeqCst)),
        "refresh" => return reading::refresh(number).to_string(),
        "clear sensor" => memo::clear_tag(format!("sensor {number}")),
        "clear far" => memo::clear_tag("far"),
        "clear all" => memo::clear_all(),
        "hold" => return held(number).to_string(),
        "get held" => return format!("{:?}", held::get(number)),
        "clear held" => memo::clear_tag(format!("held {number}")),
        "hits" => return reading::stats().store_hits.to_string(),
        _ => unreachable!("{line}"),
    }
    "done".into()
}

#[track_caller]
fn asks(child: &mut Child, dialogue: &[(&str, &str)]) {
    for (line, answer) in dialogue {
        assert_eq!(child.ask(line), *answer, "{line}");
    }
}

/// No wait for something to happen: it is what is promised.
fn wait_for_others() {
    thread::sleep(BOUND);
}

#[test]
fn what_has_the_tag_is_computed_again_by_all_processes_and_the_rest_is_not() {
    let scratch = Scratch::new();
    let [mut one, mut two] = [(); 2].map(|()| Child::new("tags", &scratch));
    asks(&mut one, &[("now 7", "done"), ("sum", "14, computed"), ("call 3", "7, computed")]);
    asks(&mut two, &[("sum", "14"), ("call 1", "7"), ("call 3", "7"), ("now 8", "done")]);
    asks(&mut one, &[("clear sensor 1", "done"), ("get 1", "None"), ("get 2", "Some(7)")]);
    wait_for_others();
    asks(&mut two, &[("sum", "15, computed"), ("call 2", "7"), ("call 3", "7")]);
    asks(&mut one, &[("sum", "15"), ("call 1", "8")]);
    // Of what nobody has called in this process, too.
    ask_another("tags", &scratch, "clear sensor 3");
    wait_for_others();
    asks(&mut one, &[("get 3", "None"), ("get 2", "Some(7)")]);
}

#[test]
fn what_was_being_computed_when_another_process_cleared_its_tag_is_not_stored() {
    let scratch = Scratch::new();
    let [mut one, mut two] = [(); 2].map(|()| Child::new("tags", &scratch));
    one.ask("now 7");
    one.tell("hold 1");
    assert_eq!(one.answer(), "inside");
    two.ask("clear held 1");
    one.tell("go on");
    assert_eq!(one.answer(), "7, computed");
    wait_for_others();
    assert_eq!(two.ask("get held 1"), "None");
    assert_eq!(one.ask("get held 1"), "None");
    // Another tag of the same function is no matter.
    one.tell("hold 2");
    assert_eq!(one.answer(), "inside");
    two.ask("clear held 1");
    one.tell("go on");
    assert_eq!(one.answer(), "7, computed");
    assert_eq!(two.ask("get held 2"), "Some(7)");
}

#[test]
fn what_was_inserted_or_refreshed_has_its_tags_in_the_store() {
    let scratch = Scratch::new();
    let mut one = Child::new("tags", &scratch);
    asks(&mut one, &[("now 7", "done"), ("insert 1", "done"), ("refresh 2", "7, computed")]);
    for sensor in [1, 2] {
        assert_eq!(ask_another("tags", &scratch, &format!("get {sensor}")), "Some(7)");
        ask_another("tags", &scratch, &format!("clear sensor {sensor}"));
        assert_eq!(ask_another("tags", &scratch, &format!("get {sensor}")), "None");
    }
}

#[test]
fn some_results_have_no_tag_or_more_than_others() {
    let scratch = Scratch::new();
    let mut one = Child::new("tags", &scratch);
    asks(&mut one, &[("now 7", "done"), ("call 1", "7, computed"), ("call 100", "7, computed")]);
    ask_another("tags", &scratch, "clear far");
    wait_for_others();
    asks(&mut one, &[("get 1", "Some(7)"), ("get 100", "None"), ("call 100", "7, computed")]);
    assert_eq!(ask_another("tags", &scratch, "get 100"), "Some(7)");
    ask_another("tags", &scratch, "clear all");
    assert_eq!(ask_another("tags", &scratch, "get 100"), "None");
}

#[test]
fn to_clear_a_tag_leaves_nothing_where_there_was_nothing() {
    let scratch = Scratch::new();
    ask_another("tags", &scratch, "clear far");
    assert!(!scratch.path().exists());
}
