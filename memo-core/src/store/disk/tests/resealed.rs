//! Files that somebody wrote with a checksum that is right, and a content that is not.

use std::path::Path;

use super::*;
use crate::fuzz::{rounds, Random};
use crate::store::header::HEADER;

/// The one result's file.
fn result_in(directory: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    entries.flatten().map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() {
            return result_in(&path);
        }
        let name = path.file_name()?.to_str()?;
        (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(path)
    })
}

#[test]
fn a_file_whose_checksum_is_right_is_read_as_it_says_or_is_a_miss() {
    let random = &mut Random::of_test();
    let (mut found, mut missed) = (0, 0);
    for _ in 0..rounds(40) {
        let scratch = Scratch::new();
        let store = scratch.store();
        let ticket = store.get(&F, &key(1)).unwrap().ticket;
        store.put(&F, &key(1), ticket, b"a result", None).unwrap();
        let path = result_in(&scratch.0).unwrap();
        let original = fs::read(&path).unwrap();
        let (head, _) = original.split_first_chunk::<HEADER>().unwrap();
        let (mut header, _) = Header::parse(head).unwrap();
        let value = vec![random.next().to_le_bytes()[0]; random.below(40)];
        header.len = value.len() as u64;
        let mut is_another = true;
        match random.below(8) {
            0 => header.key[random.below(32)] ^= 1,
            1 => header.fingerprint[random.below(16)] ^= 1,
            2 => header.ticket = Ticket::new(random.next(), header.ticket.removals),
            3 => header.ticket = Ticket::new(header.ticket.epoch, random.next() | 1),
            4 => header.len = random.next() | 1 << 40,
            _ => is_another = false,
        }
        if !is_another {
            // The times alone: any of them is one that a clock may have said.
            header.life = random.one_of(&[header.life, header.life, u64::MAX, 0]);
        }
        let mut file = header.bytes(&value).to_vec();
        file.extend(&value);
        file.truncate(if random.below(8) == 0 { random.below(file.len()) } else { file.len() });
        fs::write(&path, &file).unwrap();
        // A store that knows nothing of the file, as another process has it.
        let fresh = scratch.store();
        match fresh.get(&F, &key(1)).unwrap().found {
            Some(there) => {
                assert!(!is_another, "what is another's was served");
                assert_eq!(there.value, value);
                found += 1;
            }
            None => missed += 1,
        }
    }
    assert!(found > 0 && missed > 0, "{found} found, {missed} missed");
}
