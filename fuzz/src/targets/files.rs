//! The disk store, whose file of a call somebody has replaced: it is given out only if it is whole and
//! the call's, and then as it is.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use memo_core::__fuzz::{parse_head, seal, whole_file, Head};
use memo_core::store::{DiskStore, FunctionId, Store, Ticket};

use crate::input::{mixed, Input};

const FUNCTION: FunctionId<'_> = FunctionId::new("fuzz::f", [1; 16]);
const KEY: [u8; 32] = [2; 32];

/// A store with one result, whose file is known.
struct Planted {
    root: PathBuf,
    store: DiskStore,
    ticket: Ticket,
    file: PathBuf,
    head: Head,
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The one file below a directory that is named as a call's.
fn file_in(directory: &Path) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() {
            return file_in(&path);
        }
        (path.file_name()?.len() == 64).then_some(path)
    })
}

impl Planted {
    fn new() -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let digits: String = thread.chars().filter(char::is_ascii_digit).collect();
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = place.join(format!("memo-fuzz-{}-{digits}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let store = DiskStore::open(&root);
        let ticket = store.get(&FUNCTION, &KEY).expect("an empty store").ticket;
        store.put(&FUNCTION, &KEY, ticket, b"a result", None).expect("a result is put");
        let file = file_in(&root).expect("there is a file of it");
        let head = parse_head(&fs::read(&file).expect("it can be read")).expect("it has a header");
        Self { root, store, ticket, file, head }
    }
}

thread_local!(static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) });

pub fn run(bytes: &[u8]) -> u64 {
    let planted = PLANTED.take().unwrap_or_else(Planted::new);
    let (outcome, is_cleared) = check(&planted, &mut Input(bytes));
    if !is_cleared {
        PLANTED.set(Some(planted));
    }
    outcome
}

/// What becomes of a file, and whether it has the function cleared.
fn check(planted: &Planted, input: &mut Input<'_>) -> (u64, bool) {
    let kind = input.byte() % 4;
    let file = match kind {
        0 => input.0.to_vec(),
        _ => {
            let mut head = planted.head;
            for _ in 0..input.below(3) {
                match input.below(8) {
                    0 => head.key[input.below(32)] ^= 1 << input.below(8),
                    1 => head.fingerprint[input.below(16)] ^= 1 << input.below(8),
                    2 => head.epoch = input.number(),
                    3 => head.removals = input.number(),
                    4 => head.wall = input.number(),
                    5 => head.boot = input.number(),
                    6 => head.uptime = input.number(),
                    _ => head.life = input.number(),
                }
            }
            let len = input.below(200);
            let value = input.take(len);
            head.len = if input.byte() % 8 == 7 { input.number() } else { value.len() as u64 };
            let mut file = seal(head, value);
            if kind == 3 {
                file.truncate(usize::from(input.byte()) * 2);
            }
            if kind == 2 && !file.is_empty() {
                let at = input.below(file.len());
                file[at] ^= 1 << input.below(8);
            }
            file
        }
    };
    fs::write(&planted.file, &file).expect("the file is there");
    let lookup = planted.store.get(&FUNCTION, &KEY).expect("a bad file is no failure");
    if lookup.ticket != planted.ticket {
        // It knows of removals that the list of them does not, which must have lost some.
        let (head, _) = whole_file(&file).expect("a damaged file has the function cleared");
        let of_function = (head.fingerprint, head.key, head.epoch);
        assert_eq!(of_function, (FUNCTION.fingerprint, KEY, planted.ticket.epoch));
        assert!(head.removals > planted.ticket.removals, "the function was cleared");
        assert!(lookup.found.is_none());
        return (mixed(&[kind.into(), 2]), true);
    }
    let Some(found) = lookup.found else { return (mixed(&[kind.into(), 0]), false) };
    let (head, value) = whole_file(&file).expect("it was given out, and is not whole");
    assert_eq!(found.value, value);
    assert_eq!((head.fingerprint, head.key), (FUNCTION.fingerprint, KEY), "it is another call's");
    assert_eq!(head.epoch, planted.ticket.epoch, "it was cleared");
    let is_aged = head.life == 0 || found.age.as_millis() < u128::from(head.life);
    assert!(is_aged, "it has expired");
    (mixed(&[kind.into(), 1, (head.life == 0).into()]), false)
}

pub fn seeds() -> Vec<Vec<u8>> {
    let file = [&[0][..], &seal(Head { len: 3, ..Head::default() }, b"abc")].concat();
    let mut seeds = vec![file, vec![1, 0, 5, 1, 2, 3, 4, 5]];
    seeds.extend((0..8).map(|field| vec![1, 1, field, 5, 1, 4, 1, 2, 3, 4, 0, 1]));
    seeds.extend((0..8).map(|field| vec![1, 1, field, 16, 255, 255, 255, 255, 255, 1, 0, 0, 4, 1]));
    seeds.push(vec![3, 0, 20, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 40]);
    seeds
}
