//! What others put where only the store's own should be.

use std::fs::Permissions;
use std::os::unix::fs::{chown, symlink, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;

fn functions(store: &DiskStore) -> PathBuf {
    store.root.join(place::FORMAT)
}

fn directory(store: &DiskStore) -> PathBuf {
    functions(store).join(&store.place(&F).name)
}

#[test]
fn what_stands_in_the_place_of_an_epoch_is_overwritten() {
    let plants: [fn(&Path); 7] = [
        |epoch| fs::write(epoch, b"").unwrap(),
        |epoch| fs::write(epoch, b"no number at all").unwrap(),
        |epoch| fs::write(epoch, b"+000000000000001").unwrap(),
        |epoch| symlink("/nowhere/at/all", epoch).unwrap(),
        |epoch| symlink("name", epoch).unwrap(),
        |epoch| fs::create_dir_all(epoch.join("not/empty")).unwrap(),
        |epoch| {
            fs::write(epoch, b"0123456789abcdef").unwrap();
            fs::set_permissions(epoch, Permissions::from_mode(0o0)).unwrap();
        },
    ];
    for (number, plant) in plants.iter().enumerate() {
        let scratch = Scratch::new();
        let store = scratch.store();
        call(&store, 1);
        let epoch = directory(&store).join("epoch");
        fs::remove_file(&epoch).unwrap();
        plant(&epoch);
        for store in [scratch.store(), store] {
            store.get(&F, &key(2)).unwrap();
            call(&store, 1);
            assert_eq!(call(&store, 1), (value(1), true), "plant {number}");
        }
    }
}

#[test]
fn what_is_called_like_a_generation_and_is_none_goes() {
    let plants: [fn(&Path); 2] =
        [|path| symlink("/nowhere/at/all", path).unwrap(), |path| fs::write(path, b"").unwrap()];
    for plant in plants {
        let scratch = Scratch::new();
        let store = scratch.store();
        call(&store, 1);
        let generation = file(&store, 1).parent().unwrap().to_owned();
        plant(&generation.with_extension("7"));
        let store = scratch.store();
        assert_eq!(call(&store, 1), (value(1), true));
        fs::remove_dir_all(&generation).unwrap();
        plant(&generation);
        assert_eq!(call(&store, 1), (value(1), false));
        assert_eq!(call(&store, 1), (value(1), true));
    }
}

/// Everything in a directory, with what is in it.
fn everything(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything(&path));
        }
        all.push((path.clone(), fs::read(&path).unwrap_or_default()));
    }
    all.sort();
    all
}

/// Files of somebody's, called as the store calls its own, and long not changed.
fn precious(home: &Path) {
    let names = ["work.tmp", "trash-to-keep", "epoch", "removed", "name", &"ab".repeat(32)];
    let generation = home.join("0123456789abcdef.0");
    for directory in [home, &generation] {
        fs::create_dir_all(directory).unwrap();
        for name in names {
            fs::write(directory.join(name), "precious").unwrap();
        }
    }
    let hours = SystemTime::now() - Duration::from_secs(8000);
    for (path, _) in everything(home) {
        let _ = File::open(path).unwrap().set_modified(hours);
    }
}

#[test]
fn nothing_outside_is_read_written_or_deleted_through_links() {
    let home = Scratch::new();
    precious(&home.0);
    let before = everything(&home.0);
    let plants: [&dyn Fn(&DiskStore); 6] = [
        // A function, another one, a generation of this one, of another one, what is to be deleted.
        &|store| {
            fs::remove_dir_all(directory(store)).unwrap();
            symlink(&home.0, directory(store)).unwrap();
        },
        &|store| symlink(&home.0, functions(store).join(format!("a-{}", "0".repeat(32)))).unwrap(),
        &|store| {
            let generation = file(store, 1).parent().unwrap().to_owned();
            fs::remove_dir_all(&generation).unwrap();
            symlink(&home.0, &generation).unwrap();
        },
        &|store| symlink(&home.0, directory(store).join("00000000000000aa.0")).unwrap(),
        &|store| symlink(&home.0, directory(store).join("trash-00000000000000aa")).unwrap(),
        &|store| {
            let generation = file(store, 1).parent().unwrap().to_owned();
            symlink(home.0.join("removed"), generation.join("removed")).unwrap();
            for number in 2..5 {
                let to = home.0.join("ab".repeat(32));
                symlink(to, generation.join(generation::file_of(&key(number)))).unwrap();
            }
        },
    ];
    for (number, plant) in plants.iter().enumerate() {
        let scratch = Scratch::new();
        let store = scratch.bounded(4096 * 4);
        call(&store, 1);
        plant(&store);
        for store in [scratch.bounded(4096 * 4), store] {
            let ticket = store.get(&F, &key(1)).map_or(Ticket::new(0, 0), |it| it.ticket);
            for number in 1..5 {
                let _ = store.put(&F, &key(number), ticket, &value(number), None);
                let _ = store.get(&F, &key(number));
            }
            let _ = store.remove(&F, &key(1));
            let _ = store.changes(&F, Some(ticket));
            let _ = store.entries();
            let _ = store.sweep();
            let _ = store.clear(&F);
            let _ = store.sweep();
            let _ = store.clear_all();
            let _ = store.sweep();
            assert_eq!(everything(&home.0), before, "plant {number}");
        }
    }
}

/// Whether any question is answered.
fn is_used(store: &DiskStore) -> bool {
    // What memory's next question for changes finds out, 50 ms later at the most.
    let told = store.changes(&F, None);
    let looked = store.get(&F, &key(1));
    let cleared = store.clear(&F);
    let removed = store.remove(&F, &key(1));
    let answers = [looked.is_ok(), cleared.is_ok(), told.is_ok(), removed.is_ok()];
    assert!(answers == [true; 4] || answers == [false; 4], "{answers:?}");
    answers[0]
}

#[test]
fn a_directory_that_others_can_write_is_not_used() {
    for level in 0..3 {
        for mode in [0o720, 0o702, 0o777, 0o1777] {
            let scratch = Scratch::new();
            let store = scratch.store();
            call(&store, 1);
            let path = [scratch.0.clone(), directory(&store), file(&store, 1)];
            let path = if level < 2 { &path[level] } else { path[2].parent().unwrap() };
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let _ = store.sweep();
            let before = everything(&scratch.0);
            if level < 2 {
                assert!(!is_used(&scratch.store()) && !is_used(&store), "{mode:o}, {level}");
            } else {
                // Of a generation a clear makes another.
                assert!(scratch.store().get(&F, &key(1)).is_err(), "{mode:o}");
                assert!(scratch.store().remove(&F, &key(1)).is_err(), "{mode:o}");
            }
            let _ = store.sweep();
            assert_eq!(everything(&scratch.0), before, "{mode:o}, {level}");
            fs::set_permissions(path, Permissions::from_mode(0o750)).unwrap();
            assert_eq!(call(&store, 1), (value(1), true), "{mode:o}, {level}");
        }
    }
}

#[test]
fn nor_is_one_of_somebody_else_s() {
    let scratch = Scratch::new();
    let store = scratch.store();
    call(&store, 1);
    // Only who may do anything may give a directory away.
    if chown(&scratch.0, Some(12345), None).is_err() {
        println!("not tested: it takes root");
        return;
    }
    let why = scratch.store().get(&F, &key(1)).unwrap_err().to_string();
    assert!(why.contains("is another user's"), "{why}");
    assert!(!is_used(&store));
    chown(&scratch.0, Some(0), None).unwrap();
    assert_eq!(call(&store, 1), (value(1), true));
}

#[test]
fn a_link_to_the_directory_itself_is_the_user_s_to_follow() {
    let (scratch, link) = (Scratch::new(), Scratch::new());
    fs::create_dir(&scratch.0).unwrap();
    fs::set_permissions(&scratch.0, Permissions::from_mode(0o700)).unwrap();
    symlink(&scratch.0, &link.0).unwrap();
    call(&link.store(), 1);
    assert_eq!(call(&scratch.store(), 1), (value(1), true));
    fs::remove_file(&link.0).unwrap();
}
