//! Tables of many segments.

use std::sync::Arc;

use super::*;
use crate::memory::entry::owned_len;
use crate::reclaim::Quota;

const MANY: u64 = 12 * SEGMENT as u64;

fn mixed(number: u64) -> u64 {
    let wide = u128::from(number ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
    (wide >> 64) as u64 ^ wide as u64
}

fn fill(table: &Table, writer: &mut Writer, hash: fn(u64) -> u64) {
    (0..MANY).for_each(|n| writer.link(table, entry(hash(n), &n.to_string(), "value")));
}

fn segments(table: &Table, writer: &Writer) -> usize {
    writer.slots(table).unwrap().head().segments
}

#[test]
fn every_entry_is_found_and_what_is_removed_is_not() {
    let (table, mut writer) = (Table::new(), Writer::new());
    fill(&table, &mut writer, mixed);
    assert!(segments(&table, &writer) >= 16);
    assert_eq!((writer.entries() as u64, writer.each(&table).count() as u64), (MANY, MANY));
    for n in (0..MANY).step_by(3) {
        assert!(remove(&mut writer, &table, mixed(n), &n.to_string()));
        drop(writer.collect(false));
    }
    for n in 0..MANY {
        let found = value(&table, mixed(n), &n.to_string());
        assert_eq!(found.as_deref(), (n % 3 != 0).then_some("value"), "{n}");
    }
    free_all(&table, &mut writer);
    assert_eq!((writer.entries(), writer.bytes(), value(&table, mixed(1), "1")), (0, 0, None));
}

#[test]
fn a_segment_keeps_its_room_for_those_who_come_when_others_go() {
    let (table, mut writer) = (Table::new(), Writer::new());
    fill(&table, &mut writer, mixed);
    let before = segments(&table, &writer);
    for n in 0..if cfg!(miri) { MANY } else { 4 * MANY } {
        assert!(remove(&mut writer, &table, mixed(n), &n.to_string()));
        let n = n + MANY;
        writer.link(&table, entry(mixed(n), &n.to_string(), "value"));
        drop(writer.collect(false));
    }
    assert!(segments(&table, &writer) <= before * 2);
    free_all(&table, &mut writer);
}

#[test]
fn hashes_that_tell_no_segments_apart_make_one_array_grow_and_no_directory() {
    let (table, mut writer) = (Table::new(), Writer::new());
    fill(&table, &mut writer, |n| n);
    assert!(segments(&table, &writer) <= 32);
    for n in 0..MANY {
        assert!(value(&table, n, &n.to_string()).is_some());
    }
    free_all(&table, &mut writer);
}

#[test]
fn a_large_table_becomes_thorough_as_a_small_one_does() {
    let (table, mut writer) = (Table::new(), Writer::new());
    fill(&table, &mut writer, mixed);
    let long = |number: u64| {
        let key = [[7; 1024].as_slice(), &number.to_le_bytes()].concat();
        Builder::new(&key, false, Hashes { quick: 5, thorough: mixed(number) }, 0)
    };
    (0..12).for_each(|n| writer.link(&table, long(n).finish(0, None)));
    assert!(writer.slots(&table).unwrap().is_thorough());
    for n in 0..12 {
        let key = long(n);
        assert!(writer.locate(&table, key.hashes(), same_key(&key)).is_some());
    }
    assert!((0..MANY).all(|n| value(&table, mixed(n), &n.to_string()).is_some()));
    assert_eq!(writer.entries() as u64, MANY + 12);
    free_all(&table, &mut writer);
}

#[test]
fn what_is_held_of_a_cleared_table_outlives_the_slices_in_which_the_rest_is_freed() {
    let (table, mut writer) = (Table::new(), Writer::new());
    let probe = Arc::new(());
    for n in 0..MANY {
        let key = key(mixed(n), &n.to_string());
        let size = owned_len::<Arc<()>>();
        let builder = Builder::new(key.key(), false, key.hashes(), size);
        writer.link(&table, builder.finish_owned(Arc::clone(&probe), None));
    }
    let pin = reclaim::pin();
    let view = table.read(&pin).unwrap().find(mixed(7), |view| view.key() == b"7").unwrap();
    let pointer = view.pointer();
    let hold = pin.hold(pointer.cast()).unwrap();
    writer.clear(&table);
    // Whoever comes by in another test frees some of it as well.
    while Arc::strong_count(&probe) > 2 {
        reclaim::tend();
        reclaim::free(writer.collect(true), Quota::slice());
        reclaim::free_some();
        std::thread::yield_now();
    }
    // SAFETY: it is held.
    let view = unsafe { View::new(pointer) };
    assert!(Arc::ptr_eq(view.owned::<Arc<()>>().unwrap(), &probe));
    assert_eq!(Arc::strong_count(&probe), 2);
    drop(hold);
    while Arc::strong_count(&probe) > 1 {
        reclaim::free(writer.collect(true), Quota::slice());
        reclaim::free_some();
        std::thread::yield_now();
    }
}
