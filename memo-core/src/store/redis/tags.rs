//! Tags: a number for each, and a list of those that were cleared last.
//!
//! The number is another one after each clear. What is handed out as the stamp is that number, the run
//! of the server that has it, and the epoch of all, mixed: so another stamp follows a restart, a
//! failover and a `clear_all` as well. A number that the server forgot is followed by a new one, which
//! is a clear. Nothing is ever counted up, so that whoever clears does not wait for others.
//!
//! The list is for what others have in memory. It is a stream, cut to its last entries, and a moment
//! is the name of an entry: who finds the entry of its last look there still knows all that came after.

use redis::{cmd, Cmd, FromRedisValue, Value};

use super::connection::Reply;
use super::server::publication;
use super::{key_of, millis, mixed, random, told, All, RedisStore, FORGETS, LONGEST};
use crate::store::{hex, Changes, Failure, Stamp, Tag, Ticket};

/// By what those are told who listen for clears of tags. No function has it, as theirs are digests.
pub(super) const LISTENED: [u8; 16] = *b"memo tags-------";

/// About as many clears are listed.
const LISTED: usize = 4096;
/// More clears than that are not told one by one.
const TOLD: usize = 1000;
/// The field of an entry of the list.
const TAG: &str = "t";

/// What the server has as the number of a tag.
pub(super) enum Number {
    Known(u64),
    Gone,
    /// Something else is in its place.
    Damaged,
}

impl Number {
    pub(super) fn parse(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Gone,
            value => u64::from_redis_value_ref(value).map_or(Self::Damaged, Self::Known),
        }
    }
}

impl RedisStore {
    fn key_of_tag(&self, tag: &Tag) -> String {
        format!("{}:1:tag:{}", self.settings.prefix, hex(tag))
    }

    fn key_of_list(&self) -> String {
        format!("{}:1:tags", self.settings.prefix)
    }

    /// How long a tag's number is kept after it was made or renewed, in milliseconds: longer than the
    /// results that it was looked up for.
    fn life_of_tags(&self) -> u64 {
        millis(self.settings.expiry).saturating_mul(4).min(LONGEST)
    }

    /// What is asked about tags; see [`stamps_of`](Self::stamps_of).
    pub(super) fn looks_for(&self, tags: &[Tag]) -> Vec<Cmd> {
        let look = |tag| {
            let (mut get, mut left) = (cmd("GET"), cmd("PTTL"));
            get.arg(self.key_of_tag(tag));
            left.arg(self.key_of_tag(tag));
            [get, left]
        };
        tags.iter().flat_map(look).collect()
    }

    /// The stamps that the replies say, made where there are none.
    pub(super) fn stamps_of(
        &self,
        tags: &[Tag],
        all: All,
        replies: Vec<Reply>,
    ) -> Result<Vec<Stamp>, Failure> {
        let life = self.life_of_tags();
        let mut stamps = vec![None; tags.len()];
        let (mut missing, mut renewed) = (Vec::new(), Vec::new());
        let mut replies = replies.into_iter();
        for (index, tag) in tags.iter().enumerate() {
            let (Some(number), left) = (replies.next(), replies.next()) else {
                return Err(FORGETS.into());
            };
            let run = number.run;
            let number = match &number.value {
                Value::ServerError(error) if error.code() == "WRONGTYPE" => Number::Damaged,
                Value::ServerError(_) => {
                    return Err(told::<u64>(Some(number)).err().unwrap_or(FORGETS.into()))
                }
                value => Number::parse(value),
            };
            match number {
                Number::Known(number) => stamps[index] = Some(stamp(all, run, number)),
                Number::Gone => missing.push((index, Some("NX"))),
                Number::Damaged => missing.push((index, None)),
            }
            // Now and then: what is only read is not written to.
            if told(left)?.is_some_and(|left: i64| (0..life as i64 / 2).contains(&left)) {
                let mut keep = cmd("PEXPIRE");
                keep.arg(self.key_of_tag(tag)).arg(life);
                renewed.push(keep);
            }
        }
        if !renewed.is_empty() {
            // One that runs out is a clear, and no error.
            let _ = self.shared.server.ask(&renewed);
        }
        // Of a cluster, each is at a node of its own.
        let at_once = if self.shared.server.is_cluster() { 1 } else { missing.len().max(1) };
        for missing in missing.chunks(at_once) {
            for (reply, (index, _)) in self.make(tags, missing)?.iter().zip(missing) {
                let Number::Known(number) = Number::parse(&reply.value) else {
                    return Err(FORGETS.into());
                };
                stamps[*index] = Some(stamp(all, reply.run, number));
            }
        }
        Ok(stamps.into_iter().flatten().collect())
    }

    /// Has tags have numbers, and replies with what they are then: of several who make one, the first
    /// counts.
    fn make(&self, tags: &[Tag], missing: &[(usize, Option<&str>)]) -> Result<Vec<Reply>, Failure> {
        let key = |index: &usize| self.key_of_tag(&tags[*index]);
        let make = || {
            let make = |(index, only_new): &(usize, Option<&str>)| {
                let mut get = cmd("GET");
                get.arg(key(index));
                let mut set = self.numbered(&key(index));
                set.arg(*only_new);
                [set, get]
            };
            missing.iter().flat_map(make).collect()
        };
        let first = missing.first().map(|(index, _)| key(index)).unwrap_or_default();
        let replies = self.shared.server.ask_anew(&first, &make)?;
        Ok(replies.into_iter().skip(1).step_by(2).collect())
    }

    /// Gives a tag a number that it never had.
    fn numbered(&self, key: &str) -> Cmd {
        let mut set = cmd("SET");
        set.arg(key).arg(random()).arg("PX").arg(self.life_of_tags());
        set
    }

    /// Lists a tag as cleared, or none, for there to be an entry.
    fn listed(&self, tag: Option<&Tag>) -> [Cmd; 2] {
        let (mut add, mut keep) = (cmd("XADD"), cmd("PEXPIRE"));
        add.arg(self.key_of_list()).arg("MAXLEN").arg("~").arg(LISTED).arg("*");
        add.arg(TAG).arg(tag.map(|tag| hex(tag)).unwrap_or_default());
        keep.arg(self.key_of_list()).arg(self.life_of_tags());
        [add, keep]
    }

    /// Clears a tag: first it has another number, then that is listed, then others are told to look.
    pub(super) fn clear_number(&self, tag: &Tag) -> Result<Ticket, Failure> {
        let (server, key) = (&self.shared.server, self.key_of_tag(tag));
        let publish = || publication(&self.shared.channel, &LISTENED);
        let listed = if server.is_cluster() {
            server.ask_anew(&key, &|| vec![self.numbered(&key)])?;
            self.list(Some(tag), false)?
        } else {
            let mut replies = server.ask_anew(&key, &|| {
                let [add, keep] = self.listed(Some(tag));
                vec![self.numbered(&key), add, keep, publish()]
            })?;
            replies.swap_remove(1)
        };
        let listed = match &listed.value {
            Value::ServerError(_) => self.list(Some(tag), true)?,
            _ => listed,
        };
        if server.is_cluster() {
            self.publish(&LISTENED);
        }
        let (all, _) = self.moment_of_all(&[], 0)?;
        Ok(moment(all, &listed))
    }

    /// Adds to the list, in the place of what is no list: what it replied.
    fn list(&self, tag: Option<&Tag>, is_damaged: bool) -> Result<Reply, Failure> {
        let key = self.key_of_list();
        let mut delete = cmd("DEL");
        delete.arg(&key);
        let add = || {
            let delete = is_damaged.then(|| delete.clone());
            delete.into_iter().chain(self.listed(tag)).collect()
        };
        let mut replies = self.shared.server.ask_anew(&key, &add)?;
        Ok(replies.swap_remove(usize::from(is_damaged)))
    }

    pub(super) fn listed_since(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        let (mut last, mut later) = (cmd("XREVRANGE"), cmd("XRANGE"));
        last.arg(self.key_of_list()).arg("+").arg("-").arg("COUNT").arg(1);
        let from = since.map_or(0, |since| since.removals);
        later.arg(self.key_of_list()).arg(format!("{}-{}", from >> 16, from & 0xFFFF));
        later.arg("+").arg("COUNT").arg(if since.is_some() { TOLD } else { 1 });
        let (all, mut replies) = self.moment_of_all(&[later, last], 0)?;
        let (Some(last), Some(later)) = (replies.pop(), replies.pop()) else {
            return Err(FORGETS.into());
        };
        let run = last.run;
        let is_damaged = matches!(last.value, Value::ServerError(_));
        let last: Vec<Listed> = told(Some(last))?.unwrap_or_default();
        let later: Vec<Listed> = told(Some(later))?.unwrap_or_default();
        let Some(last) = last.into_iter().next() else {
            let begun = self.list(None, is_damaged)?;
            let changes = since.map_or(Changes::Nothing, |_| Changes::Everything);
            return Ok((moment(all, &begun), changes));
        };
        let epoch = epoch(all, run);
        let Some(since) = since else {
            return Ok((Ticket::new(epoch, number_of(&last.0)), Changes::Nothing));
        };
        // Asked for before the last one: others may have come in between.
        let told = match later.split_first() {
            Some((first, later)) if since.epoch == epoch && later.len() < TOLD - 1 => {
                let is_it = exact(&first.0) == Some(since.removals);
                is_it.then(|| (later.last().unwrap_or(first), tags_of(later)))
            }
            _ => None,
        };
        Ok(match told {
            Some((now, Some(tags))) => {
                let changes =
                    if tags.is_empty() { Changes::Nothing } else { Changes::Removed(tags) };
                (Ticket::new(epoch, number_of(&now.0)), changes)
            }
            _ => (Ticket::new(epoch, number_of(&last.0)), Changes::Everything),
        })
    }
}

/// An entry of the list: its name, and what it says.
pub(super) type Listed = (String, Vec<(String, String)>);

/// The tags that these entries say, unless one says something else.
pub(super) fn tags_of(entries: &[Listed]) -> Option<Vec<Tag>> {
    let mut tags = Vec::with_capacity(entries.len());
    for (_, fields) in entries {
        match &fields[..] {
            [(field, tag)] if field == TAG && tag.is_empty() => {}
            [(field, tag)] if field == TAG => tags.push(key_of(tag)?),
            _ => return None,
        }
    }
    Some(tags)
}

fn stamp(all: All, run: u64, number: u64) -> Stamp {
    mixed([all.run, all.epoch, run, number])
}

/// The epoch of the list of this run.
fn epoch(all: All, run: u64) -> u64 {
    mixed([all.run, all.epoch, run, 0])
}

/// The moment of an entry that was added.
fn moment(all: All, added: &Reply) -> Ticket {
    let name = String::from_redis_value_ref(&added.value).unwrap_or_default();
    Ticket::new(epoch(all, added.run), number_of(&name))
}

/// The number of an entry by its name, which is a time in milliseconds and a number within that.
// Input: `1700000000000-2`
fn exact(name: &str) -> Option<u64> {
    let (time, number) = name.split_once('-')?;
    let (time, number): (u64, u16) = (time.parse().ok()?, number.parse().ok()?);
    (time < 1 << 48).then_some(time << 16 | u64::from(number))
}

/// The same; of a name that cannot be one, a number by which nothing is found.
fn number_of(name: &str) -> u64 {
    exact(name).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_are_numbers_in_their_order() {
        let numbers = ["0-0", "0-1", "1-0", "1700000000000-2", "1700000000000-65535"].map(exact);
        assert!(numbers.iter().all(Option::is_some) && numbers.is_sorted());
        for name in ["", "1", "1-", "-1", "1-65536", "281474976710656-0", "a-b"] {
            assert_eq!(exact(name), None, "{name}");
            assert_eq!(number_of(name), u64::MAX);
        }
    }

    #[test]
    fn entries_that_say_something_else_than_a_tag_say_nothing() {
        let entry = |field: &str, value: &str| {
            ("1-1".to_owned(), vec![(field.to_owned(), value.to_owned())])
        };
        let tag = [7; 32];
        assert_eq!(tags_of(&[entry(TAG, &hex(&tag)), entry(TAG, "")]), Some(vec![tag]));
        for other in [entry("u", &hex(&tag)), entry(TAG, "07"), ("1-1".to_owned(), Vec::new())] {
            assert_eq!(tags_of(&[entry(TAG, &hex(&tag)), other]), None);
        }
    }
}
