//! Rights to compute a call for all processes.
//!
//! A right is a key with a token, which expires. It is renewed and given back only while it still has
//! that token: in a transaction, as a server may not allow scripts.
//!
//! Where the server did not answer, nobody knows which token the key has. Each that it may have is kept
//! until it was given back: a process would wait for itself.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{cmd, Cmd, FromRedisValue, Value};

use super::connection::{Broken, Reply};
use super::link::Shared;
use super::server::{values, Server, Unanswered};
use crate::background::pool::STORES;
use crate::store::Failure;

/// Until then who left a right is about to give it back.
const LATE: Duration = Duration::from_millis(50);
/// How often others may change a right meanwhile.
const ATTEMPTS: usize = 8;

/// A right that is not held any more: its token, and since when.
pub(super) type Left = (u64, Instant);

impl Shared {
    /// The right to compute a call, if nobody has it.
    pub(super) fn lease(
        self: &Arc<Self>,
        place: String,
        token: u64,
    ) -> Result<Option<Held>, Failure> {
        if let Some(held) = self.take_back(&place)? {
            return Ok(Some(held));
        }
        let life = self.lease.as_millis() as u64;
        let set = |only_new: Option<&str>| {
            let mut set = cmd("SET");
            set.arg(&place).arg(token).arg("PX").arg(life).arg(only_new);
            set
        };
        let (mut left, mut get) = (cmd("PTTL"), cmd("GET"));
        left.arg(&place);
        get.arg(&place);
        let asked = self.server.try_ask(&[set(Some("NX")), left, get]);
        let is_asked = !matches!(&asked, Err(Unanswered { why: Broken::Unasked, .. }));
        let asked = asked.map_err(|unanswered| self.server.failed(unanswered.why));
        let replies = match asked.and_then(values) {
            Ok(replies) => replies,
            Err(why) => {
                // It may have been given, and nobody knows.
                if is_asked {
                    self.leave(place, token);
                }
                return Err(why);
            }
        };
        match &replies[..] {
            [Value::Okay, ..] => {}
            // Where the connection was lost it was asked for twice, and given the first time.
            [.., given] if u64::from_redis_value_ref(given) == Ok(token) => {}
            // It has no end: it is no right of anybody.
            [_, Value::Int(-1), _] => {
                if let Err(why) = self.server.ask(&[set(None)]).and_then(values) {
                    self.leave(place, token);
                    return Err(why);
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(self.hold(place, token)))
    }

    fn hold(self: &Arc<Self>, place: String, token: u64) -> Held {
        self.held.lock().insert((place.clone(), token), Instant::now());
        Held { shared: Arc::clone(self), place, token }
    }

    /// A right that this process had and has not given back yet.
    fn take_back(self: &Arc<Self>, place: &str) -> Result<Option<Held>, Failure> {
        let Some(left) = self.left.lock().remove(place) else { return Ok(None) };
        let mut renew = cmd("PEXPIRE");
        renew.arg(place).arg(self.lease.as_millis() as u64);
        match while_it_is(&self.server, place, &left, renew) {
            Ok(token) => Ok(token.map(|token| self.hold(place.to_owned(), token))),
            Err(why) => {
                self.leave_again(place, left);
                Err(why)
            }
        }
    }

    /// It is held no more, and is to be given back.
    fn leave(&self, place: String, token: u64) {
        self.left.lock().entry(place).or_default().push((token, Instant::now()));
    }

    /// Meanwhile others may have been left.
    fn leave_again(&self, place: &str, left: Vec<Left>) {
        self.left.lock().entry(place.to_owned()).or_default().extend(left);
    }

    /// Gives back a right, unless it is taken again; if the server cannot be told, another time.
    fn give_back(&self, place: &str) {
        let Some(left) = self.left.lock().remove(place) else { return };
        let mut delete = cmd("DEL");
        delete.arg(place);
        // However long ago: a server that stood still gives it once it goes on.
        if while_it_is(&self.server, place, &left, delete).is_err() {
            self.leave_again(place, left);
        }
    }

    /// Gives back what could not be.
    pub(super) fn give_all_back(&self) {
        if self.server.is_down() {
            return;
        }
        let is_late = |(_, since): &Left| since.elapsed() > LATE;
        let left = self.left.lock();
        let late = left.iter().filter(|(_, left)| left.iter().all(is_late));
        let places: Vec<String> = late.map(|(place, _)| place.clone()).collect();
        drop(left);
        places.iter().for_each(|place| self.give_back(place));
    }

    /// Renews what has run for a third of its time.
    pub(super) fn renew(&self) {
        let now = Instant::now();
        let due: Vec<(String, u64)> = {
            let held = self.held.lock();
            let due = held.iter().filter(|(_, since)| now.duration_since(**since) > self.lease / 3);
            due.map(|(lease, _)| lease.clone()).collect()
        };
        for (place, token) in due {
            let mut renew = cmd("PEXPIRE");
            renew.arg(&place).arg(self.lease.as_millis() as u64);
            // One that is lost means that the call may be computed twice. Where the server did not answer,
            // it is asked again.
            if while_it_is(&self.server, &place, &[(token, now)], renew).is_ok() {
                if let Some(since) = self.held.lock().get_mut(&(place, token)) {
                    *since = now;
                }
            }
        }
    }
}

/// Does something to a right that still has one of these tokens: which.
fn while_it_is(
    server: &Server,
    place: &str,
    tokens: &[Left],
    what: Cmd,
) -> Result<Option<u64>, Failure> {
    let mut get = cmd("GET");
    get.arg(place);
    let found = Cell::new(None);
    let decide = |replies: &[Reply]| {
        let has = |token: &u64| tokens.iter().any(|(known, _)| known == token);
        let [Reply { value, .. }] = replies else { return None };
        found.set(u64::from_redis_value_ref(value).ok().filter(has));
        found.get().map(|_| vec![what.clone()])
    };
    for _ in 0..ATTEMPTS {
        let is_done = server.transact(&[place.to_owned()], &[get.clone()], &decide)?;
        if is_done || found.get().is_none() {
            return Ok(found.get());
        }
        // Something was done to it in between: it may have been renewed.
    }
    Err("others change the right all the time".into())
}

/// A lease; given back when it is dropped.
pub(super) struct Held {
    shared: Arc<Shared>,
    place: String,
    token: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (shared, place) = (Arc::clone(&self.shared), self.place.clone());
        shared.held.lock().remove(&(place.clone(), self.token));
        shared.leave(place.clone(), self.token);
        // In the background: it may be dropped with a task, which must not wait for the server.
        let job = Box::new(move || shared.give_back(&place));
        // What nobody gives back runs out.
        let _ = STORES.run(job);
    }
}
