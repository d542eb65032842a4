//! What a store must do that has tags.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::{function, key, look, value, EndOnDrop};
use crate::store::{Changes, FunctionId, Stamp, Store, Tag, Ticket};

/// Every tag is of one check alone.
const fn tag(check: u8, number: u8) -> Tag {
    let mut tag = [check; 32];
    tag[0] = number;
    tag
}

#[track_caller]
fn stamps(store: &dyn Store, tags: &[Tag]) -> Vec<Stamp> {
    let stamps = store.stamps(tags).expect("`stamps`");
    assert_eq!(stamps.len(), tags.len(), "there are not as many stamps as tags");
    stamps
}

#[track_caller]
fn stamp(store: &dyn Store, tag: &Tag) -> Stamp {
    stamps(store, std::slice::from_ref(tag))[0]
}

#[track_caller]
fn clear(store: &dyn Store, tag: &Tag) -> Ticket {
    store.clear_tag(tag).expect("`clear_tag`")
}

pub(super) fn check(one: &dyn Store, other: &dyn Store) {
    gives_another_stamp_after_a_clear_and_not_otherwise(one, other);
    keeps_tags_apart(one, other);
    tells_which_tags_others_cleared(one, other);
    looks_up_with_stamps(one, other);
    agrees_on_a_new_stamp([one, other]);
    fences_who_looked_before_a_clear([one, other]);
    gives_no_stamp_again_while_all_happens_at_once([one, other]);
    says_that_there_is_something_to_tell(one, other);
    clears_tags_with_all_else(one, other);
}

fn gives_another_stamp_after_a_clear_and_not_otherwise(one: &dyn Store, other: &dyn Store) {
    let tag = tag(1, 0);
    let mut seen = Vec::new();
    for _ in 0..20 {
        let now = stamp(one, &tag);
        assert!(!seen.contains(&now), "a stamp came twice");
        seen.push(now);
        for store in [other, one] {
            assert_eq!(stamp(store, &tag), now, "a stamp changed, and its tag was not cleared");
        }
        clear(other, &tag);
        assert_ne!(stamp(one, &tag), now, "a tag has the same stamp after it was cleared");
        clear(one, &tag);
    }
}

fn keeps_tags_apart(one: &dyn Store, other: &dyn Store) {
    assert!(stamps(one, &[]).is_empty());
    let tags: Vec<Tag> = (0..100).map(|number| tag(2, number)).collect();
    let before = stamps(one, &tags);
    assert_eq!(stamps(other, &tags), before, "stamps changed, and no tag was cleared");
    for (tag, stamp_of_it) in tags.iter().zip(&before) {
        assert_eq!(stamp(other, tag), *stamp_of_it, "stamps are not in the order of their tags");
    }
    clear(other, &tags[50]);
    let after = stamps(one, &tags);
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before != after, number == 50, "clearing a tag cleared another, or not itself");
    }
    let twice = stamps(one, &[tags[7], tags[50], tags[7]]);
    assert_eq!(twice, [after[7], after[50], after[7]], "a tag that is asked for twice has others");
}

fn tells_which_tags_others_cleared(one: &dyn Store, other: &dyn Store) {
    let tags: [Tag; 4] = std::array::from_fn(|number| tag(3, number as u8));
    // Only for what is told of them.
    stamps(one, &tags);
    let since = |ticket| one.tag_changes(ticket).expect("`tag_changes`");
    let (start, changes) = since(None);
    assert_eq!(changes, Changes::Nothing, "since no moment a tag was cleared");
    assert!(is_nothing(&since(Some(start)).1), "nothing happened, and something changed");
    let mut moments = vec![start];
    for tag in &tags {
        let after = clear(other, tag);
        let (now, _) = since(None);
        assert_eq!(after.epoch, now.epoch, "the epoch changed with the clear of a tag");
        assert!(after.removals <= now.removals, "a moment precedes one before it");
        let before = moments.last().map_or(0, |before| before.removals);
        assert!(after.removals > before, "a clear does not advance the moment");
        moments.push(after);
    }
    for (index, moment) in moments.iter().enumerate() {
        let told = match since(Some(*moment)).1 {
            Changes::Nothing => Vec::new(),
            Changes::Removed(mut told) => {
                told.sort_unstable();
                told
            }
            Changes::Everything => panic!("everything is void after {index} clears of tags"),
        };
        assert_eq!(told, &tags[index..], "other tags are told than were cleared");
    }
    let of_another_epoch = Ticket::new(!start.epoch, start.removals);
    let (_, changes) = since(Some(of_another_epoch));
    assert_eq!(changes, Changes::Everything, "all is known since a moment of another epoch");
}

fn is_nothing(changes: &Changes) -> bool {
    match changes {
        Changes::Nothing => true,
        Changes::Removed(tags) => tags.is_empty(),
        Changes::Everything => false,
    }
}

#[track_caller]
fn look_tagged(store: &dyn Store, f: &FunctionId<'_>, tags: &[Tag]) -> (Ticket, Vec<Stamp>) {
    let (lookup, stamps) = store.get_tagged(f, &key(1), tags).expect("`get_tagged`");
    let plain = look(store, f, &key(1));
    assert_eq!(lookup.ticket, plain.ticket, "`get_tagged` has another ticket than `get`");
    let values = [lookup.found, plain.found].map(|found| found.map(|found| found.value));
    assert_eq!(values[0], values[1], "`get_tagged` finds what `get` does not, or the reverse");
    (lookup.ticket, stamps)
}

fn looks_up_with_stamps(one: &dyn Store, other: &dyn Store) {
    let f = function("tagged");
    let tags = [tag(4, 0), tag(4, 1)];
    let (_, before) = look_tagged(one, &f, &tags);
    assert_eq!(before, stamps(other, &tags), "`get_tagged` says other stamps than `stamps`");
    let (ticket, _) = look_tagged(one, &f, &tags);
    one.put(&f, &key(1), ticket, b"tagged", None).expect("`put`");
    clear(other, &tags[1]);
    let (after, now) = look_tagged(one, &f, &tags);
    assert_eq!(after, ticket, "the clear of a tag is not the function's");
    assert!(now[0] == before[0] && now[1] != before[1], "`get_tagged` overlooks a clear");
    let found = value(other, &f, &key(1));
    assert!(found.is_some(), "a store has to do with results of a tag that is cleared");
    assert!(look_tagged(one, &f, &[]).1.is_empty(), "there are stamps of no tags");
    one.remove(&f, &key(1)).expect("`remove`");
    assert_eq!(look_tagged(other, &f, &tags).1, now, "the removal of a call clears its tags");
    one.clear(&f).expect("`clear`");
    assert_eq!(look_tagged(other, &f, &tags).1, now, "the clear of a function clears tags");
}

/// All at once ask for the stamp of a tag that has none.
fn agrees_on_a_new_stamp(stores: [&dyn Store; 2]) {
    const THREADS: usize = 4;
    for round in 0..20 {
        let tag = tag(5, round);
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for store in stores.into_iter().cycle().take(THREADS) {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    stamp(store, &tag);
                });
            }
        });
        let [one, other] = stores.map(|store| stamp(store, &tag));
        assert_eq!(one, other, "two who ask for a new stamp at once do not agree after");
        let again = stores.map(|store| stamp(store, &tag));
        assert_eq!([one, other], again, "a new stamp does not last");
    }
}

/// What was a tag's stamp before a clear is none after, whoever looks meanwhile.
fn fences_who_looked_before_a_clear([one, other]: [&dyn Store; 2]) {
    for round in 0..20 {
        let tag = tag(6, round);
        let is_over = AtomicBool::new(false);
        let first = stamp(other, &tag);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = vec![first];
                while !is_over.load(Ordering::SeqCst) {
                    let stamp = stamp(one, &tag);
                    if seen.last() != Some(&stamp) {
                        assert!(!seen.contains(&stamp), "a stamp came back");
                        seen.push(stamp);
                    }
                }
            });
            let end = EndOnDrop(&is_over);
            clear(other, &tag);
            let after = stamps(other, &[tag, tag]);
            assert_eq!(after[0], after[1], "a new stamp does not last while others look");
            assert_ne!(after[0], first, "a tag has the same stamp after it was cleared");
            drop(end);
            reader.join().expect("a reader");
        });
        assert_ne!(stamp(one, &tag), first, "a stamp came back");
    }
}

/// Results with the stamps of their look, as a cache writes them, while their tag is cleared: no
/// reader finds one of before a clear that was over when it began.
fn gives_no_stamp_again_while_all_happens_at_once(stores: [&dyn Store; 2]) {
    const ROUNDS: u64 = 60;
    let f = function("tags_at_once");
    let tag = tag(7, 0);
    let (source, floor) = (AtomicU64::new(1), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for store in stores.into_iter().cycle().take(3) {
            let (source, floor, is_over) = (&source, &floor, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    let void = floor.load(Ordering::SeqCst);
                    let (lookup, stamps) =
                        store.get_tagged(&f, &key(1), &[tag]).expect("`get_tagged`");
                    let found = lookup.found.and_then(|found| {
                        let (stamp, version) = found.value.split_first_chunk()?;
                        let version = version.try_into().map(u64::from_le_bytes).ok()?;
                        (Stamp::from_le_bytes(*stamp) == stamps[0]).then_some(version)
                    });
                    if let Some(version) = found {
                        assert!(
                            version >= void,
                            "{version} is served, cleared by its tag at {void}"
                        );
                        continue;
                    }
                    let version = source.load(Ordering::SeqCst).to_le_bytes();
                    let bytes = [stamps[0].to_le_bytes(), version].concat();
                    store.put(&f, &key(1), lookup.ticket, &bytes, None).expect("`put`");
                }
            });
        }
        let _end = EndOnDrop(&is_over);
        for round in 0..ROUNDS {
            let version = source.fetch_add(1, Ordering::SeqCst) + 1;
            clear(stores[(round % 2) as usize], &tag);
            floor.fetch_max(version, Ordering::SeqCst);
        }
    });
}

/// Who asks only when it is told must be told.
fn says_that_there_is_something_to_tell(one: &dyn Store, other: &dyn Store) {
    const LONG: Duration = Duration::from_secs(5);
    let tag = tag(8, 0);
    stamp(one, &tag);
    let (tell, told) = channel();
    one.on_tag_invalidation(Arc::new(move || {
        let _ = tell.send(());
    }));
    while told.try_recv().is_ok() {}
    clear(other, &tag);
    if one.max_staleness() > LONG {
        let is_told = told.recv_timeout(LONG).is_ok();
        assert!(is_told, "memory need not ask, and is not told of the clear of a tag");
    }
}

fn clears_tags_with_all_else(one: &dyn Store, other: &dyn Store) {
    let tags = [tag(9, 0), tag(9, 1)];
    let before = stamps(one, &tags);
    let (moment, _) = one.tag_changes(None).expect("`tag_changes`");
    other.clear_all().expect("`clear_all`");
    let after = stamps(one, &tags);
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after, "a tag has the same stamp after `clear_all`");
    }
    assert_eq!(stamps(other, &tags), after, "stamps changed, and no tag was cleared");
    let (now, changes) = one.tag_changes(Some(moment)).expect("`tag_changes`");
    assert_eq!(changes, Changes::Everything, "`clear_all` is not told to who asks about tags");
    let (_, changes) = one.tag_changes(Some(now)).expect("`tag_changes`");
    assert!(is_nothing(&changes), "`clear_all` is told twice to who asks about tags");
}
