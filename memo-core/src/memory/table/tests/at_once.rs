//! Readers and a writer at once, with the writer behind a lock as a cache's is.

use std::thread;

use super::*;
use crate::platform::sync::Mutex;

fn is_hash(hash: u64) -> impl Fn(View<'_>) -> bool {
    move |view| view.hashes().quick == hash
}

/// The writer may see the second pin and never that the first has ended: what was read under
/// the first has to be read by then all the same.
#[test]
fn what_is_read_under_one_pin_is_not_freed_before_though_only_the_next_is_seen() {
    const ROUNDS: usize = 24;
    let table = Table::new();
    let writer = Mutex::new(Writer::new());
    writer.lock().link(&table, entry(5, "k", "value00"));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let pin = reclaim::pin();
                if let Some(view) = table.read(&pin).and_then(|table| table.find(5, |_| true)) {
                    assert!(view.value().starts_with(b"value"));
                }
                drop(pin);
                let pin = reclaim::pin();
                thread::yield_now();
                drop(pin);
            }
        });
        for n in 0..ROUNDS {
            let freed = {
                let mut writer = writer.lock();
                let (place, _) = writer.locate(&table, Hashes::same(5), |_| true).unwrap();
                writer.replace(place, entry(5, "k", &format!("value{n:02}")));
                writer.collect(true)
            };
            reclaim::tend();
            drop(freed);
        }
    });
    free_all(&table, &mut writer.lock());
}

#[test]
fn readers_find_whole_entries_while_all_kinds_of_changes_are_made() {
    const ROUNDS: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let hash_of = |n: u64| ((n % 6) << 61) | (n % 3);
    let table = Table::new();
    let writer = Mutex::new(Writer::new());
    let read = || {
        for n in 0..ROUNDS {
            let pin = reclaim::pin();
            let Some(reader) = table.read(&pin) else { continue };
            if let Some(view) = reader.find(hash_of(n), is_hash(hash_of(n))) {
                assert_eq!(view.key(), view.value());
                pin.count_hit((n % 17) as usize);
            }
        }
    };
    let change = |n: u64| {
        let (hash, name) = (hash_of(n), format!("{:x}", hash_of(n)));
        let mut writer = writer.lock();
        let there = writer.locate(&table, Hashes::same(hash), is_hash(hash));
        match there.map(|(place, _)| place) {
            Some(place) if n.is_multiple_of(2) => writer.unlink(place),
            Some(place) => writer.replace(place, entry(hash, &name, &name)),
            None => writer.link(&table, entry(hash, &name, &name)),
        }
        if n % 64 == 13 {
            writer.clear(&table);
        }
        writer.collect(n.is_multiple_of(3))
    };
    thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        for n in 0..ROUNDS {
            let freed = change(n);
            reclaim::tend();
            drop(freed);
        }
    });
    free_all(&table, &mut writer.lock());
}

#[test]
fn what_is_there_is_found_all_the_while_a_table_grows_by_splits() {
    const STAY: u64 = 4;
    const COME: u64 = if cfg!(miri) { 30 } else { 8 * SEGMENT as u64 };
    let hash_of = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let table = Table::new();
    let writer = Mutex::new(Writer::new());
    let link = |n: u64| {
        let freed = {
            let mut writer = writer.lock();
            writer.link(&table, entry(hash_of(n), &n.to_string(), "value"));
            writer.collect(false)
        };
        reclaim::tend();
        drop(freed);
    };
    (0..STAY).for_each(link);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let read = || {
        for _ in 0..if cfg!(miri) { 4 } else { usize::MAX } {
            if is_over.load(std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            for n in 0..STAY {
                assert_eq!(value(&table, hash_of(n), &n.to_string()).as_deref(), Some("value"));
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        (STAY..COME).for_each(link);
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(writer.lock().each(&table).count() as u64, COME);
    free_all(&table, &mut writer.lock());
}
