//! Entries come, go and are found.

mod at_once;
mod large;

use super::growth::ALIKE;
use super::*;
use crate::key::Hashes;
use crate::memory::entry::Ref;
use crate::reclaim;

fn key(hash: u64, key: &str) -> Builder {
    Builder::new(key.as_bytes(), false, Hashes::same(hash), 0)
}

fn entry(hash: u64, name: &str, value: &str) -> Ref {
    let mut builder = key(hash, name);
    builder.push(value.as_bytes());
    builder.finish(0, None)
}

fn value(table: &Table, hash: u64, name: &str) -> Option<String> {
    let pin = reclaim::pin();
    let view = table.read(&pin)?.find(hash, same_key(&key(hash, name)))?;
    Some(String::from_utf8(view.value().to_vec()).unwrap())
}

/// Frees what can be freed, whether or not it is much.
fn free(writer: &mut Writer) -> usize {
    reclaim::tend();
    writer.collect(true).len()
}

/// Empties the table, and waits for the pins of other tests until all is freed.
fn free_all(table: &Table, writer: &mut Writer) {
    writer.clear(table);
    while !writer.is_clean() {
        free(writer);
        std::thread::yield_now();
    }
}

fn remove(writer: &mut Writer, table: &Table, hash: u64, name: &str) -> bool {
    let place = writer.locate(table, Hashes::same(hash), same_key(&key(hash, name)));
    place.is_some_and(|(place, _)| {
        writer.unlink(place);
        true
    })
}

#[test]
fn keys_of_one_hash_are_told_apart_and_removed_one_by_one() {
    let (table, mut writer) = (Table::new(), Writer::new());
    for key in ["a", "b", "c", "d"] {
        writer.link(&table, entry(9, key, key));
    }
    assert!(remove(&mut writer, &table, 9, "b"));
    assert!(!remove(&mut writer, &table, 9, "b"));
    for (key, expected) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        assert_eq!(value(&table, 9, key).is_some(), expected, "{key}");
    }
    assert_eq!((writer.entries(), writer.bytes()), (3, 6));
    free_all(&table, &mut writer);
}

#[test]
fn a_new_entry_takes_the_place_of_the_old() {
    let (table, mut writer) = (Table::new(), Writer::new());
    writer.link(&table, entry(1, "k", "old"));
    let (place, _) = writer.locate(&table, Hashes::same(1), |_| true).unwrap();
    writer.replace(place, entry(1, "k", "newer"));
    assert_eq!(value(&table, 1, "k").as_deref(), Some("newer"));
    assert_eq!((writer.entries(), writer.bytes()), (1, 6));
    free_all(&table, &mut writer);
}

#[test]
fn inserting_and_removing_for_ever_keeps_the_table_small() {
    let (table, mut writer) = (Table::new(), Writer::new());
    for n in 0..if cfg!(miri) { 100 } else { 10_000_u64 } {
        let (hash, name) = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n.to_string());
        writer.link(&table, entry(hash, &name, "v"));
        assert!(value(&table, hash, &name).is_some());
        assert!(remove(&mut writer, &table, hash, &name));
        drop(writer.collect(false));
    }
    assert_eq!(writer.slots(&table).unwrap().count(), 8);
    free_all(&table, &mut writer);
}

#[test]
fn what_a_pin_found_outlives_its_removal() {
    let (table, mut writer) = (Table::new(), Writer::new());
    writer.link(&table, entry(5, "k", "held"));
    let pin = reclaim::pin();
    let view = table.read(&pin).unwrap().find(5, |_| true).unwrap();
    writer.clear(&table);
    for _ in 0..2 {
        assert_eq!(free(&mut writer), 0);
    }
    assert_eq!(view.value(), b"held");
    drop(pin);
    free_all(&table, &mut writer);
}

#[test]
fn long_keys_that_are_alike_where_they_are_sampled_are_found_by_all_of_them() {
    let (table, mut writer) = (Table::new(), Writer::new());
    let long = |number: u64| {
        let key = [[7; 1024].as_slice(), &number.to_le_bytes()].concat();
        Builder::new(&key, false, Hashes { quick: 5, thorough: number << 32 | number }, 0)
    };
    for number in 0..if cfg!(miri) { 12 } else { 100 } {
        writer.link(&table, long(number).finish(0, None));
        let pin = reclaim::pin();
        let reader = table.read(&pin).unwrap();
        assert_eq!(reader.is_thorough(), number >= ALIKE as u64);
        for number in 0..=number {
            let key = long(number);
            let hash = key.hashes().of(reader.is_thorough());
            assert!(reader.find(hash, same_key(&key)).is_some());
            assert!(writer.locate(&table, key.hashes(), same_key(&key)).is_some());
        }
    }
    free_all(&table, &mut writer);
}
