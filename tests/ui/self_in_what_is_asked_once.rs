use std::time::Duration;

use memo::{memo, singleton};

struct Table;

impl Table {
    const LIFE: Duration = Duration::from_secs(60);
    const MANY: usize = 100;

    #[memo(in_impl, ttl = Self::LIFE * 2)]
    fn rows(n: u32) -> u32 {
        n
    }

    #[memo(ttl = "1h", idle = { Self::LIFE })]
    fn cells(&self, n: u32) -> u32 {
        n
    }

    #[singleton(in_impl, max_entries = Self::MANY)]
    fn pool(n: u32) -> u32 {
        n
    }

    #[memo(in_impl, max_entries = Table::MANY, ttl = Table::LIFE)]
    fn named(n: u32) -> u32 {
        n
    }
}

impl serde::Serialize for Table {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

fn main() {}
