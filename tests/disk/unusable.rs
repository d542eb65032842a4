//! A directory that cannot be used costs what it would have saved, and nothing else.

use std::fs;
use std::sync::Mutex;

use memo::memo;

use crate::children::{command, computed, Child, Scratch};

#[memo(store = "disk")]
fn double(number: u64) -> u64 {
    computed(2 * number)
}

#[memo(store = "disk")]
fn triple(number: u64) -> u64 {
    computed(3 * number)
}

static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(crate) fn role(line: &str) -> String {
    memo::set_reporter(|error| {
        assert!(error.is_store(), "{error}");
        REPORTS.lock().unwrap().push(error.function().to_owned());
    });
    let (what, number) = command(line);
    match what {
        "call" => format!("{} {}", double(number), triple(number)),
        "double" => double(number).to_string(),
        "get" => format!("{:?}", double::get(number)),
        "clear" => {
            double::clear();
            "done".into()
        }
        "clear all" => {
            memo::clear_all();
            "done".into()
        }
        "remove" => double::remove(number).to_string(),
        "companions" => {
            double::insert(number, 5);
            let inserted = double::get(number);
            let refreshed = double::refresh(number);
            let removed = double::remove(number);
            double::insert(number, 5);
            double::clear();
            memo::clear_all();
            format!("{inserted:?} {refreshed} {removed} {:?}", double::get(number))
        }
        "reports" => {
            let mut reports = std::mem::take(&mut *REPORTS.lock().unwrap());
            reports.sort();
            reports.join(" ")
        }
        "errors" => {
            let errors = [double::stats(), triple::stats()].map(|stats| stats.store_errors);
            format!("{:?}", errors.map(|errors| errors > 0))
        }
        _ => unreachable!("{line}"),
    }
}

const BOTH: &str = "disk::unusable::double disk::unusable::triple";

#[test]
fn calls_work_with_a_file_in_the_place_of_the_directory() {
    let scratch = Scratch::new();
    fs::write(scratch.path(), b"a file").unwrap();
    let mut child = Child::new("unusable", &scratch);
    assert_eq!(child.ask("errors"), "[false, false]");
    assert_eq!(child.ask("call 1"), "2 3, computed");
    assert_eq!(child.ask("errors"), "[true, true]");
    assert_eq!(child.ask("reports"), BOTH);
    // Memory is as good as ever, and no word more is said.
    assert_eq!(child.ask("call 1"), "2 3");
    for number in 2..20 {
        let results = format!("{} {}, computed", 2 * number, 3 * number);
        assert_eq!(child.ask(&format!("call {number}")), results);
    }
    assert_eq!(child.ask("companions 1"), "Some(5) 2 true None, computed");
    assert_eq!(child.ask("reports"), "");
    assert_eq!(fs::read(scratch.path()).unwrap(), b"a file");
}

#[cfg(unix)]
#[test]
fn calls_work_with_a_directory_that_others_can_write_and_leave_it_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o775)).unwrap();
    let mut child = Child::new("unusable", &scratch);
    assert_eq!(child.ask("call 1"), "2 3, computed");
    assert_eq!(child.ask("call 1"), "2 3");
    assert_eq!(child.ask("reports"), BOTH);
    assert_eq!(scratch.path().read_dir().unwrap().count(), 0);
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(child.ask("call 2"), "4 6, computed");
    assert_eq!(Child::new("unusable", &scratch).ask("call 2"), "4 6");
}

#[test]
fn what_could_not_be_forgotten_is_not_served_when_the_directory_is_back() {
    for forget in ["clear", "clear all", "remove 1"] {
        let (scratch, aside) = (Scratch::new(), Scratch::new());
        let mut child = Child::new("unusable", &scratch);
        assert_eq!(child.ask("call 1"), "2 3, computed");
        fs::rename(scratch.path(), aside.path()).unwrap();
        fs::write(scratch.path(), b"a file").unwrap();
        child.ask(forget);
        assert_eq!(child.ask("get 1"), "None", "{forget}, while it is away");
        fs::remove_file(scratch.path()).unwrap();
        fs::rename(aside.path(), scratch.path()).unwrap();
        assert_eq!(child.ask("get 1"), "None", "{forget}, when it is back");
        assert_eq!(Child::new("unusable", &scratch).ask("get 1"), "None", "{forget}");
        // And the store is one again.
        assert_eq!(child.ask("double 1"), "2, computed");
        assert_eq!(Child::new("unusable", &scratch).ask("double 1"), "2");
    }
}
