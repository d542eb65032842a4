//! A server behind a wire that can be cut, and what can be done to both.

use crate::command::{Bytes, Command, Harm};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::stage::chosen;

pub(crate) struct Served {
    server: Server,
    proxy: Proxy,
}

const FLIP: &str = "local v = redis.call('GET', KEYS[1]) \
    local at = ARGV[1] % #v + 1 \
    local other = string.char((string.byte(v, at) + 1) % 256) \
    redis.call('SETRANGE', KEYS[1], at - 1, other)";
const TRUNCATE: &str = "local v = redis.call('GET', KEYS[1]) \
    redis.call('SET', KEYS[1], string.sub(v, 1, ARGV[1] % #v), 'KEEPTTL')";

impl Served {
    pub(crate) fn new() -> Self {
        let server = Server::new();
        let proxy = Proxy::new(server.port);
        Self { server, proxy }
    }

    pub(crate) fn url(&self) -> String {
        self.proxy.url()
    }

    /// For a sequence: all is well, and nothing is there.
    pub(crate) fn begin(&self) {
        if self.server.try_ask(&["PING"]).is_err() {
            self.server.start();
        }
        self.proxy.mend();
        self.server.ask(&["FLUSHALL"]);
    }

    pub(crate) fn disturb(&self, command: Command) {
        match command {
            Command::Flush => drop(self.server.ask(&["FLUSHALL"])),
            Command::Unplug => self.proxy.hang_up(),
            Command::Plug => self.proxy.mend(),
            Command::KillServer => self.server.kill(),
            Command::StartServer => self.server.start(),
            _ => unreachable!("{command:?}"),
        }
    }

    pub(crate) fn damage(&self, bytes: Bytes, harm: Harm, at: usize) {
        let mut keys = self.server.ask(&["KEYS", "memo:*:1:*"]);
        keys.sort();
        let (records, results) =
            keys.into_iter().partition(|key| key.contains('{') || key.contains(":tag"));
        for key in chosen(results, records, bytes) {
            let (at, key) = (&*at.to_string(), &*key);
            // What expires meanwhile is damaged no more.
            let is_text = self.server.ask(&["TYPE", key]) == ["string"];
            match harm {
                Harm::Flipped if is_text => {
                    drop(self.server.try_ask(&["EVAL", FLIP, "1", key, at]))
                }
                Harm::Truncated if is_text => {
                    drop(self.server.try_ask(&["EVAL", TRUNCATE, "1", key, at]));
                }
                Harm::Flipped => drop(self.server.try_ask(&["HSET", key, "epoch", "no number"])),
                Harm::Truncated => drop(self.server.try_ask(&["HDEL", key, "epoch"])),
                Harm::Deleted => drop(self.server.ask(&["DEL", key])),
                Harm::Replaced if is_text => drop(self.server.ask(&["SET", key, "text"])),
                Harm::Replaced => {
                    self.server.ask(&["DEL", key]);
                    self.server.ask(&["RPUSH", key, "something else"]);
                }
            }
        }
    }
}
