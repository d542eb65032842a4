//! Rights to compute a call for all processes.
//!
//! A right is a key with a token, which expires. It is renewed and given back only while it still has
//! that token: in a transaction, as a server may not allow scripts.

use std::sync::Arc;
use std::time::Instant;

use redis::{cmd, Cmd, FromRedisValue, Value};

use super::connection::Reply;
use super::link::Shared;
use super::server::{values, Server};
use crate::background::pool::STORES;
use crate::store::Failure;

impl Shared {
    /// The right to compute a call, if nobody has it.
    pub(super) fn lease(
        self: &Arc<Self>,
        place: String,
        token: u64,
    ) -> Result<Option<Held>, Failure> {
        let set = |only_new: Option<&str>| {
            let mut set = cmd("SET");
            set.arg(&place).arg(token).arg("PX").arg(self.lease.as_millis() as u64).arg(only_new);
            set
        };
        let mut left = cmd("PTTL");
        left.arg(&place);
        let replies = values(self.server.ask(&[set(Some("NX")), left])?)?;
        match &replies[..] {
            [Value::Okay, _] => {}
            // It has no end: it is no right of anybody.
            [_, Value::Int(-1)] => drop(values(self.server.ask(&[set(None)])?)?),
            _ => return Ok(None),
        }
        self.held.lock().insert((place.clone(), token), Instant::now());
        Ok(Some(Held { shared: Arc::clone(self), place, token }))
    }

    /// Renews what has run for a third of its time.
    pub(super) fn renew(&self) {
        let due: Vec<(String, u64)> = {
            let mut held = self.held.lock();
            let now = Instant::now();
            let due =
                held.iter_mut().filter(|(_, since)| now.duration_since(**since) > self.lease / 3);
            due.map(|(lease, since)| {
                *since = now;
                lease.clone()
            })
            .collect()
        };
        for (place, token) in due {
            let mut renew = cmd("PEXPIRE");
            renew.arg(&place).arg(self.lease.as_millis() as u64);
            // One that is lost means that the call may be computed twice.
            let _ = while_it_is(&self.server, &place, token, renew);
        }
    }
}

/// Does something to a right that still has this token.
fn while_it_is(server: &Server, place: &str, token: u64, what: Cmd) -> Result<bool, Failure> {
    let mut get = cmd("GET");
    get.arg(place);
    let is_it = |replies: &[Reply]| {
        let [Reply { value, .. }] = replies else { return false };
        u64::from_redis_value_ref(value) == Ok(token)
    };
    let decide = |replies: &[Reply]| is_it(replies).then(|| vec![what.clone()]);
    server.transact(&[place.to_owned()], &[get], &decide)
}

/// A lease; given back when it is dropped.
pub(super) struct Held {
    shared: Arc<Shared>,
    place: String,
    token: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (shared, place, token) = (Arc::clone(&self.shared), self.place.clone(), self.token);
        shared.held.lock().remove(&(place.clone(), token));
        // In the background: it may be dropped with a task, which must not wait for the server.
        let job = Box::new(move || {
            let mut delete = cmd("DEL");
            delete.arg(&place);
            let _ = while_it_is(&shared.server, &place, token, delete);
        });
        // What nobody gives back runs out.
        let _ = STORES.run(job);
    }
}
