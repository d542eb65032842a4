//! What tags were when a result was looked up in a store, and whether they still are.
//!
//! A store gives each tag a stamp, which a clear of the tag replaces. A result is put with the stamps
//! of its look, behind its value, and is taken out only while all of them are as they were: so a clear
//! is one write, whatever there is with the tag, and a late writer puts what nobody takes.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::function::error::Kind;
use crate::key::tags::{Tag, Tags};
use crate::store::{Found, Lookup, Stamp, Ticket};

/// When a store was asked about a call.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) ticket: Ticket,
    /// The stamps of the call's tags then, if its function has tags.
    stamps: Option<Stamps>,
}

/// What a store has of a call.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) moment: Moment,
    pub(crate) found: Option<Found>,
    /// How long it took to find that out, if somebody is to be told.
    pub(crate) took: Duration,
}

impl From<Lookup> for Look {
    fn from(lookup: Lookup) -> Self {
        let moment = Moment { ticket: lookup.ticket, stamps: None };
        Self { moment, found: lookup.found, took: Duration::ZERO }
    }
}

impl Moment {
    pub(in crate::cache) fn tags(&self) -> Vec<Tag> {
        self.stamps.iter().flat_map(|stamps| stamps.0.iter().map(|(tag, _)| *tag)).collect()
    }

    /// Writes the stamps behind a value.
    pub(in crate::cache) fn write(&self, bytes: &mut Vec<u8>) {
        if let Some(stamps) = &self.stamps {
            stamps.write(bytes);
        }
    }
}

/// Tags and their stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamps(Arc<[(Tag, Stamp)]>);

/// The bytes of a tag and its stamp, and of how many there are of them.
const ONE: usize = size_of::<Tag>() + size_of::<Stamp>();
const COUNT: usize = size_of::<u32>();

impl Stamps {
    fn new(tags: &[Tag], stamps: &[Stamp]) -> Self {
        Self(tags.iter().copied().zip(stamps.iter().copied()).collect())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.reserve(ONE * self.0.len() + COUNT);
        for (tag, stamp) in &*self.0 {
            bytes.extend(tag);
            bytes.extend(stamp.to_le_bytes());
        }
        bytes.extend((self.0.len() as u32).to_le_bytes());
    }

    /// Takes what was written off the end of a value; nothing if it is none of that.
    fn cut(bytes: &mut Vec<u8>) -> Option<Self> {
        let (rest, count) = bytes.split_last_chunk::<COUNT>()?;
        let len = ONE.checked_mul(u32::from_le_bytes(*count) as usize)?;
        let value_len = rest.len().checked_sub(len)?;
        let parse = |one: &[u8; ONE]| {
            let (tag, stamp) = one.split_first_chunk()?;
            Some((*tag, Stamp::from_le_bytes(*stamp.first_chunk()?)))
        };
        let stamps: Option<Arc<[_]>> = rest[value_len..].as_chunks().0.iter().map(parse).collect();
        bytes.truncate(value_len);
        stamps.map(Self)
    }

    fn of(&self, tag: &Tag) -> Option<Stamp> {
        self.0.iter().find(|(other, _)| other == tag).map(|(_, stamp)| *stamp)
    }

    /// Whether all of these are there, and the same.
    fn has_all_of(&self, others: &Self) -> bool {
        others.0.iter().all(|(tag, stamp)| self.of(tag) == Some(*stamp))
    }

    fn without(&self, others: &Self) -> Self {
        Self(self.0.iter().filter(|(tag, _)| others.of(tag).is_none()).copied().collect())
    }
}

impl Cache {
    /// What the store has of a call with these tags.
    pub(in crate::cache) fn load_tagged(
        &'static self,
        key: &[u8; 32],
        tags: Option<&Tags>,
    ) -> Option<Look> {
        let tags = tags.map_or(&[][..], Tags::all);
        if !self.may_use_tags(tags) {
            return None;
        }
        let asked = self.ask(Kind::Store, |store, function| store.get_tagged(function, key, tags));
        let (lookup, stamps) = asked?;
        if stamps.len() != tags.len() {
            let why = format!("it gave {} stamps for {} tags", stamps.len(), tags.len());
            self.report_store(Kind::Store, why);
            return None;
        }
        let now = Stamps::new(tags, &stamps);
        let found = lookup.found.and_then(|found| self.current(found, &now));
        let moment = Moment { ticket: lookup.ticket, stamps: Some(now) };
        Some(Look { moment, found, took: Duration::ZERO })
    }

    /// What was found, without the stamps behind it, if they are the same now. It may have more tags than
    /// the call: what is left out of the key says something of them as well.
    fn current(&'static self, mut found: Found, now: &Stamps) -> Option<Found> {
        let then = Stamps::cut(&mut found.value)?;
        if !then.has_all_of(now) {
            return None;
        }
        let more = then.without(now);
        if !more.0.is_empty() {
            let tags: Vec<Tag> = more.0.iter().map(|(tag, _)| *tag).collect();
            if !self.may_use_tags(&tags) {
                return None;
            }
            let stamps = self.ask(Kind::Store, |store, _| store.stamps(&tags))?;
            if stamps.len() != tags.len() || Stamps::new(&tags, &stamps) != more {
                return None;
            }
        }
        Some(found)
    }

    /// Whether the store may be asked about results with these tags: it has tags at all, and none of
    /// these should have been cleared in it and could not be.
    pub(in crate::cache) fn may_use_tags(&'static self, tags: &[Tag]) -> bool {
        // To open it is to find out.
        let _ = self.backing.opened(self);
        let Some(known) = self.backing.known() else { return true };
        let has_tags = match known.has_tags() {
            Ok(has_tags) => has_tags,
            Err(why) => {
                self.backing.errors.fetch_add(1, Ordering::Relaxed);
                self.report_store(Kind::Store, why);
                return false;
            }
        };
        if !has_tags {
            let why =
                "the store has no tags: results of functions with `tags` are kept in memory alone";
            self.report(Kind::Local, why.into());
            return false;
        }
        known.may_use(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(pairs: &[(u8, Stamp)]) -> Stamps {
        Stamps(pairs.iter().map(|(tag, stamp)| ([*tag; 32], *stamp)).collect())
    }

    #[test]
    fn stamps_come_back_from_behind_whatever_value() {
        for value in [&b""[..], b"value"] {
            for written in [stamps(&[]), stamps(&[(1, 7), (2, u64::MAX)])] {
                let mut bytes = value.to_vec();
                written.write(&mut bytes);
                assert_eq!(Stamps::cut(&mut bytes), Some(written));
                assert_eq!(bytes, value);
            }
        }
    }

    #[test]
    fn what_is_too_short_for_its_stamps_has_none() {
        for bytes in [&b""[..], b"abc", &1_u32.to_le_bytes(), &u32::MAX.to_le_bytes()] {
            assert_eq!(Stamps::cut(&mut bytes.to_vec()), None);
        }
    }

    #[test]
    fn what_was_stamped_otherwise_or_is_not_there_differs() {
        let then = stamps(&[(1, 7), (2, 8)]);
        assert!(then.has_all_of(&stamps(&[])) && then.has_all_of(&stamps(&[(2, 8)])));
        assert!(!then.has_all_of(&stamps(&[(2, 9)])) && !then.has_all_of(&stamps(&[(3, 7)])));
        assert_eq!(then.without(&stamps(&[(2, 9)])), stamps(&[(1, 7)]));
    }
}
