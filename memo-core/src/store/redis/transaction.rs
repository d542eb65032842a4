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
            let Some(replies) = read(link, &watch, reads, deadline)? else {
                return Ok(Err("the server does not let its keys be watched".to_owned()));
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
    pub(super) fn execute(&self, key: &str, writes: &[Cmd]) -> Result<(), Failure> {
        self.on_node_of(key, &|link, deadline| write(link, writes, deadline)).map(drop)
    }

    fn on_node_of<R>(&self, key: &str, what: OnConnection<'_, R>) -> Result<R, Failure> {
        if self.is_down() {
            return Err("the server does not answer".into());
        }
        let deadline = Instant::now() + self.deadline;
        self.leave_to_parent();
        let done = self.target().and_then(|target| {
            let node = self.node_of(target, key.as_bytes(), deadline)?;
            self.on(target, &node, deadline, &|link| what(link, deadline))
        });
        let refused = match done {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(why)) => why,
            Err(why) => {
                self.set_down(true);
                why.to_string()
            }
        };
        // Another node may have the key by now.
        self.slots.forget();
        Err(refused.into())
    }
}

/// What is there; nothing, if the keys cannot be watched.
fn read(
    link: &mut Connection,
    watch: &Cmd,
    reads: &[Cmd],
    deadline: Instant,
) -> Result<Option<Vec<Reply>>, Broken> {
    let asked: Vec<&Cmd> = once(watch).chain(reads).collect();
    link.send(&asked, deadline)?;
    let mut replies = link.receive(asked.len(), deadline)?.into_iter();
    let is_watched = matches!(replies.next(), Some(Value::Okay));
    let run = link.run();
    Ok(is_watched.then(|| replies.map(|value| Reply { value, run }).collect()))
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
