//! What is known of how a function's values fare with the codecs.
//!
//! A shape that bincode carried once is no proof: a `Deserialize` may change what it reads for some
//! values alone, an empty text into none, a time's seconds into zero. So the first values of a shape
//! are checked, and later ones now and then. One that fails where its like had passed leaves the
//! shape without meaning: from then on every value is checked, and what was stored is void.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};

use parking_lot::Mutex;

use super::{BINARY, TAGGED};
use crate::key::shape::Shape;

/// How many values of a shape are checked before it is trusted.
const CHECKS: u8 = 8;

/// One in so many values is checked, whatever is known of its shape.
const SAMPLED: u64 = 64;

/// Past so many shapes every value of another one is checked.
const SHAPES: usize = 4096;

/// Many calls may be waiting with such room each.
const LONGEST_GUESS: u64 = 64 * 1024;

/// What is known of a function's values. The shapes are those that bincode was seen to carry.
#[derive(Debug)]
pub struct Trust {
    /// What is tried first.
    codec: AtomicU8,
    /// The shape of the last whole value that was found to be trusted; 0 before the first.
    root: AtomicU64,
    /// How many values of each shape, of a whole or of a part, bincode was seen to carry. Nobody waits
    /// for the lock: in a child of `fork`, another thread of the parent may hold it for good. Who does
    /// not get it checks a value once more.
    carried: Mutex<HashMap<u64, u8, BuildHasherDefault<AsIs>>>,
    /// How many values were encoded, more or less.
    values: AtomicU64,
    /// What was stored may be wrong, and was not made void yet.
    is_void: AtomicBool,
    /// The length of the last value, as a guess of the next one's.
    len: AtomicU64,
}

impl Trust {
    pub(crate) const fn new() -> Self {
        Self {
            codec: AtomicU8::new(BINARY),
            root: AtomicU64::new(0),
            carried: Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())),
            values: AtomicU64::new(0),
            is_void: AtomicBool::new(false),
            len: AtomicU64::new(8),
        }
    }

    /// How many bytes to make room for behind a key.
    pub(crate) fn expected_len(&self) -> usize {
        // Relaxed, here and below: each is a hint or stands for itself alone.
        let len = self.len.load(Ordering::Relaxed).min(LONGEST_GUESS);
        usize::try_from(len).unwrap_or(0)
    }

    pub(super) fn set_len(&self, len: u64) {
        self.len.store(len, Ordering::Relaxed);
    }

    /// Whether values are tried with bincode.
    pub(super) fn is_binary(&self) -> bool {
        self.codec.load(Ordering::Relaxed) == BINARY
    }

    /// For good: where one value needs the other codec, the next may.
    pub(super) fn set_tagged(&self) {
        self.codec.store(TAGGED, Ordering::Relaxed);
    }

    /// Whether a value of the shape needs no check: not one in so many, and not the first ones.
    pub(super) fn takes(&self, shape: &Shape) -> bool {
        let value = self.values.load(Ordering::Relaxed);
        // Two at a time may count as one, which spares every miss a locked instruction.
        self.values.store(value.wrapping_add(1), Ordering::Relaxed);
        value % SAMPLED != SAMPLED - 1
            && (shape.root == self.root.load(Ordering::Relaxed)
                || self.carried_all(&[shape.root], CHECKS) == Some(true))
            && (shape.parts.is_empty() || self.carried_all(&shape.parts, CHECKS) == Some(true))
    }

    /// Bincode was seen to carry a value of the shape.
    pub(super) fn carried(&self, shape: &Shape) {
        let Some(mut carried) = self.carried.try_lock() else { return };
        for part in shape.parts.iter().chain([&shape.root]) {
            if carried.len() < SHAPES || carried.contains_key(part) {
                let times = carried.entry(*part).or_default();
                *times = times.saturating_add(1);
            }
        }
        if carried.get(&shape.root).is_some_and(|&times| times >= CHECKS) {
            self.root.store(shape.root, Ordering::Relaxed);
        }
    }

    /// A value of the shape came back as another: if bincode had carried others, shapes say nothing
    /// here.
    pub(super) fn came_back_different(&self, shape: &Shape) {
        let had_carried = |shapes| self.carried_all(shapes, 1) != Some(false);
        // Where that cannot be told, it may have.
        if had_carried(&shape.parts) && had_carried(&[shape.root]) {
            self.doubt();
        }
    }

    /// A value that was stored is not, or may not be, what it was: from now on each is checked.
    pub(crate) fn doubt(&self) {
        if self.codec.swap(TAGGED, Ordering::Relaxed) == BINARY {
            self.is_void.store(true, Ordering::Relaxed);
        }
    }

    /// Whether what is stored is to be made void, which is said once.
    pub(crate) fn take_void(&self) -> bool {
        self.is_void.load(Ordering::Relaxed) && self.is_void.swap(false, Ordering::Relaxed)
    }

    /// Whether values of all these shapes were carried so often; nothing, if that cannot be told now.
    fn carried_all(&self, shapes: &[u64], times: u8) -> Option<bool> {
        let carried = self.carried.try_lock()?;
        Some(shapes.iter().all(|shape| carried.get(shape).is_some_and(|&seen| seen >= times)))
    }
}

/// Shapes are hashes already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a shape is a u64");
    }
    fn write_u64(&mut self, shape: u64) {
        self.0 = shape;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
