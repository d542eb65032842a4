//! What the fuzz targets drive: what is made of a server's replies, whatever they are.

use redis::Parser;

use super::connection::run_of;
use super::tags::{tags_of, Listed, Number};
use super::*;

/// What the replies to a look say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many replies there were.
    pub replies: usize,
    /// The epochs and removals of the two records.
    pub records: [Option<(u64, u64)>; 2],
    /// The value, if it is whole and the call's, and its age.
    pub found: Option<(Vec<u8>, Duration)>,
    /// How many removals, tags and nodes the replies list.
    pub listed: [usize; 3],
}

/// Reads replies off the wire, and makes of them what a look does: two copies each of both records,
/// how long the value is left, the value; and after that, of each, what lists are read from.
pub fn look_at(wire: &[u8], function: &FunctionId<'_>, key: &Key) -> Looked {
    let (mut parser, mut rest) = (Parser::new(), wire);
    let parse = || parser.parse_value(&mut rest as &mut dyn std::io::Read).ok();
    let values: Vec<Value> = std::iter::from_fn(parse).take(16).collect();
    let reply = |value: &Value| Reply { value: value.clone(), run: 1 };
    let replies = |from: usize, to: usize| -> Vec<Reply> {
        values.iter().take(to).skip(from).map(reply).collect()
    };
    let mut looked = Looked { replies: values.len(), ..Looked::default() };
    let records =
        [replies(0, 2), replies(2, 4)].map(|copies| Record::parse(&copies).ok().flatten());
    looked.records = records.each_ref().map(|said| said.as_ref().map(|s| (s.epoch, s.removals)));
    if let [Some(all), Some(own)] = records {
        let epoch = mixed([all.run, all.epoch, own.run, own.epoch]);
        let removed = own.field.and_then(|field| removed_at(epoch, &field));
        let left: Option<i64> = told(replies(4, 5).pop()).ok().flatten();
        let value: Option<Vec<u8>> = told(replies(5, 6).pop()).ok().flatten();
        looked.found = value.zip(left).and_then(|(value, left)| {
            let (head, value) = value.split_first_chunk::<HEADER>()?;
            let header = header::of_whole(head, value)?;
            let now = Ticket::new(epoch, own.removals);
            let age = age(&header, function, key, now, removed, left)?;
            Some((value.to_vec(), age))
        });
    }
    for value in &values {
        let fields: Vec<(String, String)> =
            told(Some(reply(value))).ok().flatten().unwrap_or_default();
        let removed = Record::removed_since(&fields, 1, 1, 0).unwrap_or_default();
        let calls: Vec<Key> = removed.into_iter().filter_map(key_of).collect();
        let listed: Vec<Listed> = told(Some(reply(value))).ok().flatten().unwrap_or_default();
        let tags = tags_of(&listed).unwrap_or_default();
        let from = address::Address::Tcp { host: "host".into(), port: 1, is_tls: false };
        let counts = [calls.len(), tags.len(), cluster::parse(value, &from).len()];
        looked.listed = std::array::from_fn(|list| looked.listed[list] + counts[list]);
        let _ = (run_of(value), Number::parse(value));
    }
    looked
}

/// The epoch that a result is of, where the records say these.
pub fn epoch_of(all: u64, own: u64) -> u64 {
    mixed([1, all, 1, own])
}
