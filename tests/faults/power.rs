//! A machine that loses its power leaves a directory in a state that no process left it in.
//!
//! The store never waits for the disk: what it wrote may be there, in part, or not at all, and so may
//! what it renamed, linked, removed and made. The states are made from what is on the disk before each
//! change that a store makes: that very one, as a killed process leaves it; that one with the contents
//! of files lost, as most file systems write them later than names; and mixtures of two of them, where
//! of some paths what was done last is lost and of others it is not.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use memo::store::{DiskStore, Store, Tag};

use crate::files::{image_of, key, value, version_of, write_image, Image, Scratch, FUNCTIONS};
use crate::random::Random;
use crate::trap;
use crate::variable;

const KEYS: u64 = 8;
const TAG: Tag = [9; 32];
const STEPS: usize = 60;

/// What was promised of each result of each function when an image was taken.
static FLOORS: [[AtomicU64; KEYS as usize]; 2] =
    [const { [const { AtomicU64::new(0) }; KEYS as usize] }; 2];
static NOW: AtomicU64 = AtomicU64::new(1);

/// What was on the disk, the version that was written last, and the oldest that may be found.
struct Moment {
    image: Image,
    now: u64,
    floors: [[u64; KEYS as usize]; 2],
}

fn is_tag_clear(step: usize) -> bool {
    step % 15 == 14
}

/// Something that a cache does to its store.
fn act(store: &DiskStore, step: usize, random: &mut Random) {
    let (one, number) = (random.below(2), random.below(KEYS as usize) as u64);
    let function = &FUNCTIONS[one];
    match random.below(16) {
        _ if is_tag_clear(step) => drop(store.clear_tag(&TAG).unwrap()),
        0 => {
            let version = NOW.fetch_add(1, SeqCst) + 1;
            store.clear(function).unwrap();
            FLOORS[one].iter().for_each(|floor| floor.store(version, SeqCst));
        }
        1 => {
            let version = NOW.fetch_add(1, SeqCst) + 1;
            store.clear_all().unwrap();
            FLOORS.iter().flatten().for_each(|floor| floor.store(version, SeqCst));
        }
        2..=4 => {
            let version = NOW.fetch_add(1, SeqCst) + 1;
            store.remove(function, &key(number)).unwrap();
            FLOORS[one][number as usize].store(version, SeqCst);
        }
        5 => drop(store.sweep().unwrap()),
        6 => drop(store.stamps(&[TAG]).unwrap()),
        _ => {
            let lookup = store.get(function, &key(number)).unwrap();
            let value = value(one, number, NOW.load(SeqCst));
            store.put(function, &key(number), lookup.ticket, &value, None).unwrap();
        }
    }
}

/// What is on the disk before each change, and after the last one.
fn moments(random: &mut Random) -> Vec<Moment> {
    let scratch = Scratch::new();
    let moment = || Moment {
        image: image_of(scratch.path()),
        now: NOW.load(SeqCst),
        floors: FLOORS.each_ref().map(|of| of.each_ref().map(|floor| floor.load(SeqCst))),
    };
    let mut moments = Vec::new();
    let script = || {
        let store = DiskStore::open(scratch.path());
        (0..STEPS).for_each(|step| act(&store, step, random));
    };
    FLOORS.iter().flatten().for_each(|floor| floor.store(0, SeqCst));
    trap::watch(script, || moments.push(moment()));
    moments.push(moment());
    moments
}

/// What of a file is there whose content was not written yet: less, zeros, or what the disk had there.
fn lose_contents(image: &mut Image, random: &mut Random) {
    let contents: Vec<Vec<u8>> = image.values().flatten().cloned().collect();
    for bytes in image.values_mut().flatten() {
        let at = random.below(bytes.len() + 1);
        match random.below(8) {
            0 => bytes.clear(),
            1 => bytes.truncate(at),
            2 => bytes[at / 512 * 512..].fill(0),
            3 => {
                let (start, len) = (at / 4096 * 4096, bytes.len());
                bytes[start..(start + 4096).min(len)].fill(0);
            }
            _ => {}
        }
        if random.below(32) == 0 {
            let other = &contents[random.below(contents.len())];
            let end = bytes.len().min(other.len());
            bytes[..end].copy_from_slice(&other[..end]);
        }
    }
}

/// Of each path what there was at one of two moments.
fn mix(before: &Image, after: &Image, random: &mut Random) -> Image {
    let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let mut mixed = Image::new();
    for path in paths {
        let from = if random.below(2) == 0 { before } else { after };
        if let Some(content) = from.get(path) {
            mixed.insert(path.clone(), content.clone());
        }
    }
    mixed
}

/// Which promises hold for what a state was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Nothing,
    Contents,
    Order,
}

/// Whether what one puts is found by another. A sweep that found the file damaged may delete the one that
/// took its place meanwhile, once.
fn is_healed(store: &DiskStore, other: &DiskStore, one: usize, number: u64, value: &[u8]) -> bool {
    (0..5).any(|_| {
        let (function, key) = (&FUNCTIONS[one], key(number));
        let ticket = store.get(function, &key).unwrap().ticket;
        store.put(function, &key, ticket, value, None).unwrap();
        other.get(function, &key).unwrap().found.is_some_and(|found| found.value == value)
    })
}

/// Asks for every result as calls do, and looks whether the store is one; how many were there.
fn check(state: &Image, moment: &Moment, lost: Lost, what: &str) -> usize {
    let scratch = Scratch::new();
    write_image(state, scratch.path());
    let store = DiskStore::open(scratch.path());
    let other = DiskStore::open(scratch.path());
    let mut found_now = 0;
    for (one, function) in FUNCTIONS.iter().enumerate() {
        for number in 0..KEYS {
            let lookup = store.get(function, &key(number));
            let lookup = lookup.unwrap_or_else(|error| panic!("{what}: {error}"));
            if let Some(found) = lookup.found {
                found_now += 1;
                let version = version_of(&found.value, one, number);
                assert!(version <= moment.now, "{what}: a result of the future");
                // What was forgotten stays so where no change to names was lost.
                let floor = moment.floors[one][number as usize];
                assert!(
                    lost == Lost::Order || version >= floor,
                    "{what}: {number} in version {version}, forgotten at {floor}"
                );
            }
            let value = value(one, number, moment.now + 1);
            assert!(is_healed(&store, &other, one, number, &value), "{what}: {number} not healed");
        }
        // And forgets what it is told to forget.
        store.remove(function, &key(1)).unwrap();
        assert_eq!(other.get(function, &key(1)).unwrap().found, None, "{what}");
        let value = value(one, 2, moment.now + 1);
        assert!(is_healed(&store, &other, one, 2, &value), "{what}: 2 not healed");
        store.clear(function).unwrap();
        assert_eq!(other.get(function, &key(2)).unwrap().found, None, "{what}");
    }
    let stamps = store.stamps(&[TAG]).unwrap();
    assert_eq!(other.stamps(&[TAG]).unwrap(), stamps, "{what}");
    store.clear_tag(&TAG).unwrap();
    assert_ne!(other.stamps(&[TAG]).unwrap(), stamps, "{what}");
    store.sweep().unwrap();
    found_now
}

#[test]
fn whatever_a_loss_of_power_leaves_is_a_miss_or_right_and_the_store_goes_on() {
    let losses = variable("MEMO_POWER_LOSSES").unwrap_or(1000) as usize;
    let mut random = Random::new();
    let (mut tried, mut found, mut scripts) = (0, 0, 0);
    while tried < losses {
        let moments = moments(&mut random);
        assert!(moments.len() > STEPS, "only {} changes were seen", moments.len());
        scripts += 1;
        for (at, moment) in moments.iter().enumerate() {
            let what = |lost: Lost| format!("script {scripts}, change {at}, lost: {lost:?}");
            found += check(&moment.image, moment, Lost::Nothing, &what(Lost::Nothing));
            let mut image = moment.image.clone();
            lose_contents(&mut image, &mut random);
            found += check(&image, moment, Lost::Contents, &what(Lost::Contents));
            for depth in [4, 40, usize::MAX] {
                let back = 1 + random.below(depth.min(at + 1));
                let before = &moments[at.saturating_sub(back)].image;
                let mut image = mix(before, &moment.image, &mut random);
                if depth > 4 {
                    lose_contents(&mut image, &mut random);
                }
                found += check(&image, moment, Lost::Order, &what(Lost::Order));
            }
            tried += 5;
            if tried >= losses {
                break;
            }
        }
    }
    println!("{tried} losses of power in {scripts} scripts: {found} results were there, and right");
    // Of one script there may be few: it may have begun with a clear, and found little afterwards.
    assert!(found > tried / 20);
}
