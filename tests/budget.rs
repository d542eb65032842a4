//! The bound of all functions together, in a process of its own: it is everybody's.

use std::thread;

use memo::memo;

#[memo]
fn text(key: u32, len: usize) -> String {
    let _ = key;
    "x".repeat(len)
}

#[memo]
fn number(key: u32) -> u32 {
    key
}

fn held() -> usize {
    memo::stats().iter().map(|stats| stats.bytes).sum()
}

#[test]
fn all_functions_together_stay_within_their_budget() {
    for key in 0..1000 {
        text(key, 100);
        number(key);
    }
    assert!(held() > 100_000);

    memo::set_max_bytes(20_000);
    assert!(held() <= 20_000, "what there was makes room: {}", held());
    assert!(held() > 19_000);

    for key in 0..1000 {
        text(key, key as usize % 300);
        assert!(held() <= 20_000);
        assert!(text::contains(key, key as usize % 300), "never the one being written");
    }
    // The functions share: what one wants now comes from what the other does not want any more.
    for key in 0..2000 {
        number(key + 10_000);
    }
    assert!(number::stats().entries > 900, "{:?}", memo::stats());
    assert!(held() <= 20_000);

    // Larger than all there may be: returned, not stored, and nobody makes room for it.
    let before = held();
    assert_eq!(text(1, 30_000).len(), 30_000);
    assert_eq!(held(), before);

    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for key in 0..2000 {
                    text(key * 4 + thread, 50);
                    number(key * 4 + thread);
                }
            });
        }
    });
    assert!(held() <= 20_000);

    memo::set_max_bytes(u64::MAX);
    for key in 0..1000 {
        text(key, 100);
    }
    assert!(held() > 100_000);
}
