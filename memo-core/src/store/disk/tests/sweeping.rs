//! Keeping within the bound.

use std::sync::Mutex;

use super::*;

#[test]
fn a_sweep_leaves_what_was_used_last_and_nothing_that_is_over() {
    let scratch = Scratch::new();
    let store = scratch.bounded(200 * 4096);
    let lookup = store.get(&F, &key(0)).unwrap();
    for number in 1..=100 {
        store.put(&F, &key(number), lookup.ticket, &value(number), None).unwrap();
    }
    let hour = std::time::Duration::from_secs(3600);
    let at = |hours| std::time::SystemTime::now() - hour * hours;
    let set = |path: &std::path::Path, time| {
        let file = File::options().read(true).open(path).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(time)).unwrap();
    };
    for number in 1..=100 {
        set(&file(&store, number), at(200 - number));
    }
    let unfinished = file(&store, 0).with_file_name("0123456789abcdef.tmp");
    fs::write(&unfinished, b"half").unwrap();
    set(&unfinished, at(2));
    let before = store.sweep().unwrap();
    assert!(!unfinished.exists(), "what was left unfinished is still there");
    assert!((1..=100).all(|number| call(&store, number).1), "what is within the bound is gone");

    // Now with a lower bound: the oldest go, until a tenth of it is free.
    let lower = scratch.bounded(before / 2);
    let after = lower.sweep().unwrap();
    assert!(after <= before / 2 - before / 20, "{after} of {before}");
    let left: Vec<u32> = (1..=100).filter(|&number| file(&store, number).exists()).collect();
    assert!(!left.is_empty() && left.iter().all(|&number| number as usize > 100 - left.len()));
}

/// As many results as take ten times of what there may be.
fn fill(scratch: &Scratch) -> DiskStore {
    const BOUND: u64 = 20 * 4096;
    // It sweeps when it is told to.
    let full = scratch.store();
    (1..=200).for_each(|number| drop(call(&full, number)));
    scratch.bounded(BOUND)
}

fn allocated(store: &DiskStore) -> u64 {
    store.entries().iter().map(|entry| entry.bytes).sum()
}

#[test]
fn without_locks_on_files_the_bound_holds_and_it_is_reported_once() {
    static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    crate::set_reporter(|error| REPORTS.lock().unwrap().push(error.to_string()));
    let scratch = Scratch::new();
    let store = fill(&scratch);
    let mut unlocked = 0;
    for request in 0.. {
        faults::fail_after(Some((request, ErrorKind::Unsupported)));
        let swept = store.sweeper.sweep_if_alone(store.max_bytes);
        let is_over = !faults::is_over();
        faults::fail_after(None);
        if let Err(error) = swept {
            if error.to_string().contains("locks on files are not to be had") {
                unlocked += 1;
                assert!(allocated(&store) <= store.max_bytes);
                for _ in 0..2 {
                    store.sweeper.report(&error);
                }
            }
        }
        if is_over {
            break;
        }
    }
    assert_eq!(unlocked, 1, "no request was for a lock");
    let reports = REPORTS.lock().unwrap();
    let name = scratch.0.display().to_string();
    let reports: Vec<_> = reports.iter().filter(|report| report.contains(&name)).collect();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("is not kept within its bound as it should be"), "{reports:?}");
}

#[test]
fn a_lock_that_somebody_holds_for_ever_does_not_keep_others_from_sweeping() {
    let scratch = Scratch::new();
    let store = fill(&scratch);
    store.sweep().unwrap();
    let store = fill(&scratch);
    let path = scratch.0.join(place::FORMAT).join("lock");
    let lock = File::options().write(true).open(path).unwrap();
    lock.lock().unwrap();
    lock.set_modified(std::time::SystemTime::now()).unwrap();
    store.sweeper.sweep_if_alone(store.max_bytes).unwrap();
    assert!(allocated(&store) > store.max_bytes, "nobody was waited for");
    let hours = std::time::Duration::from_secs(2 * 3600);
    lock.set_modified(std::time::SystemTime::now() - hours).unwrap();
    store.sweeper.sweep_if_alone(store.max_bytes).unwrap();
    assert!(allocated(&store) <= store.max_bytes, "the bound does not hold");
}

#[cfg(unix)]
#[test]
fn nor_does_something_else_in_the_place_of_the_lock() {
    use std::os::unix::fs::symlink;
    let outside = Scratch::new();
    fs::create_dir(&outside.0).unwrap();
    fs::write(outside.0.join("file"), b"mine").unwrap();
    type Plant<'a> = &'a dyn Fn(&std::path::Path) -> io::Result<()>;
    let plants: [Plant<'_>; 3] = [
        &|lock| fs::create_dir_all(lock.join("not/empty")),
        &|lock| symlink(outside.0.join("file"), lock),
        &|lock| symlink("/nowhere/at/all", lock),
    ];
    for plant in plants {
        let scratch = Scratch::new();
        let store = fill(&scratch);
        let lock = scratch.0.join(place::FORMAT).join("lock");
        // What was filled may be swept right now, with a lock of its own.
        while plant(&lock).is_err() {
            let _ = fs::remove_file(&lock);
        }
        store.sweeper.sweep_if_alone(store.max_bytes).unwrap();
        assert!(allocated(&store) <= store.max_bytes, "the bound does not hold");
        assert_eq!(fs::read(outside.0.join("file")).unwrap(), b"mine");
    }
}
