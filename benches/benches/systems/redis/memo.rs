//! memo, whose memory has one entry here: who asks for two results in turns finds neither there.

use ::memo::memo;
use ::memo::store::RedisStore;

use crate::{server, work};

fn store() -> RedisStore {
    RedisStore::connect(server::url().expect("the case has a server"))
}

#[memo(store = store(), max_entries = 1)]
pub fn bytes(i: u64) -> Vec<u8> {
    work::bytes(1024, i)
}

#[memo(store = store(), max_entries = 1)]
pub async fn bytes_async(i: u64) -> Vec<u8> {
    work::bytes(1024, i)
}

#[memo(store = store())]
pub fn number(x: u64) -> u64 {
    work::number(x)
}
