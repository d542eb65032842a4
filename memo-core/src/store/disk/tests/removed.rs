//! The list of removed calls, where it is none any more.

use super::*;

/// The list beside a result.
fn list(store: &DiskStore) -> PathBuf {
    file(store, 1).with_file_name(generation::REMOVED)
}

/// A store as a process has it that has read no list yet.
fn another(scratch: &Scratch) -> DiskStore {
    scratch.store()
}

#[test]
fn a_list_of_removals_that_is_none_clears_the_function() {
    let damage: [fn(&std::path::Path); 4] = [
        |list| fs::write(list, b"half a record").unwrap(),
        |list| {
            fs::remove_file(list).unwrap();
            fs::create_dir(list).unwrap();
        },
        // Of as much as no memory has.
        |list| File::options().write(true).open(list).unwrap().set_len(1 << 40).unwrap(),
        |list| File::options().write(true).open(list).unwrap().set_len(32 << 22).unwrap(),
    ];
    for damage in damage {
        let scratch = Scratch::new();
        let store = scratch.store();
        (1..=2).for_each(|number| drop(call(&store, number)));
        store.remove(&F, &key(1)).unwrap();
        damage(&list(&store));
        for store in [another(&scratch), store] {
            assert_eq!(store.get(&F, &key(2)).unwrap().found, None);
        }
        let store = another(&scratch);
        assert_eq!(call(&store, 2), (value(2), false));
        assert_eq!(call(&store, 2), (value(2), true));
        assert!(store.remove(&F, &key(2)).unwrap().0);
    }
}

/// Removes a call, and has the machine lose its power: the list has lost its end, and the file of the
/// call is back.
fn lose(store: &DiskStore) {
    (1..=2).for_each(|number| drop(call(store, number)));
    store.remove(&F, &key(2)).unwrap();
    let removed = fs::read(file(store, 1)).unwrap();
    store.remove(&F, &key(1)).unwrap();
    // Computed after the removal, and so of a moment that the list will not know.
    call(store, 3);
    fs::write(file(store, 1), removed).unwrap();
    let list = File::options().write(true).open(list(store)).unwrap();
    list.set_len(32).unwrap();
}

#[test]
fn a_list_that_has_lost_what_the_directory_was_renamed_for_clears_the_function() {
    let scratch = Scratch::new();
    lose(&scratch.store());
    assert_eq!(another(&scratch).get(&F, &key(1)).unwrap().found, None, "the removed call is back");
    assert_eq!(call(&another(&scratch), 3), (value(3), false));
    assert_eq!(call(&another(&scratch), 3), (value(3), true));
}

#[test]
fn a_result_that_knows_of_more_removals_than_the_list_clears_the_function() {
    let scratch = Scratch::new();
    let store = scratch.store();
    lose(&store);
    // The name has lost it, too.
    let generation = file(&store, 1).parent().unwrap().to_owned();
    fs::rename(&generation, generation.with_extension("1")).unwrap();
    assert_eq!(another(&scratch).get(&F, &key(3)).unwrap().found, None);
    assert_eq!(another(&scratch).get(&F, &key(1)).unwrap().found, None, "the removed call is back");
}

/// Has each request of `act` fail in turn, of every kind; `prepare` and `check` are without faults.
fn for_each_fault<P>(prepare: impl Fn(&Scratch) -> P, act: impl Fn(&P), check: impl Fn(&P, &str)) {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    for kind in [StorageFull, PermissionDenied, ReadOnlyFilesystem, QuotaExceeded] {
        for request in 0.. {
            let scratch = Scratch::new();
            let prepared = prepare(&scratch);
            faults::fail_after(Some((request, kind)));
            act(&prepared);
            let has_come = faults::is_over();
            faults::fail_after(None);
            check(&prepared, &format!("{kind}, {request}"));
            if !has_come {
                assert!(request > 5, "only {request} requests of {kind}");
                break;
            }
        }
    }
}

/// A store that does not know yet that another one removed a call, and was stopped before its file was
/// deleted.
fn removed_by_another(scratch: &Scratch) -> DiskStore {
    let (store, other) = (scratch.store(), another(scratch));
    (1..=3).for_each(|number| drop(call(&store, number)));
    let removed = fs::read(file(&store, 1)).unwrap();
    other.remove(&F, &key(1)).unwrap();
    fs::write(file(&other, 1), removed).unwrap();
    store
}

#[test]
fn a_list_that_could_not_be_read_is_not_taken_for_read() {
    for_each_fault(
        removed_by_another,
        |store| {
            let _ = store.get(&F, &key(3));
        },
        |store, what| {
            assert_eq!(store.get(&F, &key(1)).unwrap().found, None, "{what}: void, and served");
            call(store, 3);
            assert_eq!(call(store, 3), (value(3), true), "{what}");
        },
    );
}

#[test]
fn nor_is_one_by_who_added_to_it() {
    for_each_fault(
        removed_by_another,
        |store| {
            let _ = store.remove(&F, &key(2));
        },
        |store, what| {
            assert_eq!(store.get(&F, &key(1)).unwrap().found, None, "{what}: void, and served");
            call(store, 3);
            assert_eq!(call(store, 3), (value(3), true), "{what}");
        },
    );
}

#[test]
fn a_damaged_list_that_could_not_be_cleared_is_cleared_by_the_next_call() {
    for_each_fault(
        |scratch| {
            let store = scratch.store();
            (1..=2).for_each(|number| drop(call(&store, number)));
            store.remove(&F, &key(1)).unwrap();
            fs::write(list(&store), b"half a record").unwrap();
            another(scratch)
        },
        |store| {
            let _ = store.get(&F, &key(2));
        },
        |store, what| {
            call(store, 2);
            assert_eq!(call(store, 2), (value(2), true), "{what}: never stored again");
        },
    );
}
