//! What functions return: a value of which every part says what it is of.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Record {
    pub(crate) key: u64,
    pub(crate) version: u64,
    text: String,
    tail: Vec<u16>,
}

impl Record {
    pub(crate) fn new(key: u64, version: u64) -> Self {
        Self {
            key,
            version,
            text: format!("{key}/{version}/{}", "x".repeat((key % 97) as usize * 5)),
            tail: vec![key as u16; (version % 7) as usize],
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        *self == Self::new(self.key, self.version)
    }
}
