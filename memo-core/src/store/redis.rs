//! Results on a Redis or Valkey server: one cache for a fleet.
//!
//! ```text
//! <prefix>:1:{all}                   a hash: the epoch of all, another one after each `clear_all`
//! <prefix>:1:{<fingerprint>}         a hash: the function's epoch, and the calls removed in it
//! <prefix>:1:<fingerprint>:<digest>  a result, as a file of the disk store has it
//! <prefix>:1:tag:<digest>            a number: the stamp of a tag
//! <prefix>:1:tags                    a stream: the tags that were cleared last
//! ```
//!
//! Both hashes are there twice, the second time with `:1` at the end; see [`record`]. Their epochs,
//! and the runs of the servers that have them, are the moment that a ticket names, and a result says
//! at which it was looked up. So to clear is to write one number, and what was computed before is void
//! wherever it is written after. If the server forgets a hash because it was flushed, or comes back
//! from a snapshot, another epoch begins: that is a clear, and nothing comes back.

mod address;
mod builder;
mod cluster;
mod connection;
mod lease;
mod link;
mod record;
mod server;
mod slow;
mod store;
mod tags;
#[cfg(feature = "redis-tls")]
mod tls;
mod transaction;
mod transport;
#[cfg(memo_fuzz)]
pub(crate) mod fuzzed;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{cmd, Cmd, FromRedisValue, Value};

pub use builder::RedisBuilder;
use connection::{words, Broken, Reply};
use link::Shared;
use record::{removed_at, Record};
use server::{publication, values};
use slow::Slow;

use super::header::{self, Header, HEADER};
use super::time::{millis, Now};
use super::{
    hex, random, Changes, Failure, Found, FunctionId, Key, Lease, Lookup, OnInvalidation, Stamp,
    Store, Tag, Ticket,
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
/// four times a second. The deadline bounds a question as a whole: finding and reaching the server,
/// logging in, and all of the reply. A result that is too long for it is a miss, and is not asked for
/// again for a minute.
///
/// A server that was restarted is a cleared one, whatever snapshot it comes back with, as is a replica
/// that takes its place, which may not have heard of the last clear. To tell, memo asks for `INFO
/// server`; a user who may not ask that does not see restarts. Users need `+@read`, `+@write`,
/// `+@pubsub` and `+@transaction`, for tags too; scripts are not used. Of these, tags need `GET`, `SET`,
/// `PTTL`, `PEXPIRE`, `DEL`, `XADD`, `XRANGE` and `XREVRANGE`.
///
/// Of the policies for a server that is full, prefer `volatile-ttl` or `volatile-lru`; the `allkeys`
/// policies do as well. What says when functions were cleared is kept twice and renewed: a server of 4
/// MB that forgot 2,500 results a second under each of them cleared nothing. With `noeviction`, a full
/// server takes no results until others have expired. What says when a tag was cleared is there once: a
/// server that forgets it clears the tag, about as often as it forgets a result that is used as much.
///
/// For `rediss://`, the certificates are those that the system trusts, or those of the file that
/// `SSL_CERT_FILE` names. The cryptography is what the program has installed for `rustls`, else that
/// of the feature `redis-tls-ring` or `redis-tls-aws-lc-rs`.
pub struct RedisStore {
    shared: Arc<Shared>,
    settings: Settings,
    /// The epoch of all functions.
    all: Record,
    slow: Slow,
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

impl RedisStore {
    /// The store on the server at this URL, with the usual settings.
    #[must_use]
    pub fn connect(url: impl Into<String>) -> Self {
        Self::builder(url).connect()
    }

    /// A store on the server at this URL, with settings of yours.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        let settings = Settings {
            prefix: format!("memo:{}", super::program()),
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

    fn record_of(&self, function: &FunctionId<'_>) -> Record {
        let key = format!("{}:1:{{{}}}", self.settings.prefix, hex(&function.fingerprint));
        // It outlives the function's results, and not for ever.
        let life = millis(self.settings.expiry).saturating_mul(4).min(LONGEST);
        Record::new(&key, Some(life))
    }

    fn key_of_call(&self, function: &FunctionId<'_>, key: &Key) -> String {
        format!("{}:1:{}:{}", self.settings.prefix, hex(&function.fingerprint), hex(key))
    }

    /// The moment of a function, begun if there is none; and what these commands say besides, of which
    /// the last so many are missing if an answer is too long to come in time.
    fn moment(
        &self,
        record: &Record,
        call: Option<&str>,
        besides: &[Cmd],
        long: usize,
    ) -> Result<Moment, Unread> {
        let own = record.read(call);
        let of_own = own.len();
        let commands: Vec<Cmd> = own.into_iter().chain(besides.to_vec()).collect();
        let started = Instant::now();
        for attempt in 0..READS {
            if attempt > 0 && started.elapsed() > self.settings.deadline {
                break;
            }
            let (all, mut replies) = self.moment_of_all(&commands, long)?;
            let besides = replies.split_off(of_own);
            let own = Record::parse(&replies)?;
            if own.as_ref().is_none_or(|said| said.is_torn()) {
                record.repair(&self.shared.server)?;
            }
            if let Some(own) = own {
                let epoch = mixed([all.run, all.epoch, own.run, own.epoch]);
                let removed = own.field.and_then(|field| removed_at(epoch, &field));
                let ticket = Ticket::new(epoch, own.removals);
                return Ok(Moment { ticket, own_epoch: own.epoch, removed, all, besides });
            }
        }
        Err(Unread::Failed(FORGETS.into()))
    }

    /// The epoch of all, begun if there is none; and what these commands say besides.
    fn moment_of_all(&self, besides: &[Cmd], long: usize) -> Result<(All, Vec<Reply>), Unread> {
        let started = Instant::now();
        for attempt in 0..READS {
            if attempt > 0 && started.elapsed() > self.settings.deadline {
                return Err(Unread::Failed("the server did not answer in time".into()));
            }
            let all = self.all.read(None);
            let of_all = all.len();
            let commands: Vec<Cmd> = all.into_iter().chain(besides.to_vec()).collect();
            let mut replies = match self.shared.server.try_ask(&commands) {
                Ok(replies) => replies,
                Err(unanswered) => {
                    let is_long = long > 0 && unanswered.missing == long;
                    if is_long && matches!(unanswered.why, Broken::Late) {
                        return Err(Unread::TooLong);
                    }
                    return Err(self.shared.server.failed(unanswered.why).into());
                }
            };
            let besides = replies.split_off(of_all);
            let all = Record::parse(&replies)?;
            if all.as_ref().is_none_or(|said| said.is_torn()) {
                self.all.repair(&self.shared.server)?;
            }
            if let Some(all) = all {
                return Ok((All { run: all.run, epoch: all.epoch }, besides));
            }
        }
        Err(Unread::Failed(FORGETS.into()))
    }
}

const FORGETS: &str = "the server forgets what it was told";

/// The epoch of all, and the run of the server that has it.
#[derive(Clone, Copy)]
struct All {
    run: u64,
    epoch: u64,
}

/// What a server says of a function at one moment.
struct Moment {
    ticket: Ticket,
    /// The epoch of the function alone.
    own_epoch: u64,
    /// As which removal the call that was asked for was removed in this epoch; 0, if it was not.
    removed: Option<u64>,
    all: All,
    besides: Vec<Reply>,
}

/// Why there is no moment.
enum Unread {
    /// All is known but the last answer, which did not come in time.
    TooLong,
    Failed(Failure),
}

impl From<Failure> for Unread {
    fn from(why: Failure) -> Self {
        Self::Failed(why)
    }
}

impl From<Unread> for Failure {
    fn from(why: Unread) -> Self {
        match why {
            Unread::TooLong => {
                "a result does not come within the deadline; for a minute it is not asked for"
                    .into()
            }
            Unread::Failed(why) => why,
        }
    }
}

/// How often a record is read that had to be made first, before it is given up.
const READS: usize = 4;
/// How often a removal is tried while others change the function.
const ATTEMPTS: usize = 64;
/// What is larger may take longer than the deadline, without the server being at fault.
const LARGE: usize = 64 * 1024;
/// The longest that the server is asked to keep anything, in milliseconds: ten years.
const LONGEST: u64 = 10 * 365 * 24 * 3_600_000;

/// One number of several: another one if any is.
fn mixed(numbers: [u64; 4]) -> u64 {
    // Each step is a bijection, in the number as in what was mixed before.
    let mix = |mixed: u64, number: u64| {
        (mixed.rotate_left(23) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    numbers.into_iter().fold(0, mix)
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

/// What a reply is, unless it is an error other than that a key holds something else.
fn told<T: FromRedisValue>(reply: Option<Reply>) -> Result<Option<T>, Failure> {
    match reply.map(|reply| reply.value) {
        None => Ok(None),
        // Somebody else's: overwritten by the next result.
        Some(Value::ServerError(error)) if error.code() == "WRONGTYPE" => Ok(None),
        Some(Value::ServerError(error)) => Err(words(&error).into()),
        Some(value) => Ok(T::from_redis_value(value).ok()),
    }
}

impl RedisStore {
    /// Has all processes ask for changes of a function, or of all.
    fn publish(&self, function: &[u8]) {
        // Whoever does not hear of it has no link, and asks by itself.
        let _ = self.shared.server.publish(&self.shared.channel, function);
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

#[cfg(test)]
mod tests;
