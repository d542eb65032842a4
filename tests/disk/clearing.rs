//! What one process makes void or stores anew, others take note of.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use memo::memo;

use crate::children::{ask_another, command, computed, listen, say, Child, Scratch, BOUND};

static READING: AtomicU64 = AtomicU64::new(0);

#[memo(store = "disk")]
fn reading(sensor: u64) -> u64 {
    let _ = sensor;
    computed(READING.load(SeqCst))
}

/// Takes until this process is told to go on.
#[memo(store = "disk")]
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
        "get" => return format!("{:?}", reading::get(number)),
        "contains" => return reading::contains(number).to_string(),
        "clear" => reading::clear(),
        "clear all" => memo::clear_all(),
        "remove" => return reading::remove(number).to_string(),
        "refresh" => return reading::refresh(number).to_string(),
        "insert" => reading::insert(number, READING.load(SeqCst)),
        "hold" => return held(number).to_string(),
        "get held" => return format!("{:?}", held::get(number)),
        "clear held" => held::clear(),
        "remove held" => return held::remove(number).to_string(),
        "insert held" => held::insert(number, READING.load(SeqCst)),
        _ => unreachable!("{line}"),
    }
    "done".into()
}

/// Two processes that have the readings of the sensors 1 and 2 in memory.
fn two(scratch: &Scratch) -> [Child; 2] {
    let mut two = [(); 2].map(|()| Child::new("clearing", scratch));
    for (child, after) in two.iter_mut().zip([", computed", ""]) {
        child.ask("now 7");
        assert_eq!(child.ask("call 1"), format!("7{after}"));
        assert_eq!(child.ask("call 2"), format!("7{after}"));
        child.ask("now 8");
    }
    two
}

/// No wait for something to happen: it is what is promised.
fn wait_for_others() {
    thread::sleep(BOUND);
}

#[test]
fn clear_all_reaches_functions_that_the_process_has_not_called() {
    let scratch = Scratch::new();
    let [mut one, mut two] = two(&scratch);
    assert_eq!(ask_another("clearing", &scratch, "clear all"), "done");
    assert_eq!(ask_another("clearing", &scratch, "get 1"), "None");
    wait_for_others();
    assert_eq!(one.ask("get 1"), "None");
    assert_eq!(two.ask("contains 2"), "false");
    assert_eq!(one.ask("call 1"), "8, computed");
    assert_eq!(two.ask("call 1"), "8");
}

#[test]
fn a_clear_and_a_removal_reach_the_memory_of_others_within_100_ms() {
    for (clear, answer, left) in [("clear", "done", "None"), ("remove 1", "true", "Some(7)")] {
        let scratch = Scratch::new();
        let [mut one, mut two] = two(&scratch);
        assert_eq!(one.ask(clear), answer);
        assert_eq!(one.ask("get 1"), "None", "{clear}, in the same process");
        assert_eq!(one.ask("get 2"), left);
        wait_for_others();
        assert_eq!(two.ask("get 1"), "None", "{clear}, in the other process");
        assert_eq!(two.ask("get 2"), left);
        assert_eq!(two.ask("call 1"), "8, computed");
        assert_eq!(one.ask("call 1"), "8");
        assert_eq!(one.ask("remove 1"), "true");
        assert_eq!(one.ask("remove 1"), "false");
    }
}

#[test]
fn what_one_process_refreshes_or_inserts_the_other_sees() {
    for (replace, answer) in [("refresh 1", "8, computed"), ("insert 1", "done")] {
        let scratch = Scratch::new();
        let [mut one, mut two] = two(&scratch);
        assert_eq!(one.ask(replace), answer);
        assert_eq!(one.ask("call 1"), "8");
        wait_for_others();
        assert_eq!(two.ask("call 1"), "8", "{replace}");
        assert_eq!(two.ask("call 2"), "7", "{replace} touched another call");
        assert_eq!(ask_another("clearing", &scratch, "get 1"), "Some(8)");
    }
}

#[test]
fn what_was_begun_before_another_process_cleared_is_stored_nowhere() {
    for clear in ["clear held", "clear all", "remove held 1", "insert held 1"] {
        let scratch = Scratch::new();
        let [mut one, mut two] = [(); 2].map(|()| Child::new("clearing", &scratch));
        one.ask("now 7");
        one.tell("hold 1");
        assert_eq!(one.answer(), "inside");
        two.ask("now 8");
        two.ask(clear);
        one.tell("go on");
        // The caller that computed gets its own.
        assert_eq!(one.answer(), "7, computed");
        let after = if clear == "insert held 1" { "Some(8)" } else { "None" };
        assert_eq!(two.ask("get held 1"), after, "{clear}");
        assert_eq!(ask_another("clearing", &scratch, "get held 1"), after, "{clear}");
        wait_for_others();
        assert_eq!(one.ask("get held 1"), after, "{clear}");
    }
}

#[test]
fn removing_another_call_leaves_what_is_computed_alone() {
    let scratch = Scratch::new();
    let mut one = Child::new("clearing", &scratch);
    one.ask("now 7");
    one.tell("hold 1");
    assert_eq!(one.answer(), "inside");
    assert_eq!(ask_another("clearing", &scratch, "remove held 2"), "false");
    one.tell("go on");
    assert_eq!(one.answer(), "7, computed");
    assert_eq!(ask_another("clearing", &scratch, "get held 1"), "Some(7)");
}
