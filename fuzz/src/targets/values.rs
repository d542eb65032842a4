//! The readers of both codecs, for many types: any bytes are a value or an error. No read panics,
//! takes more memory than the bytes account for, or nests deeper than a thread's stack bears; and
//! what is read is a value like any other, which can be stored and comes back the same.

use std::any::type_name;

use memo_core::__fuzz::{
    are_same, decode_by, decode_from_store, encode_by, encode_checked, key_bytes, CODECS,
};
use memo_core::__private::Data;

use crate::input::{mixed, mixed_text};
use crate::memory::peak_of;
use crate::types::*;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A type, by the name that an input has it by.
struct Known {
    name: fn() -> &'static str,
    read: fn(u8, &[u8]) -> u64,
}

macro_rules! known {
    (carried: $($carried:ty),*; others: $($other:ty),*) => {
        const TYPES: &[Known] = &[
            $(Known { name: type_name::<$carried>, read: read::<$carried, true> },)*
            $(Known { name: type_name::<$other>, read: read::<$other, false> },)*
        ];
    };
}
crate::every_type!(known);

/// The first byte is the type, the second the codec; the rest is the value.
pub fn run(input: &[u8]) -> u64 {
    let [kind, codec, bytes @ ..] = input else { return 0 };
    let kind = usize::from(*kind) % TYPES.len();
    let codec = CODECS[usize::from(*codec) % CODECS.len()];
    mixed(&[kind as u64, codec.into(), (TYPES[kind].read)(codec, bytes)])
}

pub fn seeds() -> Vec<Vec<u8>> {
    samples()
}

/// An input for a value, by each codec that takes it.
pub fn sample<T: Data>(value: &T, into: &mut Vec<Vec<u8>>) {
    let kind = TYPES.iter().position(|known| (known.name)() == type_name::<T>());
    let kind = kind.unwrap_or_else(|| panic!("{} is not listed", type_name::<T>()));
    for (at, codec) in CODECS.into_iter().enumerate() {
        if let Some(bytes) = encode_by(codec, value) {
            into.push([&[kind as u8, at as u8][..], &bytes].concat());
        }
    }
}

/// The most that a read may take. Room is made for as many parts as there are bytes left, up to 1
/// MiB of it, which may be done once for each of 128 levels; and 64 Ki parts may be of no bytes.
fn room_for(bytes: usize) -> usize {
    (16 << 20) + bytes * 16 * 1024
}

fn read<T: Data, const IS_CARRIED: bool>(codec: u8, bytes: &[u8]) -> u64 {
    let (decoded, peak) = peak_of(|| decode_by::<T>(codec, bytes));
    let type_name = type_name::<T>();
    assert!(peak <= room_for(bytes.len()), "{type_name}: {peak} bytes of {}", bytes.len());
    let value = match decoded {
        Ok(value) => value,
        Err(why) => return mixed_text(&why),
    };
    let encoding = key_bytes(&value);
    if IS_CARRIED {
        assert!(encoding.is_some(), "{type_name}: it cannot be walked");
        for codec in CODECS {
            let again = encode_by(codec, &value);
            let again = again.unwrap_or_else(|| panic!("{type_name}: codec {codec} takes it not"));
            let copy = decode_by::<T>(codec, &again);
            let copy = copy.unwrap_or_else(|why| panic!("{type_name}: codec {codec}: {why}"));
            assert!(are_same(&value, &copy) == Some(true), "{type_name}: codec {codec} changes it");
            assert_eq!(key_bytes(&copy), encoding, "{type_name}: codec {codec} changes its key");
        }
    }
    match encode_checked(&value) {
        Ok((codec, stored, structure)) => {
            let copy = decode_by::<T>(codec, &stored).expect("it was checked");
            assert_eq!(are_same(&value, &copy), Some(true), "{type_name}: it is another one");
            let Some(structure) = structure else { return 1 };
            let copy = decode_from_store::<T>(codec, structure, &stored);
            let copy = copy.unwrap_or_else(|| panic!("{type_name}: a store loses it"));
            assert_eq!(are_same(&value, &copy), Some(true), "{type_name}: it is another one");
            // What is made of something else is not given out.
            let other = decode_from_store::<T>(codec, structure ^ 1, &stored);
            assert!(other.is_none(), "{type_name}: it is given out as another");
            mixed(&[2, structure])
        }
        Err(why) => {
            assert!(!IS_CARRIED, "{type_name}: {why}");
            mixed(&[3, mixed_text(&why)])
        }
    }
}
