//! Entries that come and go under the eyes of readers.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::*;
use crate::call::{get, Hooks};
use crate::key::Hashes;
use crate::memory::entry::{Builder, Ref, View};
use crate::memory::table::{Table, Writer};
use crate::platform::sync::Mutex;

/// A call whose answer says its key.
fn marked(memo: &'static Static, key: u64) {
    let result = run(memo, key, || {
        point();
        10 * key
    });
    assert_eq!(result, 10 * key);
}

/// A result whose `Deserialize` takes its time, as a user's may.
#[derive(PartialEq)]
struct Slow(u64);

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_string().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        point();
        let text = <&str>::deserialize(deserializer)?;
        point();
        Ok(Self(text.parse().expect("it was a number")))
    }
}

#[test]
fn within_a_bound_of_one_entry_every_call_has_its_own_answer() {
    check(|functions| {
        let memo = functions.function(false, |memo| memo.max_entries(1));
        at_once((0..3).map(|first| {
            boxed(move || {
                marked(memo, first);
                marked(memo, first + 1);
            })
        }));
        assert_eq!(memo.stats().entries, 1);
    });
}

#[test]
fn within_a_bound_of_two_entries_every_call_has_its_own_answer() {
    check(|functions| {
        let memo = functions.function(false, |memo| memo.max_entries(2));
        at_once(
            (0..3)
                .map(|first| boxed(move || (0..3).for_each(|key| marked(memo, (first + key) % 4)))),
        );
        assert_eq!(memo.stats().entries, 2);
    });
}

#[test]
fn within_a_budget_functions_evict_for_each_other() {
    check(|functions| {
        let (a, b, registry) = (functions.data(), functions.data(), functions.registry());
        marked(a, 1);
        // Room for that one, and for none beside it.
        let max = a.stats().bytes;
        budget::set_max_bytes_of(registry, max as u64);
        at_once([
            boxed(move || (1..3).for_each(|key| marked(b, key))),
            boxed(move || (1..3).for_each(|key| marked(a, key))),
            boxed(move || {
                assert!(budget::used() <= max);
                a.clear();
                assert!(budget::used() <= max);
            }),
        ]);
        assert_eq!(a.stats().bytes + b.stats().bytes, budget::used());
        assert!(budget::used() <= max);
        budget::set_max_bytes_of(registry, u64::MAX);
    });
}

#[test]
fn a_budget_that_is_set_holds_once_that_returns() {
    check(|functions| {
        let (a, b, registry) = (functions.data(), functions.data(), functions.registry());
        marked(a, 0);
        // Room for that one, and for none beside it.
        let max = a.stats().bytes;
        at_once([
            boxed(move || (1..3).for_each(|key| marked(a, key))),
            boxed(move || (1..3).for_each(|key| marked(b, key))),
            boxed(move || {
                budget::set_max_bytes_of(registry, max as u64);
                assert!(budget::used() <= max);
                point();
                assert!(budget::used() <= max);
            }),
        ]);
        budget::set_max_bytes_of(registry, u64::MAX);
    });
}

#[test]
fn what_is_stored_is_found_while_its_table_grows() {
    check(|functions| {
        let memo = functions.data();
        (0..5).for_each(|key| marked(memo, key));
        // Without the cache's lock, as a call would find it.
        let found = |key: u64| get(memo, Bytes(Plain), (&key, ())).unwrap_or(0);
        at_once([
            boxed(move || (5..8).for_each(|key| marked(memo, key))),
            boxed(move || (1..3).for_each(|key| assert_eq!(found(key), 10 * key))),
            boxed(move || (3..5).for_each(|key| assert_eq!(found(key), 10 * key))),
        ]);
        assert_eq!(memo.stats().entries, 8);
    });
}

#[test]
fn what_is_replaced_is_found_at_every_moment() {
    check(|functions| {
        let memo = functions.data();
        insert(memo, Bytes(Plain), (&1_u64, ()), 0_u64);
        at_once([
            boxed(move || (1..3_u64).for_each(|n| insert(memo, Bytes(Plain), (&1_u64, ()), n))),
            boxed(move || {
                // Without the cache's lock, as a call would find it.
                let found =
                    || get::<u64, _, _>(memo, Bytes(Plain), (&1_u64, ())).expect("it is stored");
                let (first, second) = (found(), found());
                assert!(first <= second && second < 3);
            }),
        ]);
    });
}

#[test]
fn a_resource_is_whole_though_it_is_given_up_while_it_is_found() {
    check(|functions| {
        let memo = functions.function(true, |memo| memo);
        let make = || enter(memo, Hooks::<u64>::new(), ()).run(|| Arc::new(7));
        assert_eq!(*make(), 7);
        at_once([
            boxed(move || assert_eq!((*make(), *make()), (7, 7))),
            boxed(move || {
                assert_eq!(*refresh(memo, Hooks::<u64>::new(), ()).run(|| Arc::new(7)), 7)
            }),
            boxed(move || memo.clear()),
        ]);
    });
}

#[test]
fn what_is_decoded_is_kept_until_it_is_though_it_is_cleared() {
    check(|functions| {
        let memo = functions.data();
        let read = || enter(memo, Bytes(Plain), (&1_u64, ())).run(|| Slow(7));
        assert_eq!(read(), Slow(7));
        at_once([
            boxed(move || assert_eq!((read(), read()), (Slow(7), Slow(7)))),
            boxed(move || {
                memo.clear();
                insert(memo, Bytes(Plain), (&1_u64, ()), Slow(7));
                memo.clear();
            }),
        ]);
    });
}

/// A table and its writer, which a thread of the schedule each has a share in.
struct Shelf {
    table: Table,
    writer: Mutex<Writer>,
}

/// The longest text that the allocator's remains cannot look like.
const TEXT: &str = "a value of some length";

fn entry(hash: u64) -> Ref {
    let mut builder = Builder::new(&[1], false, Hashes::same(hash), 0);
    builder.push(TEXT.as_bytes());
    builder.finish(0, None)
}

fn has(hash: u64) -> impl Fn(View<'_>) -> bool {
    move |view| view.hashes().quick == hash
}

fn is_whole(view: View<'_>) -> bool {
    view.key() == [1] && view.value() == TEXT.as_bytes()
}

impl Shelf {
    /// With an entry of that hash.
    fn new(hash: u64) -> Arc<Self> {
        let shelf = Self { table: Table::new(), writer: Mutex::new(Writer::new()) };
        shelf.writer.lock().link(&shelf.table, entry(hash));
        Arc::new(shelf)
    }

    /// Changes the table, and frees what can be.
    fn change(&self, change: impl FnOnce(&mut Writer)) {
        let freed = {
            let mut writer = self.writer.lock();
            change(&mut writer);
            writer.collect(true)
        };
        drop(freed);
    }

    /// Takes the entry of that hash out, and puts another one in.
    fn renew(&self, hash: u64) {
        self.change(|writer| {
            if let Some((place, _)) = writer.locate(&self.table, Hashes::same(hash), has(hash)) {
                writer.unlink(place);
            }
        });
        self.change(|writer| writer.link(&self.table, entry(hash)));
    }

    fn replace(&self, hash: u64) {
        self.change(|writer| {
            if let Some((place, _)) = writer.locate(&self.table, Hashes::same(hash), has(hash)) {
                writer.replace(place, entry(hash));
            }
        });
    }

    /// Reads what there is, under a pin that takes its time.
    fn read(&self, hash: u64) -> bool {
        let pin = reclaim::pin();
        let found = self.table.read(&pin).and_then(|table| {
            let view = table.find(hash, has(hash))?;
            point();
            Some(is_whole(view))
        });
        assert_ne!(found, Some(false), "it was freed while it was read");
        found.is_some()
    }

    fn end(self: Arc<Self>) {
        let mut writer = self.writer.lock();
        writer.clear(&self.table);
        drop(writer.collect(true));
        assert!(writer.is_clean());
    }
}

#[test]
fn nothing_is_freed_under_a_pin_that_could_reach_it() {
    check(|_| {
        let shelf = Shelf::new(5);
        let (first, second, writer) = (Arc::clone(&shelf), Arc::clone(&shelf), Arc::clone(&shelf));
        at_once([
            boxed(move || (0..2).for_each(|_| assert!(first.read(5)))),
            boxed(move || assert!(second.read(5))),
            boxed(move || (0..2).for_each(|_| writer.replace(5))),
        ]);
        shelf.end();
    });
}

#[test]
fn what_is_stored_is_found_while_those_before_it_come_and_go() {
    // All three are probed for from the same slot.
    const HASHES: [u64; 3] = [5, 5 | 1 << 61, 5 | 2 << 61];
    check(|_| {
        let shelf = Shelf::new(HASHES[0]);
        for hash in &HASHES[1..] {
            shelf.change(|writer| writer.link(&shelf.table, entry(*hash)));
        }
        let (reader, writer) = (Arc::clone(&shelf), Arc::clone(&shelf));
        at_once([
            boxed(move || (0..3).for_each(|_| assert!(reader.read(HASHES[2])))),
            boxed(move || (0..4).for_each(|n| writer.renew(HASHES[n % 2]))),
        ]);
        shelf.end();
    });
}

#[test]
fn what_is_stored_is_found_while_its_array_is_split() {
    // Arrays have eight slots here, and hashes differ in what chooses an array.
    let hash = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    check(move |_| {
        let shelf = Shelf::new(hash(1));
        shelf.change(|writer| (2..7).for_each(|n| writer.link(&shelf.table, entry(hash(n)))));
        let (first, second, writer) = (Arc::clone(&shelf), Arc::clone(&shelf), Arc::clone(&shelf));
        at_once([
            boxed(move || (0..3).for_each(|_| assert!(first.read(hash(1))))),
            boxed(move || (2..5).for_each(|n| assert!(second.read(hash(n))))),
            boxed(move || {
                for n in 0..3 {
                    let five = 7 + n * 5..12 + n * 5;
                    writer.change(|it| five.for_each(|n| it.link(&writer.table, entry(hash(n)))));
                }
            }),
        ]);
        shelf.end();
    });
}

#[test]
fn slots_are_freed_after_their_readers_and_their_entries_with_them() {
    check(|_| {
        let shelf = Shelf::new(5);
        let (reader, writer) = (Arc::clone(&shelf), Arc::clone(&shelf));
        at_once([
            boxed(move || {
                (0..3).for_each(|_| {
                    reader.read(5);
                })
            }),
            boxed(move || {
                writer.change(|it| it.clear(&writer.table));
                writer.change(|it| (0..7).for_each(|n| it.link(&writer.table, entry(5 + n))));
                writer.change(|it| it.clear(&writer.table));
            }),
        ]);
        shelf.end();
    });
}

#[test]
fn what_is_held_outlives_its_pin_and_its_table() {
    check(|_| {
        let shelf = Shelf::new(5);
        let (reader, writer) = (Arc::clone(&shelf), Arc::clone(&shelf));
        at_once([
            boxed(move || {
                let pin = reclaim::pin();
                let Some(table) = reader.table.read(&pin) else { return };
                let Some(view) = table.find(5, |_| true) else { return };
                let entry = view.pointer();
                let hold = pin.hold(entry.cast()).expect("there is a place for it");
                point();
                // SAFETY: it is held.
                assert!(is_whole(unsafe { View::new(entry) }), "it was freed while it was held");
                drop(hold);
            }),
            boxed(move || {
                writer.replace(5);
                writer.change(|it| it.clear(&writer.table));
            }),
        ]);
        shelf.end();
    });
}
