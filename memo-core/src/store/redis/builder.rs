//! How a [`RedisStore`] is set up.

use std::fmt;
use std::time::Duration;

use super::link::Shared;
use super::record::Record;
use super::server::Server;
use super::slow::Slow;
use super::{RedisStore, Settings};

/// How a [`RedisStore`] is to be; made by [`RedisStore::builder`].
#[must_use]
pub struct RedisBuilder {
    pub(super) url: String,
    pub(super) settings: Settings,
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RedisBuilder {
    /// Sets what all keys begin with. Defaults to `memo:` and the name of the program.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// Sets how long a question to the server takes at the most. Defaults to 100 ms.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline.max(Duration::from_millis(1));
        self
    }

    /// How long a result is kept at the most, with or without a `ttl`: 7 days, if nothing is said.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.settings.expiry = expiry.max(Duration::from_millis(1));
        self
    }

    /// For how long a process that is no more keeps others from computing what it was about to:
    /// 10 seconds, if nothing is said. Only of functions with `flight = "fleet"`.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_millis(100));
        self
    }

    /// Sets the maximum size of a result in bytes. Defaults to 8 MiB; a larger one is neither stored
    /// nor fetched.
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_value_bytes = bytes;
        self
    }

    /// The store. It cannot fail: whether there is a server shows when it is asked, and is then
    /// counted in [`Stats::store_errors`](crate::Stats::store_errors) and reported.
    #[must_use]
    pub fn connect(self) -> RedisStore {
        let Self { url, settings } = self;
        let server = Server::new(&url, settings.deadline);
        let channel = format!("{}:1:invalidations", settings.prefix);
        let shared = Shared::start(server, channel, settings.lease);
        let all = Record::new(&format!("{}:1:{{all}}", settings.prefix), None);
        RedisStore { shared, settings, all, slow: Slow::new() }
    }
}
