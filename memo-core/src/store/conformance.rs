//! Tests what every [`Store`] must do, for stores of your own.

mod tags;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Changes, Found, FunctionId, Key, Lookup, Store, Ticket};

/// Checks that a store keeps the contract of [`Store`]. Takes a second or two. What there is to tags
/// is checked of a store that [has tags](Store::has_tags).
///
/// `open` is called several times, and must open the same storage each time, as other processes
/// would. Nothing else may use the storage meanwhile; its contents are lost.
///
/// # Examples
///
/// ```no_run
/// # use memo::store::{self, Store};
/// # fn open() -> std::sync::Arc<dyn Store> { unimplemented!() }
/// #[test]
/// fn it_is_a_store() {
///     store::conformance::check(|| open());
/// }
/// # fn main() {}
/// ```
///
/// # Panics
///
/// Panics if the store breaks the contract. The message says how.
pub fn check<S: Store>(open: impl Fn() -> S) {
    let (one, other) = (open(), open());
    let (one, other): (&dyn Store, &dyn Store) = (&one, &other);
    one.clear_all().expect("`clear_all` of an empty store");
    finds_what_was_put(one, other);
    keeps_functions_and_calls_apart(one, other);
    drops_what_was_looked_up_before_a_clear(one, other);
    drops_what_was_looked_up_before_a_removal(one, other);
    tells_what_others_made_void(one, other);
    clears_functions_that_it_was_not_asked_for(&open(), &open());
    gives_out_nothing_that_expired(one);
    removes_nothing_that_was_not_to_be_found(one, other);
    serves_nothing_stale_while_all_happens_at_once([one, other]);
    if one.has_tags() {
        tags::check(one, other);
    }
    one.clear_all().expect("`clear_all`");
}

fn function(name: &str) -> FunctionId<'_> {
    let mut fingerprint = [0; 16];
    let len = name.len().min(16);
    fingerprint[..len].copy_from_slice(&name.as_bytes()[..len]);
    FunctionId::new(name, fingerprint)
}

fn key(number: u8) -> Key {
    [number; 32]
}

#[track_caller]
fn look(store: &dyn Store, function: &FunctionId<'_>, key: &Key) -> Lookup {
    store.get(function, key).expect("`get`")
}

#[track_caller]
fn value(store: &dyn Store, function: &FunctionId<'_>, key: &Key) -> Option<Vec<u8>> {
    look(store, function, key).found.map(|found| found.value)
}

/// Looks a call up and puts a result, as a call that finds nothing does.
#[track_caller]
fn put(store: &dyn Store, function: &FunctionId<'_>, key: &Key, value: &[u8]) {
    let ticket = look(store, function, key).ticket;
    store.put(function, key, ticket, value, None).expect("`put`");
}

fn finds_what_was_put(one: &dyn Store, other: &dyn Store) {
    let f = function("finds");
    let nothing = look(one, &f, &key(0));
    assert_eq!(nothing.found, None, "something is found before anything was put");
    for (number, len) in [0, 1, 100, 4096, 300_000].into_iter().enumerate() {
        let key = key(u8::try_from(number).unwrap_or(u8::MAX));
        let bytes: Vec<u8> = (0..len).map(|byte: usize| (byte * 31 + number) as u8).collect();
        put(one, &f, &key, &bytes);
        for store in [one, other] {
            let found = value(store, &f, &key);
            assert!(found.as_ref() == Some(&bytes), "{len} bytes that were put are not found");
        }
    }
    put(other, &f, &key(1), b"a newer one");
    assert_eq!(value(one, &f, &key(1)).as_deref(), Some(&b"a newer one"[..]), "the older is found");
}

fn keeps_functions_and_calls_apart(one: &dyn Store, other: &dyn Store) {
    let (f, g) = (function("apart"), function("apart_too"));
    let edited = FunctionId::new(f.name, [9; 16]);
    put(one, &f, &key(1), b"of f");
    for (function, key, what) in [
        (&f, key(2), "another call"),
        (&g, key(1), "another function"),
        (&edited, key(1), "a function of another fingerprint"),
    ] {
        assert_eq!(value(other, function, &key), None, "{what} finds the result of this one");
    }
    put(one, &g, &key(1), b"of g");
    one.clear(&f).expect("`clear`");
    assert_eq!(value(other, &f, &key(1)), None, "a cleared function's result is found");
    assert!(value(other, &g, &key(1)).is_some(), "clearing a function cleared another");
}

fn drops_what_was_looked_up_before_a_clear(one: &dyn Store, other: &dyn Store) {
    let f = function("clear");
    let mut epochs = vec![look(one, &f, &key(1)).ticket.epoch];
    for _ in 0..20 {
        let before = look(one, &f, &key(1)).ticket;
        let after = other.clear(&f).expect("`clear`");
        one.put(&f, &key(1), before, b"late", None).expect("`put` after a clear is no error");
        for store in [one, other] {
            let found = value(store, &f, &key(1));
            assert_eq!(found, None, "what was looked up before a clear is served after");
        }
        assert!(!epochs.contains(&after.epoch), "an epoch came twice");
        epochs.push(after.epoch);
    }
    put(one, &f, &key(1), b"new");
    assert!(value(other, &f, &key(1)).is_some(), "nothing can be put after a clear");
}

fn drops_what_was_looked_up_before_a_removal(one: &dyn Store, other: &dyn Store) {
    let f = function("remove");
    put(one, &f, &key(1), b"one");
    put(one, &f, &key(2), b"two");
    let before = look(one, &f, &key(1)).ticket;
    let (was_there, after) = other.remove(&f, &key(1)).expect("`remove`");
    assert!(was_there, "`remove` says that there was nothing");
    assert_eq!(value(one, &f, &key(1)), None, "a removed call is found");
    one.put(&f, &key(1), before, b"late", None).expect("`put` after a removal is no error");
    for store in [one, other] {
        let found = value(store, &f, &key(1));
        assert_eq!(found, None, "what was looked up before a removal is served after");
    }
    assert!(value(one, &f, &key(2)).is_some(), "removing a call removed another");
    one.put(&f, &key(2), before, b"two again", None).expect("`put`");
    let again = value(other, &f, &key(2));
    assert_eq!(again.as_deref(), Some(&b"two again"[..]), "a removal fences another call");
    other.put(&f, &key(1), after, b"new", None).expect("`put`");
    assert!(value(one, &f, &key(1)).is_some(), "nothing can be put after a removal");
}

fn tells_what_others_made_void(one: &dyn Store, other: &dyn Store) {
    let f = function("changes");
    put(one, &f, &key(1), b"one");
    let (start, changes) = one.changes(&f, None).expect("`changes`");
    assert_eq!(changes, Changes::Nothing, "since no moment something changed");
    let since = |ticket: Ticket| one.changes(&f, Some(ticket)).expect("`changes`");
    assert_eq!(since(start).1, Changes::Nothing, "nothing happened, and something changed");
    put(other, &f, &key(2), b"two");
    assert_eq!(since(start).1, Changes::Nothing, "what is put makes nothing void");
    other.remove(&f, &key(1)).expect("`remove`");
    let (removed, changes) = since(start);
    match changes {
        Changes::Removed(keys) => assert_eq!(keys, [key(1)], "other calls are named than removed"),
        Changes::Everything => {}
        Changes::Nothing => panic!("a removal is not told"),
    }
    assert_eq!(since(removed).1, Changes::Nothing, "a removal is told twice");
    other.clear(&f).expect("`clear`");
    let (cleared, changes) = since(removed);
    assert_eq!(changes, Changes::Everything, "a clear is not told");
    assert_eq!(since(start).1, Changes::Everything, "a clear is not told after a removal");
    assert_eq!(since(cleared).1, Changes::Nothing, "a clear is told twice");
}

fn clears_functions_that_it_was_not_asked_for(one: &dyn Store, other: &dyn Store) {
    let f = function("unasked");
    put(one, &f, &key(1), b"one");
    let before = look(one, &f, &key(1)).ticket;
    other.clear_all().expect("`clear_all`");
    assert_eq!(value(one, &f, &key(1)), None, "`clear_all` left a function");
    one.put(&f, &key(1), before, b"late", None).expect("`put` after a clear is no error");
    assert_eq!(value(one, &f, &key(1)), None, "what precedes `clear_all` is served after");
    let (_, changes) = one.changes(&f, Some(before)).expect("`changes`");
    assert_eq!(changes, Changes::Everything, "`clear_all` is not told");
}

fn gives_out_nothing_that_expired(store: &dyn Store) {
    const LIFE: Duration = Duration::from_millis(60);
    let f = function("expires");
    let ticket = look(store, &f, &key(1)).ticket;
    let before = Instant::now();
    store.put(&f, &key(1), ticket, b"short", Some(LIFE)).expect("`put`");
    store.put(&f, &key(2), ticket, b"long", Some(Duration::from_secs(3600))).expect("`put`");
    let after = Instant::now();
    loop {
        let asked = after.elapsed();
        match look(store, &f, &key(1)).found {
            Some(Found { age, .. }) => {
                assert!(age >= asked, "a result is younger than it can be: {age:?} < {asked:?}");
                assert!(asked < LIFE, "a result is served after its life");
            }
            None => break,
        }
        assert!(asked < LIFE * 100, "a result never expires");
    }
    assert!(before.elapsed() >= LIFE / 2, "a result expires long before its time");
    assert!(value(store, &f, &key(2)).is_some(), "what has not expired is gone");
}

fn removes_nothing_that_was_not_to_be_found(one: &dyn Store, other: &dyn Store) {
    const LIFE: Duration = Duration::from_millis(20);
    let f = function("removes");
    let remove = |store: &dyn Store, number| store.remove(&f, &key(number)).expect("`remove`").0;
    assert!(!remove(one, 1), "`remove` says that there was what nobody put");
    put(one, &f, &key(1), b"one");
    assert!(remove(other, 1), "`remove` says that there was nothing");
    assert!(!remove(one, 1), "what was removed is removed again");

    let ticket = look(one, &f, &key(2)).ticket;
    one.put(&f, &key(2), ticket, b"short", Some(LIFE)).expect("`put`");
    std::thread::sleep(LIFE * 2);
    assert!(!remove(one, 2), "`remove` says that there was what had expired");

    put(one, &f, &key(3), b"three");
    let before = look(one, &f, &key(3)).ticket;
    other.clear(&f).expect("`clear`");
    assert!(!remove(one, 3), "`remove` says that there was what had been cleared");
    one.put(&f, &key(3), before, b"late", None).expect("`put` after a clear is no error");
    assert!(!remove(one, 3), "`remove` says that there was what came too late for a clear");

    let before = look(one, &f, &key(4)).ticket;
    other.remove(&f, &key(4)).expect("`remove`");
    one.put(&f, &key(4), before, b"late", None).expect("`put` after a removal is no error");
    assert!(!remove(one, 4), "`remove` says that there was what came too late for a removal");
}

/// Writers, a clearer and a remover on a few calls: a result says at which version of the source it
/// was computed, and no reader may see an older one than was current when it was last invalidated.
fn serves_nothing_stale_while_all_happens_at_once(stores: [&dyn Store; 2]) {
    const CALLS: u8 = 4;
    const ROUNDS: u64 = 60;
    let f = function("at_once");
    let source = AtomicU64::new(1);
    let floors: [AtomicU64; CALLS as usize] = std::array::from_fn(|_| AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let raise = |call: usize, version| {
        floors[call].fetch_max(version, Ordering::SeqCst);
    };
    std::thread::scope(|scope| {
        for store in stores.into_iter().cycle().take(3) {
            let (source, floors, is_over) = (&source, &floors, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    for call in 0..CALLS {
                        let floor = floors[usize::from(call)].load(Ordering::SeqCst);
                        let lookup = look(store, &f, &key(call));
                        let Some(found) = lookup.found else {
                            let version = source.load(Ordering::SeqCst).to_le_bytes();
                            store
                                .put(&f, &key(call), lookup.ticket, &version, None)
                                .expect("`put`");
                            continue;
                        };
                        let bytes = found.value.try_into().expect("other bytes than were put");
                        let version = u64::from_le_bytes(bytes);
                        assert!(version >= floor, "call {call}: {version} is served after {floor}");
                    }
                }
            });
        }
        let _end = EndOnDrop(&is_over);
        for round in 0..ROUNDS {
            let store = stores[(round % 2) as usize];
            let version = source.fetch_add(1, Ordering::SeqCst) + 1;
            if round % 3 == 0 {
                store.clear(&f).expect("`clear`");
                (0..usize::from(CALLS)).for_each(|call| raise(call, version));
            } else {
                let call = (round % u64::from(CALLS)) as u8;
                store.remove(&f, &key(call)).expect("`remove`");
                raise(usize::from(call), version);
            }
        }
    });
}

/// Ends the readers, though the one who makes the changes panics.
struct EndOnDrop<'b>(&'b AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
