//! memo: whole calls of a function with a store.

use ::memo::memo;

use super::memo_store::store;
use super::Disk;
use crate::work;

// Memory has one entry: who asks for two results in turns finds neither there.
#[memo(store = store(), max_entries = 1)]
fn bytes(len: usize, i: u64) -> Vec<u8> {
    work::bytes(len, i)
}

pub struct Memo;

impl Disk for Memo {
    fn open() -> Self {
        Self
    }

    fn empty() {
        bytes::clear();
        // What a thread of its own would do meanwhile.
        store().sweep().unwrap();
    }

    fn call(len: usize, i: u64) -> Vec<u8> {
        bytes(len, i)
    }
}
