//! memo's store without memo: what of a call is the files'.

use std::sync::LazyLock;

use memo::store::{DiskStore, FunctionId, Key, Store, Ticket};

use super::Disk;
use crate::{files, work};

const FUNCTION: FunctionId<'_> = FunctionId::new("memo_benches::bytes", [7; 16]);

/// The one store of all functions.
pub fn store() -> &'static DiskStore {
    static STORE: LazyLock<DiskStore> = LazyLock::new(|| DiskStore::open(files::directory("memo")));
    &STORE
}

fn key(len: usize, i: u64) -> Key {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(len as u64).to_le_bytes());
    key[8..16].copy_from_slice(&i.to_le_bytes());
    key
}

/// With the moment of a look, which a call would have taken: here it is the same for all writes.
pub struct MemoStore(Ticket);

impl Disk for MemoStore {
    fn open() -> Self {
        let (ticket, _) = store().changes(&FUNCTION, None).unwrap();
        Self(ticket)
    }

    fn empty() {
        store().clear(&FUNCTION).unwrap();
        store().sweep().unwrap();
    }

    fn call(len: usize, i: u64) -> Vec<u8> {
        let lookup = store().get(&FUNCTION, &key(len, i)).unwrap();
        if let Some(found) = lookup.found {
            return found.value;
        }
        Self(lookup.ticket).write(len, i);
        work::bytes(len, i)
    }

    fn write(&self, len: usize, i: u64) {
        store().put(&FUNCTION, &key(len, i), self.0, &work::bytes(len, i), None).unwrap();
    }
}
