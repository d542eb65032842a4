//! Results on a Redis or Valkey server: one cache for a fleet.
//!
//! ```text
//! <prefix>:1:all                     a random number, another one after each `clear_all`
//! <prefix>:1:{<fingerprint>}         a hash: the function's epoch, and the calls removed in it
//! <prefix>:1:<fingerprint>:<digest>  a result, as a file of the disk store has it
//! ```
//!
//! The moment that a ticket names is in the hash, and a result says at which it was looked up. So to
//! clear is to write one number, and what was computed before is void wherever it is written after.
//! If the server forgets the hash, for room or because it was flushed, the next look begins an
//! epoch: that is a clear, and nothing comes back.

mod link;
mod server;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{cmd, Cmd, FromRedisValue, Value};

use link::Shared;
use server::Server;

use super::header::{self, Header, HEADER};
use super::time::{millis, Now};
use super::{
    hex, Changes, Failure, Found, FunctionId, Key, Lease, Lookup, OnInvalidation, Store, Ticket,
};

/// A store on a Redis or Valkey server, shared by all processes that use it.
///
/// `#[memo(store = "redis")]` uses the one at `$MEMO_REDIS_URL`. Another server, or other settings,
/// are an expression:
///
/// ```no_run
/// use memo::{memo, store::RedisStore};
/// use std::time::Duration;
///
/// #[memo(store = RedisStore::builder("redis://cache.example/2").deadline(Duration::from_millis(20)).connect())]
/// fn slow(n: u64) -> u64 { n * n }
/// ```
///
/// URLs are those of the `redis` crate: `redis://user:password@host:port/database`,
/// `redis+unix:///path/to/socket`, and with the feature `redis-tls` `rediss://host:port`. For a
/// cluster, `redis-cluster://host:port,host:port` names some of its nodes.
///
/// No call fails or waits for long because of the server: what it does not answer within the deadline
/// is a miss, and then nobody asks it again until it answers a thread of the store's own, which tries
/// four times a second.
pub struct RedisStore {
    shared: Arc<Shared>,
    settings: Settings,
}

/// How a [`RedisStore`] is to be; made by [`RedisStore::builder`].
#[must_use]
pub struct RedisBuilder {
    url: String,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    prefix: String,
    deadline: Duration,
    expiry: Duration,
    lease: Duration,
    max_value_bytes: usize,
}

const DEADLINE: Duration = Duration::from_millis(100);
const EXPIRY: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const LEASE: Duration = Duration::from_secs(10);
const MAX_VALUE_BYTES: usize = 8 << 20;
/// With more removals than that, the function is cleared instead.
const REMOVALS: u64 = 64 * 1024;

impl fmt::Debug for RedisStore {
    // Not the URL: it may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RedisBuilder {
    /// What all keys begin with: `memo`, if nothing is said.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// How long a call waits for the server at the most: 100 ms, if nothing is said.
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

    /// The size of the largest result that is stored, in bytes: 8 MiB, if nothing is said.
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
        let channel = format!("{}:1:news", settings.prefix);
        let shared = Shared::start(server, channel, settings.lease);
        RedisStore { shared, settings }
    }
}

impl RedisStore {
    /// The store on the server at this URL, with the usual settings.
    #[must_use]
    pub fn connect(url: impl Into<String>) -> Self {
        Self::builder(url).connect()
    }

    /// A store on the server at this URL, with settings of yours.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        let settings = Settings {
            prefix: "memo".into(),
            deadline: DEADLINE,
            expiry: EXPIRY,
            lease: LEASE,
            max_value_bytes: MAX_VALUE_BYTES,
        };
        RedisBuilder { url: url.into(), settings }
    }

    /// The store of `store = "redis"`: at `$MEMO_REDIS_URL`; none, if that is not set.
    #[must_use]
    pub fn in_default_place() -> Option<&'static Self> {
        static DEFAULT: once_cell::sync::OnceCell<Option<RedisStore>> =
            once_cell::sync::OnceCell::new();
        let open = || std::env::var("MEMO_REDIS_URL").ok().filter(|url| !url.is_empty());
        DEFAULT.get_or_init(|| open().map(Self::connect)).as_ref()
    }

    fn key_of_all(&self) -> String {
        format!("{}:1:all", self.settings.prefix)
    }

    fn key_of_function(&self, function: &FunctionId<'_>) -> String {
        format!("{}:1:{{{}}}", self.settings.prefix, hex(&function.fingerprint))
    }

    fn key_of_call(&self, function: &FunctionId<'_>, key: &Key) -> String {
        format!("{}:1:{}:{}", self.settings.prefix, hex(&function.fingerprint), hex(key))
    }

    /// The moment of a function, begun if there is none; and what these commands say besides.
    fn moment<T: FromRedisValue>(
        &self,
        function: &FunctionId<'_>,
        besides: &[Cmd],
    ) -> Result<(Ticket, T), Failure> {
        for _ in 0..ATTEMPTS {
            let mut commands =
                vec![get(&self.key_of_all()), self.hash(function, &[EPOCH, REMOVED])];
            commands.extend_from_slice(besides);
            let mut replies: Vec<Value> = self.shared.server.ask(&commands)?;
            let besides = replies.split_off(2);
            let [all, own] = &replies[..] else {
                return Err("the server gave other replies".into());
            };
            let all: Option<u64> = number(all);
            let (own, removals) = match own {
                Value::Array(fields) => match &fields[..] {
                    [own, removals] => (number(own), number(removals)),
                    _ => (None, None),
                },
                _ => (None, None),
            };
            if let (Some(all), Some(own)) = (all, own) {
                let ticket = Ticket::new(mixed(all, own), removals.unwrap_or(0));
                return Ok((ticket, T::from_redis_value(Value::Array(besides))?));
            }
            self.begin(function)?;
        }
        Err("the server forgets what it was told".into())
    }

    /// Begins an epoch of a function, and of all, unless there is one.
    fn begin(&self, function: &FunctionId<'_>) -> Result<(), Failure> {
        let mut all = cmd("SET");
        all.arg(self.key_of_all()).arg(random()).arg("NX");
        let mut own = cmd("HSETNX");
        own.arg(self.key_of_function(function)).arg(EPOCH).arg(random());
        let _: Vec<Value> = self.shared.server.ask(&[all, own, self.keep(function)])?;
        Ok(())
    }

    /// Fields of a function's hash.
    fn hash(&self, function: &FunctionId<'_>, fields: &[&str]) -> Cmd {
        let mut command = cmd("HMGET");
        command.arg(self.key_of_function(function)).arg(fields);
        command
    }

    /// A function's hash outlives its results, and not for ever.
    fn keep(&self, function: &FunctionId<'_>) -> Cmd {
        let mut command = cmd("PEXPIRE");
        let longer = millis(self.settings.expiry).saturating_mul(4);
        command.arg(self.key_of_function(function)).arg(longer.min(LONGEST));
        command
    }

    /// Has all processes ask for changes of a function, or of all.
    fn tell(&self, function: &[u8]) {
        // Whoever does not hear of it has no link, and asks by itself.
        let _ = self.shared.server.publish(&self.shared.channel, function);
    }
}

/// The fields of a function's hash, beside those of the calls that were removed.
const EPOCH: &str = "epoch";
const REMOVED: &str = "removed";
/// How often what others change at once is asked for again, before it is given up.
const ATTEMPTS: usize = 16;
/// The longest that the server is asked to keep anything, in milliseconds: ten years.
const LONGEST: u64 = 10 * 365 * 24 * 3_600_000;

fn get(key: &str) -> Cmd {
    let mut command = cmd("GET");
    command.arg(key);
    command
}

fn number(value: &Value) -> Option<u64> {
    u64::from_redis_value_ref(value).ok()
}

/// One number of two epochs: another one if either is.
fn mixed(all: u64, own: u64) -> u64 {
    all.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ own
}

/// What a call's field in the hash says: at which epoch of the function, and as which removal.
fn removed_at(epoch: u64, field: &Value) -> Option<u64> {
    let text = String::from_redis_value_ref(field).ok()?;
    let (at, removal) = text.split_once(':')?;
    (at.parse() == Ok(epoch)).then(|| removal.parse().ok()).flatten()
}

/// How old a result is that has this header and so many milliseconds left, if it is that of the call
/// and not void.
fn age(
    header: &Header,
    function: &FunctionId<'_>,
    key: &Key,
    now: Ticket,
    removed: Option<u64>,
    left: i64,
) -> Option<Duration> {
    let is_it = header.fingerprint == function.fingerprint
        && header.key == *key
        && header.ticket.epoch == now.epoch
        && removed.is_none_or(|at| header.ticket.removals >= at);
    // How long it has been there, by the server's clock alone. In its last millisecond none is left
    // to serve.
    let left = u64::try_from(left).ok().filter(|left| is_it && *left > 0)?;
    Some(Duration::from_millis(header.life.checked_sub(left)? + 1))
}

fn random() -> u64 {
    super::random()
}

impl Store for RedisStore {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let place = self.key_of_call(function, key);
        let mut left = cmd("PTTL");
        left.arg(&place);
        let besides = [self.hash(function, &[&hex(key)]), get(&place), left];
        type Replies = (Vec<Value>, Option<Vec<u8>>, i64);
        let asked = Instant::now();
        let (ticket, (removed, value, left)): (_, Replies) = self.moment(function, &besides)?;
        let removed = removed.first().and_then(|field| removed_at(ticket.epoch, field));
        let found = value.and_then(|mut value| {
            let header = {
                let (head, value) = value.split_first_chunk::<HEADER>()?;
                header::of_whole(head, value)?
            };
            let age = age(&header, function, key, ticket, removed, left)? + asked.elapsed();
            value.drain(..HEADER);
            Some(Found::new(value, age))
        });
        Ok(Lookup::new(ticket, found))
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        if value.len() > self.settings.max_value_bytes {
            return Ok(());
        }
        let life = life.map_or(self.settings.expiry, |life| life.min(self.settings.expiry));
        let header = Header {
            fingerprint: function.fingerprint,
            key: *key,
            ticket,
            stamp: Now::read().0,
            life: millis(life).clamp(1, LONGEST),
            len: value.len() as u64,
        };
        let bytes = [header.bytes(value).as_slice(), value].concat();
        let mut set = cmd("SET");
        set.arg(self.key_of_call(function, key)).arg(bytes).arg("PX").arg(header.life);
        let _: Vec<Value> = self.shared.server.ask(&[set, self.keep(function)])?;
        Ok(())
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let place = self.key_of_call(function, key);
        let mut count = cmd("HINCRBY");
        count.arg(self.key_of_function(function)).arg(REMOVED).arg(1);
        let (mut head, mut left) = (cmd("GETRANGE"), cmd("PTTL"));
        head.arg(&place).arg(0).arg(HEADER - 1);
        left.arg(&place);
        let besides = [self.hash(function, &[&hex(key)]), head, left, count];
        type Replies = (Vec<Value>, Vec<u8>, i64, u64);
        // The moment precedes the count, and so may be of an epoch that is over when that is made:
        // then the call is not removed in the new one, in which there is nothing of before.
        let (before, (removed, head, left, removal)): (_, Replies) =
            self.moment(function, &besides)?;
        let removed = removed.first().and_then(|field| removed_at(before.epoch, field));
        let is_there =
            head.first_chunk::<HEADER>().and_then(Header::parse).is_some_and(|(header, _)| {
                age(&header, function, key, before, removed, left).is_some()
            });
        if removal >= REMOVALS {
            return Ok((is_there, self.clear(function)?));
        }
        let mut note = cmd("HSET");
        let at = format!("{}:{removal}", before.epoch);
        note.arg(self.key_of_function(function)).arg(hex(key)).arg(at);
        let mut delete = cmd("DEL");
        delete.arg(place);
        let (_, was_there): (Value, u64) = self.shared.server.ask(&[note, delete])?;
        self.tell(&function.fingerprint);
        // Of several who remove it at once, one did.
        Ok((is_there && was_there > 0, Ticket::new(before.epoch, removal)))
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let mut delete = cmd("DEL");
        delete.arg(self.key_of_function(function));
        let mut begin = cmd("HSET");
        begin.arg(self.key_of_function(function)).arg(EPOCH).arg(random());
        let _: Vec<Value> = self.shared.server.ask(&[delete, begin, self.keep(function)])?;
        self.tell(&function.fingerprint);
        let (ticket, ()) = self.moment(function, &[]).map(|(at, _): (_, Vec<Value>)| (at, ()))?;
        Ok(ticket)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        let mut begin = cmd("SET");
        begin.arg(self.key_of_all()).arg(random());
        let _: Vec<Value> = self.shared.server.ask(&[begin])?;
        self.tell(&[]);
        Ok(())
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let mut fields = cmd("HGETALL");
        fields.arg(self.key_of_function(function));
        let (now, (fields,)): (Ticket, (Vec<(String, Value)>,)) =
            self.moment(function, &[fields])?;
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != now.epoch => Changes::Everything,
            Some(since) if since.removals == now.removals => Changes::Nothing,
            Some(since) => {
                let removed = fields.iter().filter_map(|(field, at)| {
                    (removed_at(now.epoch, at)? > since.removals).then(|| key_of(field))?
                });
                Changes::Removed(removed.collect())
            }
        };
        Ok((now, changes))
    }

    fn max_staleness(&self) -> Duration {
        self.shared.max_staleness()
    }

    fn on_invalidation(&self, function: &FunctionId<'_>, news: OnInvalidation) {
        self.shared.listen(function.fingerprint, news);
    }

    fn longest_life(&self) -> Option<Duration> {
        Some(self.settings.expiry)
    }

    fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
        let place = format!("{}:lease", self.key_of_call(function, key));
        Ok(self.shared.lease(place, random())?.map(Lease::new))
    }
}

/// The call that a field's name is.
fn key_of(field: &str) -> Option<Key> {
    let mut key = [0; 32];
    if field.len() != 2 * key.len() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(field.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}
