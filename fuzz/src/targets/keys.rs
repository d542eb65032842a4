//! The encoder of keys: two values are encoded alike exactly if they are equal, whatever order their
//! maps are in, and all sinks say the same.

use memo_core::__fuzz::{key_equals, sinks, Sinks, KEPT};

use crate::input::{mixed, Input};
use crate::model::{any, copy, Model};

const DEPTH: usize = 4;

fn walked(model: &Model) -> Sinks {
    let sinks = sinks(model).expect("every model can be encoded");
    let Sinks { bytes, digest, hashes, stored, name } = &sinks;
    assert!(key_equals(model, bytes), "it is not found by its own encoding: {model:?}");
    assert_eq!(stored.is_some(), bytes.len() <= KEPT);
    match stored {
        Some((stored, stored_hashes)) => {
            assert_eq!(stored, bytes, "{model:?}");
            let expected = stored_hashes.map(|hash| Some((hash, bytes.len())));
            assert_eq!(*hashes, expected, "{model:?}");
        }
        None => {
            assert_eq!(*hashes, [None; 2], "{model:?}");
            assert_eq!(name, digest, "{model:?}");
        }
    }
    sinks
}

pub fn run(input: &[u8]) -> u64 {
    let input = &mut Input(input);
    let is_copy = input.byte() % 4 != 0;
    let one = any(input, DEPTH);
    let other = if is_copy { copy(&one, input) } else { any(input, DEPTH) };
    let is_equal = one == other;
    let (walked_one, walked_other) = (walked(&one), walked(&other));
    let (a, b) = (&walked_one.bytes, &walked_other.bytes);
    assert_eq!(a == b, is_equal, "{one:?}\n{other:?}");
    assert_eq!(walked_one.digest == walked_other.digest, is_equal, "{one:?}\n{other:?}");
    assert_eq!(walked_one.name == walked_other.name, is_equal, "{one:?}\n{other:?}");
    assert_eq!(key_equals(&one, b), is_equal, "{one:?}\n{other:?}");
    assert_eq!(key_equals(&other, a), is_equal, "{one:?}\n{other:?}");
    if is_equal {
        assert_eq!(walked_one, walked_other, "{one:?}");
    } else {
        // Of several arguments none runs into the next.
        assert!(!a.starts_with(b) && !b.starts_with(a), "{one:?}\n{other:?}");
    }
    let kind =
        |bytes: &[u8]| bytes.iter().take(12).fold(0, |all, byte| mixed(&[all, (*byte).into()]));
    mixed(&[is_equal.into(), kind(a), kind(b)])
}

pub fn seeds() -> Vec<Vec<u8>> {
    // One of each kind, alone and in a sequence; then what the copy changes.
    let one = |kind: u8| vec![1, kind, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    let within = |kind: u8| vec![1, 28, 0, 3, kind, 1, 2, 3, 4, kind, 1, 2, 3, 5, 15, 30];
    let two =
        |kind: u8| vec![0, kind, 1, 2, 3, 16, 1, 2, 3, 4, 5, 6, 7, 8, kind, 1, 2, 3, 17, 1, 2];
    (0..36).flat_map(|kind| [one(kind), within(kind), two(kind)]).collect()
}
