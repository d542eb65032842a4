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
