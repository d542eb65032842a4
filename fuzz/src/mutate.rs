//! Random changes of inputs, of those that break readers.

/// Numbers that are the same for a seed.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

const COUNTS: [u64; 8] = [u64::MAX, 1 << 63, 1 << 62, 1 << 32, 1 << 20, 65_536, 1, 0];
const BYTES: [u8; 10] = [0, 1, 2, 15, 127, 128, 253, 254, 255, b'\n'];

/// Makes `into` an input like `one`, with something of `other` in it perhaps.
pub fn mutate(one: &[u8], other: &[u8], longest: usize, random: &mut Random, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(one);
    for _ in 0..=random.below(4) {
        change(into, other, random);
    }
    into.truncate(longest);
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let len = bytes.len();
    let at = random.below(len + 1);
    match random.below(12) {
        0 if at < len => bytes[at] ^= 1 << random.below(8),
        1 if at < len => bytes[at] = random.one_of(&BYTES),
        2 if at < len => bytes[at] = random.byte(),
        3 if at < len => bytes[at] = bytes[at].wrapping_add(random.one_of(&[1, 255, 16])),
        4 => bytes.truncate(at),
        5 => bytes.insert(at, random.byte()),
        6 if at < len => {
            let end = (at + 1 + random.below(16)).min(len);
            bytes.drain(at..end);
        }
        // A count that there is nothing for.
        7 if len >= 8 => {
            let at = random.below(len - 7);
            bytes[at..at + 8].copy_from_slice(&random.one_of(&COUNTS).to_le_bytes());
        }
        // Once more, once or many times.
        8 if at < len => {
            let end = (at + 1 + random.below(32)).min(len);
            let piece = bytes[at..end].repeat(random.one_of(&[1, 1, 1, 2, 40, 300]));
            bytes.splice(at..at, piece);
        }
        // What stands here in another input, or a piece of it.
        9 => {
            bytes.truncate(at);
            bytes.extend_from_slice(&other[at.min(other.len())..]);
        }
        10 if !other.is_empty() => {
            let from = random.below(other.len());
            let to = (from + 1 + random.below(32)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        // A number of a text.
        11 if at < len && bytes[at].is_ascii_digit() => bytes[at] = b'0' + random.byte() % 10,
        _ => bytes.push(random.byte()),
    }
}
