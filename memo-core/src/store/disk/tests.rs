//! Files come and go, are damaged, and fail to be written.

use std::fs::{self, File};
use std::path::PathBuf;

use super::*;
use crate::store::conformance;
use crate::store::time::{self, Now};
use crate::store::Store;

mod removed;
#[cfg(unix)]
mod planted;
mod sweeping;
mod resealed;

/// A directory of the test's own, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("memo-test-{}-{:016x}", std::process::id(), random());
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> DiskStore {
        DiskStore::open(&self.0)
    }

    /// The same directory, for no more than these bytes.
    fn bounded(&self, max_bytes: u64) -> DiskStore {
        DiskStore::builder(&self.0).max_bytes(max_bytes).open()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A sweeper that is at it makes its lock anew, but no directory: so it is gone soon.
        while fs::remove_dir_all(&self.0).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            std::thread::yield_now();
        }
    }
}

const F: FunctionId<'_> = FunctionId::new("tests::f", [1; 16]);

fn key(number: u32) -> Key {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_le_bytes());
    key
}

fn value(number: u32) -> Vec<u8> {
    (0..number % 700).map(|byte| (byte ^ number) as u8).collect()
}

/// As a call does: what is stored, or what is computed and put.
fn call(store: &DiskStore, number: u32) -> (Vec<u8>, bool) {
    let lookup = store.get(&F, &key(number)).unwrap();
    if let Some(found) = lookup.found {
        return (found.value, true);
    }
    store.put(&F, &key(number), lookup.ticket, &value(number), None).unwrap();
    (value(number), false)
}

/// The file of a call.
fn file(store: &DiskStore, number: u32) -> PathBuf {
    let place = store.place(&F);
    let ticket = store.look_again(&F, &place).unwrap();
    let generation = place.generation_of(ticket).unwrap().to_string();
    let functions = store.root.join(place::FORMAT);
    functions.join(&place.name).join(generation).join(generation::file_of(&key(number)))
}

#[test]
fn it_is_a_store() {
    let scratch = Scratch::new();
    conformance::check(|| scratch.store());
}

/// What can happen to a file, by number.
fn damage(path: &std::path::Path, how: u32, round: u32) {
    let bytes = fs::read(path).unwrap();
    let place = (round as usize * 7919) % bytes.len();
    match how {
        0 => {
            let mut bytes = bytes;
            bytes[place] ^= 1 << (round % 8);
            fs::write(path, bytes).unwrap();
        }
        1 => {
            let mut bytes = bytes;
            let end = (place + 64).min(bytes.len());
            // A block of zeros that were zeros is no damage.
            bytes[place..end].iter_mut().for_each(|byte| *byte = !*byte);
            fs::write(path, bytes).unwrap();
        }
        2 => fs::write(path, &bytes[..place]).unwrap(),
        3 => fs::write(path, [bytes.as_slice(), b"more"].concat()).unwrap(),
        4 => {
            fs::remove_file(path).unwrap();
            fs::create_dir_all(path.join("not/empty")).unwrap();
        }
        #[cfg(unix)]
        5 => {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap();
        }
        #[cfg(unix)]
        6 => {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap();
        }
        _ => fs::write(path, b"").unwrap(),
    }
}

#[test]
fn a_damaged_file_is_a_miss_and_the_next_call_heals_it() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let files = std::env::var("MEMO_TEST_FILES").map_or(400, |files| files.parse().unwrap());
    for round in 0..files {
        let number = round % 100 + 1;
        call(&store, number);
        let path = file(&store, number);
        damage(&path, round % 8, round);
        let (found, _) = call(&store, number);
        assert_eq!(found, value(number), "round {round}: a wrong value");
        assert_eq!(call(&store, number), (value(number), true), "round {round}: not healed");
    }
}

#[test]
fn a_flipped_bit_costs_the_one_result_wherever_it_is() {
    let scratch = Scratch::new();
    let store = scratch.store();
    call(&store, 1);
    call(&store, 9);
    let ticket = store.get(&F, &key(9)).unwrap().ticket;
    let path = file(&store, 9);
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, flipped).unwrap();
        let lookup = store.get(&F, &key(9)).unwrap();
        assert_eq!((lookup.found, lookup.ticket), (None, ticket), "bit {bit}");
    }
    assert!(call(&store, 1).1, "the other result is gone");
}

#[test]
fn a_file_cut_anywhere_is_a_miss() {
    let scratch = Scratch::new();
    let store = scratch.store();
    call(&store, 250);
    let path = file(&store, 250);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(store.get(&F, &key(250)).unwrap().found, None, "cut at {len}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(call(&store, 250), (value(250), true));
}

#[test]
fn a_file_under_another_name_is_no_other_call_s() {
    let scratch = Scratch::new();
    let store = scratch.store();
    (1..=2).for_each(|number| drop(call(&store, number)));
    let (one, two) = (file(&store, 1), file(&store, 2));
    fs::rename(&one, scratch.0.join("spawn_blocking")).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(scratch.0.join("spawn_blocking"), &two).unwrap();
    for number in 1..=2 {
        assert_eq!(call(&store, number), (value(number), false));
        assert_eq!(call(&store, number), (value(number), true));
    }
}

#[test]
fn whatever_request_fails_the_call_has_its_value_and_the_next_one_is_right() {
    use io::ErrorKind::{Interrupted, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let mut faults_seen = 0;
    for kind in [StorageFull, PermissionDenied, ReadOnlyFilesystem, Interrupted] {
        for request in 0.. {
            let scratch = Scratch::new();
            let store = scratch.store();
            call(&store, 1);
            faults::fail_after(Some((request, kind)));
            // Each question in turn, as calls ask them; each may fail, and none may lie.
            let lookup = store.get(&F, &key(2));
            let put = lookup.as_ref().ok().map(|lookup| {
                assert_eq!(lookup.found, None);
                store.put(&F, &key(2), lookup.ticket, &value(2), None)
            });
            if let Ok(Lookup { found: Some(found), .. }) = store.get(&F, &key(1)) {
                assert_eq!(found.value, value(1));
            }
            let removed = store.remove(&F, &key(1));
            let changes = store.changes(&F, lookup.ok().map(|lookup| lookup.ticket));
            let cleared = store.clear(&F);
            let is_over = !faults::is_over();
            faults::fail_after(None);
            if removed.is_ok() || cleared.is_ok() {
                assert_eq!(store.get(&F, &key(1)).unwrap().found, None, "{kind}, {request}");
            }
            if cleared.is_ok() {
                assert_eq!(store.get(&F, &key(2)).unwrap().found, None, "{kind}, {request}");
            }
            drop((put, changes));
            store.clear(&F).unwrap();
            assert_eq!(call(&store, 2), (value(2), false), "{kind}, {request}");
            assert_eq!(call(&store, 2), (value(2), true), "{kind}, {request}");
            if is_over {
                faults_seen += request;
                break;
            }
        }
    }
    assert!(faults_seen > 100, "only {faults_seen} faults came");
}

#[test]
fn an_expired_file_is_not_served_whatever_the_clock_says() {
    const HOUR: u64 = 3_600_000;
    let stamp = time::Stamp { wall: 1000 * HOUR, boot: 5, uptime: 10 * HOUR };
    let header = Header {
        fingerprint: F.fingerprint,
        key: key(1),
        ticket: Ticket::new(1, 0),
        stamp,
        life: HOUR,
        len: 0,
    };
    let served =
        |wall, boot, uptime| header.age(&Now(time::Stamp { wall, boot, uptime })).is_some();
    // The clock stands still, goes back an hour, forth ten years; two hours have passed.
    for wall in [1000 * HOUR, 999 * HOUR, (1000 + 87_600) * HOUR] {
        assert!(!served(wall, 5, 12 * HOUR));
        assert!(served(wall, 5, 10 * HOUR + HOUR / 2));
    }
    // After a start of the machine there is only the clock on the wall: set back, it proves nothing.
    assert!(!served(999 * HOUR, 6, 0));
    assert!(!served((1000 + 87_600) * HOUR, 6, 0));
    assert!(served(1000 * HOUR + HOUR / 2, 6, 0));
}

#[test]
fn what_is_too_large_for_the_bound_is_not_stored() {
    let scratch = Scratch::new();
    let store = scratch.bounded(40_000);
    let ticket = store.get(&F, &key(1)).unwrap().ticket;
    store.put(&F, &key(1), ticket, &[0; 10_001], None).unwrap();
    assert_eq!(store.get(&F, &key(1)).unwrap().found, None);
    store.put(&F, &key(1), ticket, &[0; 10_000], None).unwrap();
    assert!(store.get(&F, &key(1)).unwrap().found.is_some());
}

#[test]
fn what_is_larger_than_a_value_may_be_is_not_stored() {
    let scratch = Scratch::new();
    let store = DiskStore::builder(&scratch.0).max_value_bytes(100).open();
    let ticket = store.get(&F, &key(1)).unwrap().ticket;
    store.put(&F, &key(1), ticket, &[0; 101], None).unwrap();
    assert_eq!(store.get(&F, &key(1)).unwrap().found, None);
    store.put(&F, &key(1), ticket, &[0; 100], None).unwrap();
    assert_eq!(store.get(&F, &key(1)).unwrap().found.unwrap().value, [0; 100]);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it_and_backups_know_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let store = scratch.store();
    call(&store, 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = file(&store, 1);
    assert_eq!((mode(&scratch.0), mode(&file)), (0o700, 0o600));
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    let tag = fs::read(scratch.0.join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with(b"Signature: 8a477f597d28d172789f06886806bc55"));
}

#[test]
fn the_directory_can_be_deleted_at_any_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for number in 1..=10 {
        call(&store, number);
        fs::remove_dir_all(&scratch.0).unwrap();
        assert_eq!(call(&store, number), (value(number), false));
        assert_eq!(call(&store, number), (value(number), true));
    }
}

#[test]
fn entries_are_listed_with_what_is_wrong_with_them() {
    let scratch = Scratch::new();
    let store = scratch.store();
    (1..=3).for_each(|number| drop(call(&store, number)));
    let damaged = file(&store, 2);
    fs::write(&damaged, b"damaged").unwrap();
    let mut entries = store.entries();
    entries.sort_by_key(|entry| entry.age.is_some());
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.function == F.name && entry.bytes > 0));
    assert_eq!((&entries[0].path, entries[0].age), (&damaged, None));
}
