//! Which node of a cluster has a key.

use std::sync::Arc;

use parking_lot::Mutex;
use redis::{FromRedisValue, Value};

use super::address::{Address, Target};
use super::connection::Broken;

/// What is known of a cluster's nodes; of a single server, nothing.
#[derive(Default)]
pub(super) struct Slots {
    ranges: Mutex<Vec<Range>>,
}

/// The slots from the first to the last, and the node that has them.
#[derive(Clone)]
pub(super) struct Range {
    first: u16,
    last: u16,
    node: Arc<Address>,
}

impl Slots {
    /// The node that has a key. What the cluster says of itself is asked for where it is not known:
    /// of a node, within so many parts of the time that is left.
    pub(super) fn node_of(
        &self,
        key: &[u8],
        target: &Target,
        ask: impl Fn(&Arc<Address>, u32) -> Result<Vec<Value>, Broken>,
    ) -> Result<Arc<Address>, Broken> {
        let slot = slot_of(key);
        let find = |ranges: &[Range]| {
            let has = |range: &&Range| (range.first..=range.last).contains(&slot);
            ranges.iter().find(has).map(|range| Arc::clone(&range.node))
        };
        if let Some(node) = find(&self.ranges.lock()) {
            return Ok(node);
        }
        let mut last = Broken::Late;
        for (index, seed) in target.seeds.iter().enumerate() {
            let share = u32::try_from(target.seeds.len() - index).unwrap_or(u32::MAX);
            match ask(seed, share) {
                Ok(replies) => {
                    let ranges = replies.first().map(|reply| parse(reply, seed));
                    let Some(ranges) = ranges.filter(|ranges| !ranges.is_empty()) else {
                        last = Broken::Refused("the cluster does not say who has what".into());
                        continue;
                    };
                    let node = find(&ranges);
                    *self.ranges.lock() = ranges;
                    return node.ok_or(Broken::Refused("no node has this key".into()));
                }
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    /// This slot is at another node than was known.
    pub(super) fn learn(&self, slot: u16, node: Arc<Address>) {
        let mut ranges = self.ranges.lock();
        // Found first. With that many moves, the cluster is asked anew.
        if ranges.len() > 4096 {
            ranges.clear();
        }
        ranges.insert(0, Range { first: slot, last: slot, node });
    }

    pub(super) fn forget(&self) {
        self.ranges.lock().clear();
    }

    pub(super) fn nodes(&self) -> Vec<Arc<Address>> {
        let mut nodes: Vec<_> =
            self.ranges.lock().iter().map(|range| Arc::clone(&range.node)).collect();
        nodes.dedup();
        nodes
    }
}

/// Where a cluster says that a key is instead.
pub(super) enum Redirect {
    Moved(u16, Arc<Address>),
    /// For this command only.
    Ask(Arc<Address>),
}

impl Redirect {
    // Input: `MOVED 3999 127.0.0.1:6381`
    pub(super) fn of(value: &Value, from: &Address) -> Option<Self> {
        let Value::ServerError(error) = value else { return None };
        let (slot, place) = error.details()?.split_once(' ')?;
        let (host, port) = place.rsplit_once(':')?;
        let node = Arc::new(node(host, port.parse().ok()?, from));
        match error.code() {
            "MOVED" => Some(Self::Moved(slot.parse().ok()?, node)),
            "ASK" => Some(Self::Ask(node)),
            _ => None,
        }
    }
}

/// A node that another one names. One without a host is at the same host.
fn node(host: &str, port: u16, from: &Address) -> Address {
    match from {
        Address::Tcp { host: same, is_tls, .. } => {
            let host = if host.is_empty() || host == "?" { same } else { host };
            Address::Tcp { host: host.to_owned(), port, is_tls: *is_tls }
        }
        Address::Unix(_) => Address::Tcp { host: host.to_owned(), port, is_tls: false },
    }
}

/// What `CLUSTER SLOTS` says: of each range the first and the last slot, and its nodes, of which the
/// first is the one that is written to.
pub(super) fn parse(reply: &Value, from: &Address) -> Vec<Range> {
    let Value::Array(ranges) = reply else { return Vec::new() };
    let range = |range: &Value| {
        let Value::Array(range) = range else { return None };
        let [first, last, Value::Array(primary), ..] = &range[..] else { return None };
        let [host, port, ..] = &primary[..] else { return None };
        let host: Option<String> = FromRedisValue::from_redis_value_ref(host).ok()?;
        let port = u16::from_redis_value_ref(port).ok()?;
        Some(Range {
            first: u16::from_redis_value_ref(first).ok()?,
            last: u16::from_redis_value_ref(last).ok()?,
            node: Arc::new(node(&host.unwrap_or_default(), port, from)),
        })
    };
    ranges.iter().filter_map(range).collect()
}

/// The slot of a key: of what stands between its first braces, if anything does.
fn slot_of(key: &[u8]) -> u16 {
    const SLOTS: u16 = 16_384;
    let tagged = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(tagged.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_slots_that_the_specification_gives_them() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"{123456789}.more"), 0x31C3);
        assert_eq!(slot_of(b"other{123456789}{more}"), 0x31C3);
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % 16_384);
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
    }
}
