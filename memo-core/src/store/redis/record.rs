//! The epoch of a function, or of all, and what was removed in it.
//!
//! A server that is full forgets what it likes. What it forgets here would void all results, so
//! each record is there more than once; the copies are written together, and one that is gone is
//! made anew from another as long as that one has not been changed meanwhile. If none is left, or
//! they say different things, or something that is no record, another epoch begins: that is a clear.

use redis::{cmd, Cmd, FromRedisValue, Value};

use super::connection::{words, Reply};
use super::server::Server;
use crate::store::Failure;

/// How often a record is there.
const COPIES: usize = 2;
/// The fields of a record, beside those of the calls that were removed.
const EPOCH: &str = "epoch";
const REMOVED: &str = "removed";

/// Where a record is: keys of one slot.
pub(super) struct Record {
    keys: [String; COPIES],
    /// How long it is kept after it was used last, in milliseconds; for ever, if nothing is said.
    life: Option<u64>,
}

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) epoch: u64,
    pub(super) removals: u64,
    /// What a call's field says: see [`removed_at`].
    pub(super) field: Option<String>,
    /// The run of the server that said so.
    pub(super) run: u64,
    /// A copy is gone.
    is_torn: bool,
}

impl Record {
    pub(super) fn new(key: &str, life: Option<u64>) -> Self {
        let copy = |copy| if copy == 0 { key.to_owned() } else { format!("{key}:{copy}") };
        Self { keys: std::array::from_fn(copy), life }
    }

    /// Reads it, and the field of a call.
    pub(super) fn read(&self, field: Option<&str>) -> [Cmd; COPIES] {
        self.keys.each_ref().map(|key| {
            let mut command = cmd("HMGET");
            command.arg(key).arg(EPOCH).arg(REMOVED).arg(field);
            command
        })
    }

    /// What it says; nothing, if another epoch has to begin.
    ///
    /// # Errors
    /// The server refuses to say.
    pub(super) fn parse(replies: &[Reply]) -> Result<Option<Said>, Failure> {
        let mut said: Option<Said> = None;
        let mut is_torn = replies.len() != COPIES;
        for reply in replies {
            match Copy::parse(reply)? {
                Copy::Damaged => return Ok(None),
                Copy::Gone => is_torn = true,
                Copy::Whole(copy) => match &mut said {
                    None => said = Some(copy),
                    Some(said) if said.epoch != copy.epoch => return Ok(None),
                    // Read one after the other: the earlier moment, and every removal.
                    Some(said) => {
                        said.removals = said.removals.min(copy.removals);
                        said.field = said.field.take().max(copy.field);
                    }
                },
            }
        }
        Ok(said.map(|said| Said { is_torn, ..said }))
    }

    /// Has it say what it did not: makes the copies that are gone, or begins an epoch if none is left
    /// that could be believed.
    pub(super) fn repair(&self, server: &Server) -> Result<(), Failure> {
        let decide = |replies: &[Reply]| match Self::parse(replies) {
            Err(_) => None,
            Ok(Some(said)) if !said.is_torn => None,
            Ok(Some(said)) => {
                let is_there = |reply: &&Reply| matches!(Copy::parse(reply), Ok(Copy::Whole(_)));
                let source = replies.iter().position(|reply| is_there(&reply))?;
                let gone = |copy: &usize| !is_there(&&replies[*copy]);
                let copies = (0..COPIES).filter(gone);
                Some(copies.flat_map(|copy| self.copied(source, copy, &said)).collect())
            }
            Ok(None) => Some(self.begun()),
        };
        // Who is overtaken need do no more: another has done it.
        server.transact(&self.keys, &self.read(None), &decide).map(drop)
    }

    pub(super) fn copied(&self, from: usize, to: usize, said: &Said) -> Vec<Cmd> {
        let (from, to) = (&self.keys[from], &self.keys[to]);
        if said.removals > 0 {
            // Since Redis 6.2; an older server goes on with what is left.
            let mut copy = cmd("COPY");
            copy.arg(from).arg(to).arg("REPLACE");
            return vec![copy];
        }
        let (mut delete, mut set) = (cmd("DEL"), cmd("HSET"));
        delete.arg(to);
        set.arg(to).arg(EPOCH).arg(said.epoch);
        [delete, set].into_iter().chain(self.kept(to)).collect()
    }

    /// Another epoch, in place of whatever is there.
    fn begun(&self) -> Vec<Cmd> {
        let epoch = crate::store::random();
        let begin = |key: &String| {
            let (mut delete, mut set) = (cmd("DEL"), cmd("HSET"));
            delete.arg(key);
            set.arg(key).arg(EPOCH).arg(epoch);
            [delete, set].into_iter().chain(self.kept(key))
        };
        self.keys.iter().flat_map(begin).collect()
    }

    /// Begins another epoch.
    pub(super) fn clear(&self, server: &Server) -> Result<(), Failure> {
        server.execute(&self.keys[0], &|| self.begun())
    }

    /// Notes the removal of a call, at the mixed epoch `at`, if the record still is of `epoch`: which
    /// removal it is.
    pub(super) fn remove(
        &self,
        server: &Server,
        epoch: u64,
        field: &str,
        at: u64,
    ) -> Result<Option<u64>, Failure> {
        let removal = std::cell::Cell::new(None);
        let decide = |replies: &[Reply]| {
            let said = Self::parse(replies).ok().flatten()?;
            if said.is_torn || said.epoch != epoch {
                return None;
            }
            let next = said.removals.saturating_add(1);
            removal.set(Some(next));
            let note = |key: &String| {
                let mut set = cmd("HSET");
                set.arg(key).arg(REMOVED).arg(next).arg(field).arg(format!("{at}:{next}"));
                std::iter::once(set).chain(self.kept(key))
            };
            Some(self.keys.iter().flat_map(note).collect())
        };
        let is_done = server.transact(&self.keys, &self.read(None), &decide)?;
        Ok(removal.get().filter(|_| is_done))
    }

    /// All fields of one copy.
    pub(super) fn fields(&self) -> Cmd {
        let mut command = cmd("HGETALL");
        command.arg(&self.keys[0]);
        command
    }

    /// The calls that such fields say were removed later than that; nothing, if they are not those of
    /// this epoch.
    pub(super) fn removed_since(
        fields: &[(String, String)],
        epoch: u64,
        at: u64,
        since: u64,
    ) -> Option<Vec<&str>> {
        let mut is_of_epoch = false;
        let mut calls = Vec::new();
        for (field, value) in fields {
            match field.as_str() {
                EPOCH => is_of_epoch = value.parse() == Ok(epoch),
                REMOVED => {}
                call => {
                    if removed_at(at, value)? > since {
                        calls.push(call);
                    }
                }
            }
        }
        is_of_epoch.then_some(calls)
    }

    /// Keeps it for longer.
    pub(super) fn keep(&self) -> impl Iterator<Item = Cmd> + '_ {
        self.keys.iter().filter_map(|key| self.kept(key))
    }

    fn kept(&self, key: &str) -> Option<Cmd> {
        let mut command = cmd("PEXPIRE");
        command.arg(key).arg(self.life?);
        Some(command)
    }
}

/// What a call's field says, as which removal it was removed: none, if that was in another epoch.
/// Nothing, if it says no such thing.
pub(super) fn removed_at(epoch: u64, field: &str) -> Option<u64> {
    let (at, removal) = field.split_once(':')?;
    let (at, removal): (u64, u64) = (at.parse().ok()?, removal.parse().ok()?);
    Some(if at == epoch { removal } else { 0 })
}

enum Copy {
    Whole(Said),
    Gone,
    Damaged,
}

impl Copy {
    fn parse(reply: &Reply) -> Result<Self, Failure> {
        let fields = match &reply.value {
            Value::Array(fields) => fields,
            Value::ServerError(error) if error.code() == "WRONGTYPE" => return Ok(Self::Damaged),
            Value::ServerError(error) => return Err(words(error).into()),
            _ => return Ok(Self::Damaged),
        };
        if fields.iter().all(|field| *field == Value::Nil) {
            return Ok(Self::Gone);
        }
        let [epoch, removals, field @ ..] = &fields[..] else { return Ok(Self::Damaged) };
        let whole = || {
            let removals: Option<u64> = FromRedisValue::from_redis_value_ref(removals).ok()?;
            let field = match field.first() {
                Some(field) => FromRedisValue::from_redis_value_ref(field).ok()?,
                None => None,
            };
            let is_one = |field: &String| removed_at(0, field).is_some();
            field.iter().all(is_one).then_some(Said {
                epoch: u64::from_redis_value_ref(epoch).ok()?,
                removals: removals.unwrap_or(0),
                field,
                run: reply.run,
                is_torn: false,
            })
        };
        Ok(whole().map_or(Self::Damaged, Self::Whole))
    }
}

impl Said {
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }
}
