//! A process that may open or write no more goes on without its store.

use std::fs::{self, File};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::Mutex;

use memo::memo;
use memo::store::DiskStore;

use crate::children::{command, computed, directory, Child, Scratch};

#[memo(store = "disk")]
fn double(number: u64) -> u64 {
    computed(2 * number)
}

/// So many kilobytes.
#[memo(store = "disk")]
fn text(kilobytes: u64) -> String {
    computed("x".repeat(kilobytes as usize * 1024))
}

static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

static REPORTS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn role(line: &str) -> String {
    memo::set_reporter(|_| {
        REPORTS.fetch_add(1, SeqCst);
    });
    let (what, number) = command(line);
    match what {
        "double" => double(number).to_string(),
        "get" => format!("{:?}", double::get(number)),
        "remove" => double::remove(number).to_string(),
        "refresh" => double::refresh(number).to_string(),
        "text" => text(number).len().to_string(),
        "clear" => {
            double::clear();
            "done".into()
        }
        "take" => {
            // Every file that may be opened, but for so many.
            let mut held = HELD.lock().unwrap();
            while let Ok(file) = File::open(directory()) {
                held.push(file);
                assert!(held.len() < 100, "there is no limit");
            }
            let kept = held.len() - number as usize;
            held.truncate(kept);
            "taken".into()
        }
        "give back" => {
            HELD.lock().unwrap().clear();
            "given".into()
        }
        "reports" => REPORTS.load(SeqCst).to_string(),
        "errors" => {
            let errors = double::stats().store_errors + text::stats().store_errors;
            (errors > 0).to_string()
        }
        _ => unreachable!("{line}"),
    }
}

#[test]
fn calls_work_where_no_file_can_be_opened() {
    // With more and more left to open, requests fail later and later.
    for left in 0..4 {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path()).unwrap();
        let mut child = Child::limited("ulimit -n 24", "limits", &scratch);
        assert_eq!(child.ask("double 1"), "2, computed");
        assert_eq!(child.ask("errors"), "false");
        assert_eq!(child.ask(&format!("take {left}")), "taken");
        assert_eq!(child.ask("double 1"), "2", "memory needs no files");
        for number in 2..20 {
            let result = format!("{}, computed", 2 * number);
            assert_eq!(child.ask(&format!("double {number}")), result, "{left} left");
        }
        assert_eq!(child.ask("refresh 1"), "2, computed");
        if left == 0 || left == 3 {
            assert_eq!(child.ask("errors"), (left == 0).to_string(), "{left} left");
        }

        child.ask("give back");
        assert_eq!(child.ask("double 20"), "40, computed");
        assert_eq!(child.ask("double 1"), "2");
        let mut other = Child::new("limits", &scratch);
        assert_eq!(other.ask("double 20"), "40", "{left} left: the store is not used again");
    }
}

#[test]
fn what_cannot_be_forgotten_for_want_of_files_is_forgotten_later() {
    for forget in ["clear", "remove 1"] {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path()).unwrap();
        let mut child = Child::limited("ulimit -n 24", "limits", &scratch);
        assert_eq!(child.ask("double 1"), "2, computed");
        child.ask("take 0");
        child.ask(forget);
        assert_eq!(child.ask("get 1"), "None", "{forget}");
        assert_eq!(child.ask("errors"), "true");
        child.ask("give back");
        assert_eq!(child.ask("get 1"), "None", "{forget}: it is back");
        assert_eq!(Child::new("limits", &scratch).ask("get 1"), "None", "{forget}: it is back");
    }
}

#[test]
fn a_file_that_cannot_be_written_whole_is_none() {
    let scratch = Scratch::new();
    // 4 or 8 KiB a file, by the shell; a write across that is a short one, the next an error.
    let limits = "trap '' XFSZ; ulimit -f 8";
    let mut child = Child::limited(limits, "limits", &scratch);
    assert_eq!(child.ask("text 1"), "1024, computed");
    assert_eq!(child.ask("errors"), "false");
    for kilobytes in [10, 63, 64, 65, 300] {
        let result = (kilobytes * 1024).to_string();
        assert_eq!(child.ask(&format!("text {kilobytes}")), format!("{result}, computed"));
        // Kept in memory.
        assert_eq!(child.ask(&format!("text {kilobytes}")), result);
    }
    assert_eq!(child.ask("errors"), "true");

    let store = DiskStore::open(scratch.path());
    let entries = store.entries();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert!(entries[0].age.is_some());
    let results = entries[0].path.parent().unwrap().read_dir().unwrap();
    let names: Vec<_> = results.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "what is unfinished is left lying about: {names:?}");

    let mut other = Child::new("limits", &scratch);
    assert_eq!(other.ask("text 1"), "1024");
    assert_eq!(other.ask("text 300"), "307200, computed");
    assert_eq!(Child::new("limits", &scratch).ask("text 300"), "307200");
}

#[test]
fn a_disk_that_is_full_is_reported_once() {
    let scratch = Scratch::new();
    let mut child = Child::limited("trap '' XFSZ; ulimit -f 8", "limits", &scratch);
    for kilobytes in 10..20 {
        let result = (kilobytes * 1024).to_string();
        assert_eq!(child.ask(&format!("text {kilobytes}")), format!("{result}, computed"));
    }
    assert_eq!(child.ask("errors"), "true");
    // What is looked up meanwhile succeeds.
    assert_eq!(child.ask("reports"), "1");
}
