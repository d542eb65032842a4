//! The order of expiry.

use std::cell::Cell;

use super::*;

#[derive(Debug)]
struct Item {
    expiry: u64,
    seat: Cell<Place>,
}

impl Aging for &Item {
    fn expiry(self) -> Tick {
        Tick::from_nanos(self.expiry)
    }

    fn seat(self) -> Place {
        self.seat.get()
    }

    fn set_seat(self, seat: Place) {
        self.seat.set(seat);
    }
}

const MANY: u64 = if cfg!(miri) { 300 } else { 100_000 };

fn items(expiry: impl Fn(u64) -> u64) -> Vec<Item> {
    let item = |n| Item { expiry: expiry(n), seat: Cell::new(NOWHERE) };
    (0..MANY).map(item).collect()
}

fn random(number: u64) -> u64 {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % (MANY / 2) + 1
}

fn take_all(ages: &mut Ages<&Item>) -> Vec<u64> {
    let next = || {
        let (expiry, item) = ages.first()?;
        ages.remove(item);
        assert_eq!((item.seat(), item.expiry()), (NOWHERE, expiry));
        Some(item.expiry)
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn lives_of_any_length_end_in_the_order_of_their_ends() {
    for expiry in [random, |n| n / 3 + 1, |n| MANY - n] {
        let items = items(expiry);
        let mut ages = Ages::new();
        items.iter().for_each(|item| ages.push(item));
        let mut expected: Vec<_> = items.iter().map(|item| item.expiry).collect();
        expected.sort_unstable();
        assert_eq!(take_all(&mut ages), expected);
    }
}

#[test]
fn whoever_leaves_early_leaves_the_order_of_the_others() {
    let items = items(random);
    let mut ages = Ages::new();
    let stays = |number: usize| number % 3 != 1;
    for (number, item) in items.iter().enumerate() {
        ages.push(item);
        if number >= 100 && !stays(number - 100) {
            ages.remove(&items[number - 100]);
        }
    }
    let (last, gone) = (items.len() - 100, items.len());
    (last..gone).filter(|number| !stays(*number)).for_each(|number| ages.remove(&items[number]));
    let staying = items.iter().enumerate().filter(|(number, _)| stays(*number));
    let mut expected: Vec<_> = staying.map(|(_, item)| item.expiry).collect();
    expected.sort_unstable();
    assert_eq!(take_all(&mut ages), expected);
}

#[test]
fn where_all_live_equally_long_nothing_is_in_the_heap() {
    let items = items(|n| n / 2 + 7);
    let mut ages = Ages::new();
    items.iter().for_each(|item| ages.push(item));
    assert_eq!((ages.heap.len(), ages.list.len()), (0, items.len()));
}
