//! What a [`DiskStore`] does of what a [`Store`] does.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::tags::TAGS;
use super::{busy, generation, inspect, place, DiskStore, Placing, Read, ATTEMPTS};
use crate::store::header::{Header, HEADER};
use crate::store::time::{millis, Now};
use crate::store::{Changes, Failure, FunctionId, Key, Lookup, Stamp, Store, Tag, Ticket};

impl DiskStore {
    pub(super) fn put_in(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
        placing: Placing,
    ) -> io::Result<()> {
        let place = self.place(function);
        let header = Header {
            fingerprint: function.fingerprint,
            key: *key,
            ticket,
            stamp: Now::read().0,
            life: life.map_or(0, |life| millis(life).max(1)),
            len: value.len() as u64,
        };
        self.write(function, &place, &header, value, placing)?;
        self.sweeper.wrote(HEADER as u64 + value.len() as u64, self.max_bytes);
        Ok(())
    }
}

impl Store for DiskStore {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let place = self.place(function);
        let mut was_ahead = false;
        for _ in 0..ATTEMPTS {
            match self.read(function, &place, key)? {
                Read::Done(lookup) => return Ok(lookup),
                // The list has lost what the result knows of, and perhaps more: as a machine may have
                // that lost its power.
                Read::Ahead if was_ahead => self.clear_place(&place)?,
                Read::Damaged(lookup) if was_ahead => return Ok(lookup),
                Read::Ahead | Read::Damaged(_) => was_ahead = true,
                Read::Over => {}
            }
            self.look_again(function, &place)?;
        }
        Err(busy().into())
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        if value.len() as u64 > self.max_value_bytes {
            return Ok(());
        }
        Ok(self.put_in(function, key, ticket, value, life, Placing::Last)?)
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let place = self.place(function);
        for _ in 0..ATTEMPTS {
            let ticket = self.look_again(function, &place)?;
            let entry = self.entry(function, &place, key)?;
            let is_there = entry.is_some_and(|(_, entry)| entry.is_some());
            if ticket.removals >= generation::REMOVALS {
                return Ok((is_there, self.clear(function)?));
            }
            let directory = self.open_functions().and_then(|functions| functions.open(&place.name));
            let listed = directory.and_then(|directory| {
                let name = place.generation_of(ticket);
                name.map(|name| name.list_removed(&directory, key)).transpose()
            });
            let removals = match listed {
                Ok(Some(removals)) => removals,
                // It was cleared meanwhile, or another call removed.
                Ok(None) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let ticket = Ticket::new(ticket.epoch, removals);
            self.look_again(function, &place)?;
            // From now on no file of the call from before is believed: what is left is tidying up.
            let generation = place.generation_of(ticket);
            let was_there = generation.is_none_or(|name| {
                let generation = self.open_generation(&place, name);
                generation.and_then(|it| it.remove(&generation::file_of(key))).unwrap_or(true)
            });
            // Of several who remove it at once, one did.
            return Ok((is_there && was_there, ticket));
        }
        Err(busy().into())
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let place = self.place(function);
        self.clear_place(&place)?;
        Ok(self.look_again(function, &place)?)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        let mut failed = Ok(());
        match self.open_functions() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            functions => {
                for (_, directory) in place::all(&*functions?)? {
                    // One that cannot be cleared is no reason to leave the others.
                    failed = self.clear_directory(&directory).and(failed);
                }
            }
        }
        self.places.lock().values().for_each(|place| *place.known.lock() = None);
        Ok(failed?)
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let place = self.place(function);
        let ticket = self.look_again(function, &place)?;
        let changes = match since {
            None => Changes::Nothing,
            // Of a list with fewer nobody can tell what it has lost.
            Some(since) if since.epoch != ticket.epoch || since.removals > ticket.removals => {
                Changes::Everything
            }
            Some(since) if since.removals == ticket.removals => Changes::Nothing,
            Some(since) => {
                let known = place.known.lock();
                let removed = known.as_ref().filter(|known| known.epoch() == ticket.epoch);
                let removed = removed.map(|known| known.removed_since(since.removals));
                removed.map_or(Changes::Everything, Changes::Removed)
            }
        };
        Ok((ticket, changes))
    }

    fn has_other_version(&self, function: &FunctionId<'_>) -> Result<bool, Failure> {
        let own = &self.place(function).name;
        let functions = match self.open_functions() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            functions => functions?,
        };
        let mut has_others = false;
        for (called, directory) in place::all(&functions)? {
            if called == *own {
                if inspect::has_results(&directory) {
                    return Ok(false);
                }
                continue;
            }
            has_others = has_others
                || (place::is_of_same_name(&called, own)
                    && place::name_in(&directory, &called) == function.name
                    && inspect::has_results(&directory));
        }
        Ok(has_others)
    }

    fn has_tags(&self) -> bool {
        true
    }

    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        tags.iter().map(|tag| self.stamp(tag)).collect()
    }

    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        // Where no tag ever had a stamp, no result has one; and a program that uses no store leaves
        // nothing in the default one.
        if !self.has_stamps()? {
            return Ok(Ticket::new(0, 0));
        }
        Ok(self.remove(&TAGS, tag)?.1)
    }

    fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        self.changes(&TAGS, since)
    }
}
