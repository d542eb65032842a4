//! Where results are stored, under which names, and what stands before them.

use crate::cache::tiered::Stored;
use crate::golden::Golden;
use crate::store::header::{self, Header};
use crate::store::time::Stamp;
use crate::store::{Found, Ticket};

const HEADER: Header = Header {
    fingerprint: [0x11; 16],
    key: [0x22; 32],
    ticket: Ticket::new(0x0102_0304_0506_0708, 9),
    stamp: Stamp { wall: 10, boot: 11, uptime: 12 },
    life: 13,
    len: 8,
};

#[test]
fn a_header_is_the_bytes_that_it_was() {
    let mut golden = Golden::default();
    let head = HEADER.bytes(b"a result");
    assert_eq!(header::of_whole(&head, b"a result"), Some(HEADER));
    golden.line("of \"a result\"", head);
    let head = Header { life: 0, len: 0, ..HEADER }.bytes(b"");
    golden.line("of nothing, for ever", head);
    golden.assert(file!(), "header");
}

/// What stands before a value: its codec, its own life in microseconds, what it is made of.
#[test]
fn a_value_is_found_behind_what_stood_before_it() {
    let mut bytes = vec![1, 0x40, 0x42, 0x0F, 0, 0, 0, 0];
    bytes.extend(0x0102_0304_0506_0708_u64.to_le_bytes());
    bytes.extend(b"value");
    let found = Found::new(bytes, std::time::Duration::ZERO);
    let stored = Stored::parse(&found).unwrap();
    assert_eq!((stored.codec, stored.structure), (1, 0x0102_0304_0506_0708));
    assert_eq!(stored.value, b"value");
    let life = stored.life.expect("it has one of its own");
    assert_eq!(format!("{life:?}"), "Life(Some(1000000000))");
}

/// A function's identity has in it what the compiler calls a place, and how wide its numbers are.
#[cfg(all(target_pointer_width = "64", target_endian = "little"))]
#[test]
fn functions_are_known_by_what_they_were() {
    use crate::function::identity::{Place, Source};

    fn place() -> Place {
        struct Here;
        Place::of(&Here)
    }
    let source = Source {
        tokens: "fn square (x : u64) -> u64 { x * x }",
        is_test: false,
        package: [Some("app"), Some("1.4.2"), None],
        module: module_path!(),
        item: "place",
        place,
        line_and_column: (3, 1),
        of_tokens: (3, 1),
    };
    let mut golden = Golden::default();
    golden.line("app::square", source.fingerprint("app::square", 0));
    golden.line("app::square, version 1", source.fingerprint("app::square", 1));
    let test = Source { is_test: true, ..source };
    golden.line("app::square, in a test", test.fingerprint("app::square", 0));
    let in_body = Source { item: "other", ..source };
    golden.line("app::square, in a body", in_body.fingerprint("app::square", 0));
    golden.assert(file!(), "identities");
}
