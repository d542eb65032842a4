//! Reading and writing as one, without scripts, which servers may refuse: a write that others
//! precede is not made, and what to write is thought about anew.

use std::iter::once;
use std::time::Instant;

use redis::{cmd, Cmd, Value};

use super::connection::{words, Broken, Connection, Reply};
use super::server::Server;
use crate::store::Failure;

/// What is done on a connection by a deadline: a result, or why the server refuses it.
type OnConnection<'a, R> =
    &'a dyn Fn(&mut Connection, Instant) -> Result<Result<R, String>, Broken>;

impl Server {
    /// Reads, and writes what `decide` makes of it unless somebody changed one of the keys meanwhile;
    /// whether it wrote. The keys are on one node.
    pub(super) fn transact(
        &self,
        keys: &[String],
        reads: &[Cmd],
        decide: &dyn Fn(&[Reply]) -> Option<Vec<Cmd>>,
    ) -> Result<bool, Failure> {
        let mut watch = cmd("WATCH");
        watch.arg(keys);
        let key = keys.first().map_or("", String::as_str);
        self.on_node_of(key, &|link, deadline| {
            let replies = match read(link, &watch, reads, deadline)? {
                Ok(replies) => replies,
                Err(why) => return Ok(Err(why)),
            };
            match decide(&replies) {
                Some(writes) => write(link, &writes, deadline),
                None => {
                    link.send(&[&cmd("UNWATCH")], deadline)?;
                    link.receive(1, deadline).map(|_| Ok(false))
                }
            }
        })
    }

    /// Writes all of that at once, whatever is there. The keys are on the node of this one.
    ///
    /// Where a connection is lost, nobody knows whether it was written: it is written again, and is then
    /// to be something else, as others may have come in between.
    pub(super) fn execute(&self, key: &str, writes: &dyn Fn() -> Vec<Cmd>) -> Result<(), Failure> {
        self.on_node_of(key, &|link, deadline| write(link, &writes(), deadline)).map(drop)
    }

    /// The replies to what is asked of the node of a key, anew on each connection that is tried, and the
    /// run of the server. Not all at once: others may come in between.
    ///
    /// # Errors
    /// The server refuses one of them; other than for what a key holds.
    pub(super) fn ask_anew(
        &self,
        key: &str,
        commands: &dyn Fn() -> Vec<Cmd>,
    ) -> Result<Vec<Reply>, Failure> {
        self.on_node_of(key, &|link, deadline| {
            let commands = commands();
            link.send(&commands.iter().collect::<Vec<_>>(), deadline)?;
            let replies = link.receive(commands.len(), deadline)?;
            let refused = replies.iter().find_map(|reply| match reply {
                Value::ServerError(error) if error.code() != "WRONGTYPE" => Some(words(error)),
                _ => None,
            });
            let run = link.run();
            let replies = replies.into_iter().map(|value| Reply { value, run }).collect();
            Ok(refused.map_or(Ok(replies), Err))
        })
    }

    /// Whether keys may be on different nodes.
    pub(super) fn is_cluster(&self) -> bool {
        self.target().is_ok_and(|target| target.is_cluster)
    }

    /// Does something on the node of a key. A cluster may say that the key is elsewhere by now: then
    /// once more there.
    fn on_node_of<R>(&self, key: &str, what: OnConnection<'_, R>) -> Result<R, Failure> {
        match self.try_on_node_of(key, what) {
            Err(why) if self.is_cluster() && why.to_string().contains(MOVED) => {
                self.try_on_node_of(key, what)
            }
            result => result,
        }
    }

    fn try_on_node_of<R>(&self, key: &str, what: OnConnection<'_, R>) -> Result<R, Failure> {
        if self.is_down() {
            return Err(self.failed(Broken::Unasked));
        }
        let deadline = Instant::now() + self.deadline;
        self.leave_to_parent();
        let done = self.target().and_then(|target| {
            let node = self.node_of(target, key.as_bytes(), deadline)?;
            self.on(target, &node, deadline, &|link| what(link, deadline))
        });
        let refused = match done {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(why)) => why.into(),
            Err(why) => self.failed(why),
        };
        // Another node may have the key by now.
        self.slots.forget();
        Err(refused)
    }
}

/// What the server answers where a key is at another node.
const MOVED: &str = "answered MOVED";

/// What is there, or why the keys cannot be watched.
fn read(
    link: &mut Connection,
    watch: &Cmd,
    reads: &[Cmd],
    deadline: Instant,
) -> Result<Result<Vec<Reply>, String>, Broken> {
    let asked: Vec<&Cmd> = once(watch).chain(reads).collect();
    link.send(&asked, deadline)?;
    let mut replies = link.receive(asked.len(), deadline)?.into_iter();
    let run = link.run();
    Ok(match replies.next() {
        Some(Value::Okay) => Ok(replies.map(|value| Reply { value, run }).collect()),
        Some(Value::ServerError(error)) => Err(words(&error)),
        _ => Err("the server does not let its keys be watched".to_owned()),
    })
}

/// Whether it was executed, or why the server refused it.
fn write(
    link: &mut Connection,
    writes: &[Cmd],
    deadline: Instant,
) -> Result<Result<bool, String>, Broken> {
    let (multi, exec) = (cmd("MULTI"), cmd("EXEC"));
    let written: Vec<&Cmd> = once(&multi).chain(writes).chain(once(&exec)).collect();
    link.send(&written, deadline)?;
    let replies = link.receive(written.len(), deadline)?;
    let done = match replies.last() {
        Some(Value::Array(done)) => &done[..],
        _ => &[],
    };
    // The first error says why; that of `EXEC` only that there was one.
    let refused = replies.iter().chain(done).find_map(|reply| match reply {
        Value::ServerError(error) => Some(words(error)),
        _ => None,
    });
    Ok(refused.map_or(Ok(!done.is_empty()), Err))
}
