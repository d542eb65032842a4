//! What a [`RedisStore`] does of what a [`Store`] does.

use super::*;

impl Store for RedisStore {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        Ok(self.look(function, key, &[])?.0)
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let is_large = value.len() > LARGE;
        let is_slow = is_large && self.slow.contains(function, key);
        if value.len() > self.settings.max_value_bytes || is_slow {
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
        let commands: Vec<Cmd> =
            std::iter::once(set).chain(self.record_of(function).keep()).collect();
        match self.shared.server.try_ask(&commands) {
            Ok(replies) => {
                self.slow.forget(function, key);
                values(replies).map(drop)
            }
            Err(unanswered) => {
                if is_large && matches!(unanswered.why, Broken::Late) {
                    self.slow.note(function, key);
                    return Err(unanswered.why.to_string().into());
                }
                Err(self.shared.server.failed(unanswered.why))
            }
        }
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let (place, field) = (self.key_of_call(function, key), hex(key));
        let (mut left, mut head) = (cmd("PTTL"), cmd("GETRANGE"));
        left.arg(&place);
        head.arg(&place).arg(0).arg(HEADER - 1);
        let besides = [left, head];
        let record = self.record_of(function);
        let started = Instant::now();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 && started.elapsed() > self.settings.deadline {
                break;
            }
            let Moment { ticket, own_epoch, removed, besides, .. } =
                self.moment(&record, Some(&field), &besides, 1)?;
            let server = &self.shared.server;
            let Some(removal) = record.remove(server, own_epoch, &field, ticket.epoch)? else {
                continue;
            };
            let mut besides = besides.into_iter();
            let left: Option<i64> = told(besides.next())?;
            let head: Option<Vec<u8>> = told(besides.next())?;
            let is_there = head.zip(left).is_some_and(|(head, left)| {
                let header = head.first_chunk::<HEADER>().and_then(Header::parse);
                header.is_some_and(|(header, _)| {
                    age(&header, function, key, ticket, removed, left).is_some()
                })
            });
            if removal >= REMOVALS {
                return Ok((is_there, self.clear(function)?));
            }
            let mut delete = cmd("DEL");
            delete.arg(&place);
            let publish = publication(&self.shared.channel, &function.fingerprint);
            let mut replies = server.ask(&[delete, publish])?;
            replies.truncate(1);
            // Of several who remove it at once, one did.
            let was_there = told(replies.pop())?.is_some_and(|deleted: u64| deleted > 0);
            return Ok((is_there && was_there, Ticket::new(ticket.epoch, removal)));
        }
        Err("others change the function all the time".into())
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let record = self.record_of(function);
        record.clear(&self.shared.server)?;
        self.publish(&function.fingerprint);
        Ok(self.moment(&record, None, &[], 0)?.ticket)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.all.clear(&self.shared.server)?;
        self.publish(&[]);
        Ok(())
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let record = self.record_of(function);
        let Moment { ticket: now, own_epoch, .. } = self.moment(&record, None, &[], 0)?;
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != now.epoch => Changes::Everything,
            Some(since) if since.removals == now.removals => Changes::Nothing,
            Some(since) => {
                let fields = self.shared.server.ask(&[record.fields()])?.pop();
                let fields: Vec<(String, String)> = told(fields)?.unwrap_or_default();
                let removed = Record::removed_since(&fields, own_epoch, now.epoch, since.removals);
                removed.map_or(Changes::Everything, |removed| {
                    Changes::Removed(removed.into_iter().filter_map(key_of).collect())
                })
            }
        };
        Ok((now, changes))
    }

    fn max_staleness(&self) -> Duration {
        self.shared.max_staleness()
    }

    fn on_invalidation(&self, function: &FunctionId<'_>, notify: OnInvalidation) {
        self.shared.listen(function.fingerprint, notify);
    }

    fn longest_life(&self) -> Option<Duration> {
        Some(self.settings.expiry)
    }

    fn lease(&self, function: &FunctionId<'_>, key: &Key) -> Result<Option<Lease>, Failure> {
        let place = format!("{}:lease", self.key_of_call(function, key));
        Ok(self.shared.lease(place, random())?.map(Lease::new))
    }
    fn has_tags(&self) -> bool {
        true
    }

    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let (all, replies) = self.moment_of_all(&self.looks_for(tags), 0)?;
        self.stamps_of(tags, all, replies)
    }

    fn get_tagged(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        tags: &[Tag],
    ) -> Result<(Lookup, Vec<Stamp>), Failure> {
        if self.shared.server.is_cluster() {
            // Nodes answer when they like: together, a stamp may be of before the look.
            let lookup = self.get(function, key)?;
            return Ok((lookup, self.stamps(tags)?));
        }
        let (lookup, all, replies) = self.look(function, key, &self.looks_for(tags))?;
        Ok((lookup, self.stamps_of(tags, all, replies)?))
    }

    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        self.clear_number(tag)
    }

    fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        self.listed_since(since)
    }

    fn on_tag_invalidation(&self, notify: OnInvalidation) {
        self.shared.listen(tags::LISTENED, notify);
    }
}

impl RedisStore {
    /// Looks up a call; and what these commands say after that.
    fn look(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        after: &[Cmd],
    ) -> Result<(Lookup, All, Vec<Reply>), Failure> {
        let place = self.key_of_call(function, key);
        let (mut left, mut value) = (cmd("PTTL"), cmd("GETRANGE"));
        left.arg(&place);
        // No more of it than may be stored.
        value.arg(&place).arg(0).arg(self.settings.max_value_bytes.saturating_add(HEADER - 1));
        // What is too long is not asked for, for a while.
        let asked_for = if self.slow.contains(function, key) { vec![] } else { vec![left, value] };
        let (of_call, long) = match asked_for.len() {
            0 => (0, 0),
            of_call => (of_call, 1 + after.len()),
        };
        let besides = [asked_for, after.to_vec()].concat();
        let asked = Instant::now();
        let moment = self.moment(&self.record_of(function), Some(&hex(key)), &besides, long);
        if matches!(moment, Err(Unread::TooLong)) {
            self.slow.note(function, key);
        }
        let Moment { ticket, removed, all, mut besides, .. } = moment?;
        let after = besides.split_off(of_call);
        let mut besides = besides.into_iter();
        let left: Option<i64> = told(besides.next())?;
        let value: Option<Vec<u8>> = told(besides.next())?;
        let found = value.zip(left).and_then(|(mut value, left)| {
            let (head, rest) = value.split_first_chunk::<HEADER>()?;
            let len = Header::parse(head)?.0.len;
            if len > self.settings.max_value_bytes as u64 {
                self.slow.note(function, key);
                return None;
            }
            let header = header::of_whole(head, rest)?;
            let age = age(&header, function, key, ticket, removed, left)? + asked.elapsed();
            value.drain(..HEADER);
            Some(Found::new(value, age))
        });
        Ok((Lookup::new(ticket, found), all, after))
    }
}
