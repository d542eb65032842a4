//! The header of a stored result: what is taken for a whole file has a checksum that is right, and is
//! byte for byte what would be written. A header whose checksum is right may say anything.

use memo_core::__fuzz::{parse_head, seal, whole_file, whole_file_in_pieces, Head};

use crate::input::{mixed, Input};

pub const HEADER: usize = 152;

fn check(file: &[u8]) -> u64 {
    let whole = whole_file(file);
    for size in [1, 7, file.len()] {
        let in_pieces = whole_file_in_pieces(file, size);
        assert_eq!(in_pieces, whole.map(|(head, _)| head), "in pieces of {size}");
    }
    let parsed = parse_head(file);
    let Some((head, value)) = whole else { return parsed.is_some().into() };
    assert_eq!(parsed, Some(head));
    assert_eq!(head.len, value.len() as u64, "it is not complete");
    assert_eq!(seal(head, value), file, "it is not what would be written");
    2
}

fn head(input: &mut Input<'_>, len: usize) -> Head {
    let byte = input.byte();
    Head {
        fingerprint: [byte; 16],
        key: [byte.wrapping_add(1); 32],
        epoch: input.number(),
        removals: input.number(),
        wall: input.number(),
        boot: input.number(),
        uptime: input.number(),
        life: input.number(),
        len: if input.byte() % 4 == 3 { input.number() } else { len as u64 },
    }
}

pub fn run(bytes: &[u8]) -> u64 {
    let input = &mut Input(bytes);
    if input.byte() & 1 == 0 {
        return check(input.0);
    }
    // A file as it is written, and as something made of it.
    let len = input.below(40);
    let value = input.take(len);
    let head = head(input, value.len());
    let mut file = seal(head, value);
    let is_complete = head.len == value.len() as u64;
    assert_eq!(whole_file(&file), is_complete.then_some((head, value)));
    let original = file.clone();
    let mut changes = 0;
    while !input.is_empty() && changes < 3 {
        changes += 1;
        let at = usize::from(input.byte()) | usize::from(input.byte() & 1) << 8;
        match input.byte() % 4 {
            0 => file.truncate(at),
            1 => file.extend(input.take(at % 16)),
            _ if file.is_empty() => {}
            _ => {
                let at = at % file.len();
                file[at] ^= 1 << input.below(8);
            }
        }
    }
    if file != original {
        assert_eq!(whole_file(&file), None, "a change goes unseen");
    }
    mixed(&[3, check(&file), is_complete.into(), changes, file.len().min(HEADER + 2) as u64])
}

pub fn seeds() -> Vec<Vec<u8>> {
    let value = b"a result";
    let head = Head {
        fingerprint: [1; 16],
        key: [2; 32],
        epoch: 3,
        removals: 4,
        wall: 5,
        boot: 6,
        uptime: 7,
        life: 8,
        len: value.len() as u64,
    };
    let file = |head: Head, value: &[u8]| [&[0][..], &seal(head, value)].concat();
    vec![
        file(head, value),
        file(Head { len: 0, ..head }, b""),
        file(Head { len: u64::MAX, ..head }, value),
        vec![1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 8, 1, 1, 0, 3, 1],
        vec![1, 3, 1, 2, 3, 9, 1, 2, 3, 4, 5, 8, 0, 8],
    ]
}
