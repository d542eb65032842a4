//! What a Redis server replies: whatever comes off the wire is parsed or refused, in bounded memory,
//! and a value is given out only if it is whole, the call's, and of the epochs that the records say.

use memo_core::__fuzz::{epoch_of, look_at, seal, whole_file, Head, Looked};
use memo_core::store::FunctionId;

use crate::input::mixed;
use crate::memory::peak_of;

const FUNCTION: FunctionId<'_> = FunctionId::new("fuzz::f", [1; 16]);
const KEY: [u8; 32] = [2; 32];

/// The parser makes room for 4096 parts at the most before it reads them, which may be done once for
/// each of 100 levels; what it read is copied, and read from.
fn room_for(wire: usize) -> usize {
    (32 << 20) + wire * 1024
}

pub fn run(wire: &[u8]) -> u64 {
    let (looked, peak) = peak_of(|| look_at(wire, &FUNCTION, &KEY));
    assert!(peak <= room_for(wire.len()), "{peak} bytes of {}", wire.len());
    let Looked { replies, records, found, listed } = looked;
    if let Some((value, _)) = &found {
        let [Some((all, _)), Some((own, _))] = records else { panic!("of which epochs is it?") };
        // It stands on the wire as it was written.
        let file_of = |start: usize| {
            let end = start.checked_add(152 + value.len())?;
            whole_file(wire.get(start..end)?).map(|(head, _)| head)
        };
        let head = (0..wire.len()).find_map(file_of).expect("it is none that was sent");
        let Head { fingerprint, key, epoch, .. } = head;
        assert_eq!((fingerprint, key), (FUNCTION.fingerprint, KEY), "it is another call's");
        assert_eq!(epoch, epoch_of(all, own), "it is of another epoch");
    }
    let records = records.map(|said| said.is_some().into());
    let few = listed.map(|count: usize| count.min(3) as u64);
    mixed(&[replies as u64, records[0], records[1], found.is_some().into(), few[0], few[1], few[2]])
}

/// A reply of bytes, or of parts.
fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn array(parts: &[Vec<u8>]) -> Vec<u8> {
    [format!("*{}\r\n", parts.len()).into_bytes(), parts.concat()].concat()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let nil = || b"$-1\r\n".to_vec();
    let record = |epoch: &[u8], removed: &[u8]| array(&[bulk(epoch), bulk(removed), nil()]);
    let fresh = |epoch: &[u8]| array(&[bulk(epoch), nil(), nil()]);
    let value = b"a result";
    let head = Head {
        fingerprint: FUNCTION.fingerprint,
        key: KEY,
        epoch: epoch_of(5, 6),
        removals: 2,
        life: 60_000,
        len: value.len() as u64,
        ..Head::default()
    };
    let left = b":59000\r\n".to_vec();
    let hit = [
        fresh(b"5"),
        fresh(b"5"),
        record(b"6", b"2"),
        record(b"6", b"2"),
        left.clone(),
        bulk(&seal(head, value)),
    ];
    let field = format!("{}:1", epoch_of(5, 6));
    let removed = array(&[bulk(b"6"), bulk(b"2"), bulk(field.as_bytes())]);
    let was_removed =
        [fresh(b"5"), fresh(b"5"), removed.clone(), removed, left, bulk(&seal(head, value))];
    let call = "ab".repeat(32);
    let fields = array(&[bulk(b"epoch"), bulk(b"1"), bulk(call.as_bytes()), bulk(b"1:7")]);
    let entry = array(&[bulk(b"17-2"), array(&[bulk(b"t"), bulk(call.as_bytes())])]);
    let node = array(&[bulk(b"127.0.0.1"), b":7000\r\n".to_vec()]);
    let slots = array(&[array(&[b":0\r\n".to_vec(), b":16383\r\n".to_vec(), node])]);
    vec![
        hit.concat(),
        was_removed.concat(),
        [fresh(b"5"), array(&[nil(), nil(), nil()])].concat(),
        [fresh(b"5"), b"-WRONGTYPE of another kind\r\n".to_vec(), b"-ERR no\r\n".to_vec()].concat(),
        fields,
        array(&[entry.clone(), entry]),
        slots,
        bulk(b"# Server\r\nrun_id:0123456789abcdef\r\n"),
        b"%1\r\n+epoch\r\n:1\r\n".to_vec(),
        b"*3\r\n#t\r\n,1.5\r\n_\r\n".to_vec(),
        b"*1000000000\r\n".to_vec(),
        b"$1000000000\r\n".to_vec(),
        b"*1\r\n".repeat(300),
    ]
}
