//! An input as a list of choices: a value is made of one by asking for them, and any bytes are one.

/// Choices that are still to be made. Where there are no bytes left, each is the first.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i>(pub &'i [u8]);

impl<'i> Input<'i> {
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    pub fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    /// One of the numbers at which something changes, or any.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=7 => small.into(),
            8 => u64::MAX,
            9 => u64::MAX - 1,
            10 => 1 << 63,
            11 => (1 << 63) - 1,
            12 => 1 << 32,
            13 => u32::MAX.into(),
            14 => 255,
            15 => 256,
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    pub fn take(&mut self, len: usize) -> &'i [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One number for several: another one, as good as always, where they are others.
pub fn mixed(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9E37_79B9_7F4A_7C15, |mixed: u64, number| {
        let mixed = (mixed.rotate_left(23) ^ number).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^ (mixed >> 32)
    })
}

pub fn mixed_text(text: &str) -> u64 {
    text.bytes().fold(text.len() as u64, |mixed_, byte| mixed(&[mixed_, byte.into()]))
}
