//! What a function's memory gives up, and when.

use super::*;
use crate::key::Hashes;
use crate::memory::expiry::BATCH;
use crate::reclaim::{self, Quota};

const MANY: u64 = if cfg!(miri) { 150 } else { 1_000_000 };

fn mixed(number: u64) -> u64 {
    let wide = u128::from(number ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
    (wide >> 64) as u64 ^ wide as u64
}

fn builder(number: u64) -> Builder {
    Builder::new(&number.to_ne_bytes(), false, Hashes::same(mixed(number)), 0)
}

/// Empties it, and waits for the pins of other tests until all is freed.
fn end(mut memory: Memory, table: &Table) {
    memory.clear(table);
    assert_eq!((memory.entries(), memory.bytes()), (0, 0));
    while !memory.is_clean() {
        reclaim::tend();
        reclaim::free(memory.collect(true), Quota::slice());
        std::thread::yield_now();
    }
}

fn free(memory: &mut Memory) {
    reclaim::free(memory.collect(false), Quota::slice());
    reclaim::tend();
}

#[test]
fn what_lives_for_any_time_is_given_up_in_batches_when_that_has_come_and_not_before() {
    let (table, mut memory) = (Table::new(), Memory::new(false));
    let life = |number: u64| mixed(number + MANY) % MANY + 1;
    for number in 0..MANY {
        let entry = builder(number).finish(0, Some(Tick::from_nanos(life(number))));
        assert!(memory.insert(&table, Bounds::NONE, entry).is_ok());
    }
    let mut lives: Vec<_> = (0..MANY).map(life).collect();
    lives.sort_unstable();
    let mut given_up = 0;
    for now in (0..=MANY).step_by(MANY as usize / 50) {
        let due = lives.partition_point(|life| *life <= now);
        loop {
            let next = memory.expire(&table, Tick::from_nanos(now), BATCH);
            let after = lives.len() - memory.entries();
            assert!(after - given_up <= BATCH && after <= due);
            given_up = after;
            free(&mut memory);
            assert_eq!(next.map(Tick::nanos), lives.get(given_up).copied());
            if next.is_none_or(|next| next.nanos() > now) {
                break;
            }
        }
        assert_eq!((given_up, memory.expirations()), (due, due as u64));
    }
    assert_eq!(memory.entries(), 0);
    end(memory, &table);
}

#[test]
fn what_is_replaced_or_removed_is_not_waited_for() {
    let (table, mut memory) = (Table::new(), Memory::new(false));
    let insert = |memory: &mut Memory, number: u64, life: Option<u64>| {
        let entry = builder(number).finish(0, life.map(Tick::from_nanos));
        let bounds = Bounds { entries: 100, ..Bounds::NONE };
        assert!(memory.insert(&table, bounds, entry).is_ok());
    };
    for number in 0..100 {
        insert(&mut memory, number, Some(100 - number));
    }
    // Of those that expire at 1 to 10, some go, and others stay for longer or for good.
    (90..94).for_each(|number| {
        assert!(memory.remove_same(&table, builder(number).finish(0, None).view()))
    });
    (94..97).for_each(|number| insert(&mut memory, number, Some(200)));
    (97..100).for_each(|number| insert(&mut memory, number, None));
    let next = memory.expire(&table, Tick::from_nanos(10), BATCH);
    assert_eq!((next.map(Tick::nanos), memory.entries()), (Some(11), 96));
    assert_eq!(memory.expire(&table, Tick::from_nanos(100), 1000).map(Tick::nanos), Some(200));
    assert_eq!(memory.expire(&table, Tick::from_nanos(300), 1000), None);
    assert_eq!(memory.entries(), 3);
    end(memory, &table);
}
